"""One batch of the undo of a bulk reset, as set-based statements that bind the realm themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from idp.store.base import table_of
from idp.store.bulk import DONE, UNDONE, Batch
from idp.store.campaigns import credential, target, user
from idp.store.resets import ResetCampaignRow, ResetMemberRow
from idp.store.users import PasswordHistoryRow

_member = table_of(ResetMemberRow)
_campaign = table_of(ResetCampaignRow)
_history = table_of(PasswordHistoryRow)


def list_members(
    connection: Connection, realm: str, campaign_id: str, *, after: str, limit: int
) -> list[str]:
    """Return the next members' ids, and lock their users."""
    query = (
        sa.select(_member.c.user_id)
        .join(user, sa.and_(user.c.realm == _member.c.realm, user.c.id == _member.c.user_id))
        .where(
            _member.c.realm == realm,
            _member.c.campaign_id == campaign_id,
            _member.c.user_id > after,
        )
        .order_by(_member.c.user_id)
        .limit(limit)
        .with_for_update(of=user, key_share=True)
    )
    return list(connection.execute(query).scalars())


def mark_restorable(connection: Connection, batch: Batch, *, began_at: datetime) -> int:
    """Mark those whose credential is still what the campaign wrote and unused since; count them.

    Spec: DECISIONS 15.
    """
    untouched = sa.exists().where(
        user.c.realm == _member.c.realm,
        user.c.id == _member.c.user_id,
        user.c.credential_generation == _member.c.generation,
    )
    unused = sa.exists().where(
        credential.c.realm == _member.c.realm,
        credential.c.user_id == _member.c.user_id,
        sa.or_(credential.c.used_at.is_(None), credential.c.used_at < began_at),
    )
    connection.execute(
        sa.update(_member)
        .where(*batch.covers(_member), _member.c.restored_at.is_(None), untouched, unused)
        .values(restored_at=batch.at)
    )
    restored = sa.select(_member.c.user_id).where(
        *batch.covers(_member), _member.c.restored_at == batch.at
    )
    marked = connection.execute(
        sa.update(target)
        .where(*batch.covers(target), target.c.user_id.in_(restored), target.c.outcome == DONE)
        .values(outcome=UNDONE)
    )
    return _count(marked)


def restore_credentials(connection: Connection, batch: Batch) -> None:
    """Give the marked users back the credential they had, or none if they had none."""
    names = (
        "hash",
        "set_at",
        "set_by",
        "judged_under",
        "judged_groups",
        "must_change",
        "temporary_until",
    )
    columns: dict[str, Any] = {
        name: _member.c[f"previous_{name}"] for name in (*names, "campaign_id", "blocked_at")
    }
    forgotten = ("refused_under", "noted_under", "placed_under", "used_at")
    columns |= {**dict.fromkeys(forgotten, sa.null()), "failures": 0}
    _update_marked(connection, batch, columns, _member.c.previous_hash.is_not(None))
    had_none = sa.select(_member.c.user_id).where(
        *batch.covers(_member),
        _member.c.previous_hash.is_(None),
        _member.c.user_id.in_(batch.marked(UNDONE)),
    )
    connection.execute(
        sa.delete(credential).where(
            credential.c.realm == batch.realm, credential.c.user_id.in_(had_none)
        )
    )


def restore_must_change(connection: Connection, batch: Batch) -> None:
    """Give the marked users back what was asked of them before."""
    columns = {"must_change": _member.c.previous_must_change}
    _update_marked(connection, batch, columns, _member.c.previous_must_change.is_not(None))


def forget_history(connection: Connection, batch: Batch) -> None:
    """Take back the note that the restored passwords are earlier ones."""
    noted = sa.exists().where(
        *batch.covers(_member),
        _member.c.user_id == _history.c.user_id,
        _member.c.previous_hash == _history.c.hash,
        _member.c.previous_set_at == _history.c.set_at,
    )
    connection.execute(
        sa.delete(_history).where(
            _history.c.realm == batch.realm,
            _history.c.user_id.in_(batch.marked(UNDONE)),
            noted,
        )
    )


def count_restored(connection: Connection, realm: str, campaign_id: str) -> int:
    """Return how many members of a campaign were given back what they had."""
    query = (
        sa.select(sa.func.count())
        .select_from(_member)
        .where(
            _member.c.realm == realm,
            _member.c.campaign_id == campaign_id,
            _member.c.restored_at.is_not(None),
        )
    )
    return connection.execute(query).scalar_one()


def erase_members(connection: Connection, realm: str, *, now: datetime, limit: int) -> int:
    """Erase what campaigns keep for an undo that is no longer possible; return how many rows."""
    closed = sa.select(_campaign.c.id).where(
        _campaign.c.realm == realm, _campaign.c.undo_until <= now
    )
    chosen = (
        sa.select(_member.c.campaign_id, _member.c.user_id)
        .where(_member.c.realm == realm, _member.c.campaign_id.in_(closed))
        .limit(limit)
    )
    erased = connection.execute(
        sa.delete(_member).where(
            _member.c.realm == realm,
            sa.tuple_(_member.c.campaign_id, _member.c.user_id).in_(chosen),
        )
    )
    return _count(erased)


def _update_marked(
    connection: Connection,
    batch: Batch,
    columns: Mapping[str, Any],
    condition: sa.ColumnElement[bool],
) -> None:
    connection.execute(
        sa.update(credential)
        .where(
            *batch.covers(_member),
            condition,
            credential.c.realm == batch.realm,
            credential.c.user_id == _member.c.user_id,
            credential.c.user_id.in_(batch.marked(UNDONE)),
        )
        .values(**columns)
    )


def _count(result: object) -> int:
    return cast("CursorResult[Any]", result).rowcount
