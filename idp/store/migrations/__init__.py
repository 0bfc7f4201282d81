"""Schema migrations: the same revisions on SQLite and PostgreSQL."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from idp.store.session import Database


def alembic_config(url: str) -> Config:
    """Return the Alembic configuration for the database at `url`; no file is read."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision; each revision is one transaction."""
    command.upgrade(alembic_config(url), "head")


@cache
def head_revision() -> str:
    """Return the revision this program was written for."""
    head = ScriptDirectory.from_config(alembic_config("sqlite://")).get_current_head()
    if head is None:  # pragma: no cover - there is always a first revision
        msg = "no migrations"
        raise RuntimeError(msg)
    return head


def knows_revision(revision: str) -> bool:
    """Tell whether `revision` is one of this program's own (else a newer program's)."""
    scripts = ScriptDirectory.from_config(alembic_config("sqlite://"))
    return revision in {script.revision for script in scripts.walk_revisions()}


def current_revision(database: Database) -> str | None:
    """Return the revision the database stands at, or None when it is empty."""
    with database.connection(write=False) as connection:
        return MigrationContext.configure(connection).get_current_revision()
