"""Alembic's entry: runs revisions over the product's own engine."""

from alembic import context

from idp.store import Base
from idp.store.session import Database


def run() -> None:
    """Run the asked revisions, one transaction each."""
    database = Database(context.config.attributes["url"])
    try:
        with database.engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                transaction_per_migration=True,
                render_as_batch=database.is_sqlite,
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        database.close()


run()
