"""Schema migrations: the same revisions on SQLite and PostgreSQL.

`idp.store.revisions` tells which there are; only who migrates loads this package, with Alembic.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config


def alembic_config(url: str) -> Config:
    """Return the Alembic configuration for the database at `url`; no file is read."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision; each revision is one transaction."""
    command.upgrade(alembic_config(url), "head")
