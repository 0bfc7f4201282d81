"""One batch of a bulk reset or of its undo, as set-based statements.

A batch is a stretch of users in the order of their ids; the statements hit those of it that were
marked. Each binds the realm itself. Row ids are made by the database: a UUIDv7 whose random part
comes from the server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from idp.ids import new_id
from idp.store.audit import AuditEventRow
from idp.store.base import table_of
from idp.store.campaigns import credential, target, user
from idp.store.jobs import OutboxRow
from idp.store.recovery import RecoveryRequestRow
from idp.store.resets import ResetMemberRow
from idp.store.users import UNUSABLE, PasswordHistoryRow

_member = table_of(ResetMemberRow)
_history = table_of(PasswordHistoryRow)
_event = table_of(AuditEventRow)
_recovery = table_of(RecoveryRequestRow)
_outbox = table_of(OutboxRow)

DONE = "done"
UNDONE = "undone"
_ID_HEAD = len("xxxxxxxx-xxxx-7")
_PREVIOUS = (
    "hash",
    "set_at",
    "set_by",
    "judged_under",
    "judged_groups",
    "must_change",
    "temporary_until",
    "campaign_id",
    "blocked_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The users of one plan with `after < id <= upto`, at one moment."""

    realm: str
    plan_id: str
    after: str
    upto: str
    at: datetime

    def marked(self, outcome: str) -> sa.Select[Any]:
        """Return the query for the ids in this batch that have this outcome."""
        return sa.select(target.c.user_id).where(*self.covers(target), target.c.outcome == outcome)

    def covers(self, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        """Return the conditions for a row of `table` to be in this batch."""
        owner = table.c.plan_id if table is target else table.c.campaign_id
        return (
            table.c.realm == self.realm,
            owner == self.plan_id,
            table.c.user_id > self.after,
            table.c.user_id <= self.upto,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvents:
    """The audit event that each user of a batch gets."""

    code: str
    actor_kind: str
    actor_id: str | None
    request_id: str | None
    params: Mapping[str, object]


class _RandomHex(FunctionElement[str]):
    """Twelve or more random hexadecimal digits, anew for every row and every mention."""

    type = sa.String()
    inherit_cache = True


@compiles(_RandomHex, "sqlite")
def _random_hex_sqlite(_element: Any, _compiler: Any, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook
    return "lower(hex(randomblob(6)))"


@compiles(_RandomHex, "postgresql")
def _random_hex_postgresql(_element: Any, _compiler: Any, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook
    return "right(gen_random_uuid()::text, 12)"


def mark_batch(connection: Connection, batch: Batch, skipped: Mapping[str, str]) -> None:
    """Note which targets of the batch are acted upon now, and which are skipped and why."""
    connection.execute(
        sa.update(target)
        .where(*batch.covers(target), target.c.excluded.is_(None))
        .values(outcome=DONE)
    )
    if skipped:
        connection.execute(
            sa.update(target)
            .where(
                target.c.realm == batch.realm,
                target.c.plan_id == batch.plan_id,
                target.c.user_id == sa.bindparam("skipped_id"),
            )
            .values(outcome=sa.bindparam("why")),
            [{"skipped_id": id_, "why": f"skipped:{why}"} for id_, why in skipped.items()],
        )


def keep_previous(connection: Connection, batch: Batch, *, step: int, with_hash: bool) -> None:
    """Remember what each user has now, and the generation that the batch will leave: `step` on."""
    previous: list[Any] = [credential.c[name] for name in _PREVIOUS]
    if not with_hash:
        previous[0] = sa.cast(sa.null(), sa.String)
    chosen = (
        sa.select(
            user.c.realm,
            sa.literal(batch.plan_id, sa.String),
            user.c.id,
            user.c.credential_generation + step,
            *previous,
        )
        .outerjoin(
            credential,
            sa.and_(credential.c.realm == user.c.realm, credential.c.user_id == user.c.id),
        )
        .where(user.c.realm == batch.realm, user.c.id.in_(batch.marked(DONE)))
    )
    names = ["realm", "campaign_id", "user_id", "generation"]
    names += [f"previous_{name}" for name in _PREVIOUS]
    connection.execute(sa.insert(_member).from_select(names, chosen))


def add_history(connection: Connection, batch: Batch) -> None:
    """Note the present passwords as earlier ones."""
    chosen = sa.select(
        credential.c.realm,
        _new_ids(batch.at),
        credential.c.user_id,
        credential.c.hash,
        credential.c.set_at,
        _moment(batch.at),
    ).where(
        credential.c.realm == batch.realm,
        credential.c.user_id.in_(batch.marked(DONE)),
        credential.c.hash != UNUSABLE,
    )
    names = ("realm", "id", "user_id", "hash", "set_at", "replaced_at")
    connection.execute(sa.insert(_history).from_select(names, chosen))


def add_user_events(
    connection: Connection, batch: Batch, event: UserEvents, *, outcome: str = DONE
) -> None:
    """Write one audit event for each user of the batch with this outcome."""
    chosen = sa.select(
        target.c.realm,
        _new_ids(batch.at),
        sa.literal(event.code, sa.String),
        _moment(batch.at),
        sa.literal(event.actor_kind, sa.String),
        sa.literal(event.actor_id, sa.String),
        target.c.user_id,
        sa.literal(event.request_id, sa.String),
        sa.literal(dict(event.params), _event.c.params.type),
    ).where(*batch.covers(target), target.c.outcome == outcome)
    names = ("realm", "id", "code", "at", "actor_kind", "actor_id", "subject_id", "request_id")
    connection.execute(sa.insert(_event).from_select([*names, "params"], chosen))


def move_counters(
    connection: Connection, batch: Batch, columns: Mapping[str, Any], *, outcome: str = DONE
) -> None:
    """Set columns of the batch's users."""
    connection.execute(
        sa.update(user)
        .where(user.c.realm == batch.realm, user.c.id.in_(batch.marked(outcome)))
        .values(updated_at=batch.at, **columns)
    )


def set_credentials(connection: Connection, batch: Batch, columns: Mapping[str, Any]) -> None:
    """Set columns of the batch's credentials."""
    connection.execute(
        sa.update(credential)
        .where(credential.c.realm == batch.realm, credential.c.user_id.in_(batch.marked(DONE)))
        .values(**columns)
    )


def add_credentials(connection: Connection, batch: Batch, columns: Mapping[str, Any]) -> None:
    """Give a credential to those of the batch who have none."""
    has_one = sa.exists().where(
        credential.c.realm == user.c.realm, credential.c.user_id == user.c.id
    )
    values = [sa.literal(value, credential.c[name].type) for name, value in columns.items()]
    chosen = sa.select(user.c.realm, user.c.id, *values).where(
        user.c.realm == batch.realm, user.c.id.in_(batch.marked(DONE)), sa.not_(has_one)
    )
    names = ["realm", "user_id", *columns]
    connection.execute(sa.insert(credential).from_select(names, chosen))


def kill_recovery_links(connection: Connection, batch: Batch, *, outcome: str = DONE) -> None:
    """Spend every open reset link and code of the batch's users."""
    connection.execute(
        sa.update(_recovery)
        .where(
            _recovery.c.realm == batch.realm,
            _recovery.c.user_id.in_(batch.marked(outcome)),
            _recovery.c.used_at.is_(None),
        )
        .values(used_at=batch.at)
    )


def add_messages(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Put sealed messages into the outbox."""
    if rows:
        connection.execute(sa.insert(_outbox), [{"attempts": 0, **row} for row in rows])


def count_skipped(connection: Connection, realm: str, plan_id: str) -> int:
    """Return how many targets of a plan were skipped when their turn came."""
    query = (
        sa.select(sa.func.count())
        .select_from(target)
        .where(
            target.c.realm == realm,
            target.c.plan_id == plan_id,
            target.c.outcome.is_not(None),
            target.c.outcome.not_in((DONE, UNDONE)),
        )
    )
    return connection.execute(query).scalar_one()


def _moment(at: datetime) -> sa.BindParameter[Any]:
    return sa.literal(at, _event.c.at.type)


def _new_ids(at: datetime) -> sa.ColumnElement[str]:
    """Return the expression of a fresh UUIDv7 of this moment (RFC 9562 5.7)."""
    head = new_id(int(at.timestamp() * 1000))[:_ID_HEAD]
    return (
        sa.literal(head, sa.String)
        + sa.func.substr(_RandomHex(), 1, 3)
        + "-a"
        + sa.func.substr(_RandomHex(), 1, 3)
        + "-"
        + sa.func.substr(_RandomHex(), 1, 12)
    )
