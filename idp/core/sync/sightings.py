"""Who was only seen by a run, and where: moves, returns, and entries that nobody can tell."""

from typing import Any

import sqlalchemy as sa

from idp.core.sync.runs import Reading
from idp.core.sync.staging import NOTHING, REJECTED, SEEN, USER, WITHOUT_ID
from idp.core.work import UnitOfWork
from idp.store.directories import DirectoryLinkRow, DirectoryStageRow


def moved_links(run_id: str, name: str) -> sa.Select[*tuple[Any, ...]]:
    """Return the query for user, old and new address of accounts that only lie somewhere else."""
    link, stage = DirectoryLinkRow, DirectoryStageRow
    return (
        sa.select(link.user_id, link.address_hash.label("old"), stage.address_hash.label("new"))
        .join(stage, same_entry())
        .where(
            stage.run_id == run_id,
            stage.kind.in_((USER, SEEN)),
            stage.address_hash != link.address_hash,
            stage.address_hash != NOTHING,
            link.connector == name,
            sa.or_(stage.kind == SEEN, stage.digest == link.digest),
        )
    )


def same_entry() -> sa.ColumnElement[bool]:
    """Return the condition for something that was read to be the entry of a link."""
    return sa.and_(
        DirectoryStageRow.realm == DirectoryLinkRow.realm,
        DirectoryStageRow.stable_id == DirectoryLinkRow.stable_id,
    )


def count_nameless(uow: UnitOfWork, reading: Reading) -> int:
    """Return how many entries did not tell a usable id, so that they may be anybody."""
    stage = DirectoryStageRow
    nameless = sa.select(sa.func.count()).where(
        stage.run_id == reading.run_id,
        stage.kind == REJECTED,
        stage.stable_id.startswith(WITHOUT_ID, autoescape=True),
    )
    return uow.db.scalar(nameless) or 0


def count_returned(uow: UnitOfWork, reading: Reading) -> int:
    """Return how many are there again who were gone, as far as they were only named."""
    query = (
        sa.select(sa.func.count())
        .select_from(DirectoryStageRow)
        .join(DirectoryLinkRow, same_entry())
        .where(
            DirectoryStageRow.run_id == reading.run_id,
            DirectoryStageRow.kind == SEEN,
            DirectoryLinkRow.connector == reading.name,
            DirectoryLinkRow.gone_since.is_not(None),
        )
    )
    return uow.db.scalar(query) or 0
