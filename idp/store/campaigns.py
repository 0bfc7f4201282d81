"""Whom a bulk reset names: selecting, excluding and counting users with one statement each.

They are Core statements over tables, so each binds the realm itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from idp.store.base import table_of
from idp.store.groups import MembershipRow
from idp.store.plans import PlanTargetRow
from idp.store.roles import has_role
from idp.store.users import UNUSABLE, CredentialRow, UserRow

user = table_of(UserRow)
credential = table_of(CredentialRow)
target = table_of(PlanTargetRow)
_membership = table_of(MembershipRow)

_MAX_NAMED = 500

ACTING = "acting_administrator"
INACTIVE = "inactive"
DIRECTORY_OWNED = "directory_owned"
ADMINISTRATOR = "administrator"
NO_EMAIL = "no_email"
NO_PASSWORD = "no_password"  # noqa: S105 - a reason, no password


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Which users of a realm are selected: all of them, unless one field says which.

    `planned` selects whoever the plan itself names, excluded ones too.
    """

    group_ids: tuple[str, ...] | None = None
    user_ids: tuple[str, ...] | None = None
    set_before: datetime | None = None
    judged_below: int | None = None
    planned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Which selected users are left out, beside inactive ones and those of a directory."""

    acting_id: str | None
    administrators: bool
    without_email: bool
    without_password: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan of one realm, and what it leaves out."""

    realm: str
    id: str
    exclusion: Exclusion


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a selection moved since it was planned."""

    planned: int
    lost: int
    gained: int


def add_targets(connection: Connection, plan: Plan, criteria: Criteria, *, warn: bool) -> None:
    """Store whom a plan names; with `warn`, users without an e-mail address carry a warning."""
    warning = sa.case((user.c.email.is_(None), NO_EMAIL)) if warn else sa.null()
    reason = _reason(plan.exclusion)
    for part in _parts(criteria):
        chosen = sa.select(
            user.c.realm,
            sa.literal(plan.id, sa.String),
            user.c.id,
            reason,
            sa.cast(sa.case((reason.is_(None), warning)), sa.String),
        ).where(user.c.realm == plan.realm, _is_selected(plan, part))
        names = ("realm", "plan_id", "user_id", "excluded", "warning")
        connection.execute(sa.insert(target).from_select(names, chosen))


def find_known_users(connection: Connection, realm: str, user_ids: Sequence[str]) -> set[str]:
    """Return those of the ids that are users of the realm."""
    known: set[str] = set()
    for part in _chunks(user_ids):
        query = sa.select(user.c.id).where(user.c.realm == realm, user.c.id.in_(part))
        known.update(connection.scalars(query))
    return known


def count_targets(connection: Connection, plan: Plan) -> list[tuple[str | None, str | None, int]]:
    """Return how many users the plan names, by reason of exclusion and by warning."""
    query = (
        sa.select(target.c.excluded, target.c.warning, sa.func.count())
        .where(target.c.realm == plan.realm, target.c.plan_id == plan.id)
        .group_by(target.c.excluded, target.c.warning)
    )
    return [(excluded, warning, count) for excluded, warning, count in connection.execute(query)]


def find_administrators(connection: Connection, realm: str, plan_id: str) -> list[str]:
    """Return the targets that hold an administrator role."""
    query = sa.select(target.c.user_id).where(
        *_is_target(realm, plan_id), has_role(target.c.realm, target.c.user_id)
    )
    return list(connection.scalars(query))


def iterate_targets(connection: Connection, plan: Plan) -> Iterator[str]:
    """Yield the ids of the targets, sorted."""
    query = (
        sa.select(target.c.user_id)
        .where(*_is_target(plan.realm, plan.id))
        .order_by(target.c.user_id)
    )
    yield from connection.execute(query).scalars()


def measure_drift(connection: Connection, plan: Plan, criteria: Criteria) -> Drift:
    """Compare the stored targets with whom the same selection would name now."""
    planned = sa.select(target.c.user_id).where(*_is_target(plan.realm, plan.id))
    now = sa.select(user.c.id).where(
        user.c.realm == plan.realm,
        _is_selected(plan, criteria),
        _reason(plan.exclusion).is_(None),
    )
    # Not "not in": PostgreSQL would compare each of many users with all the others.
    lost, gained = sa.except_(planned, now), sa.except_(now, planned)
    counts = (
        connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
        for query in (planned, lost, gained)
    )
    return Drift(*counts)


def _parts(criteria: Criteria) -> Iterator[Criteria]:
    if criteria.user_ids is None:
        yield criteria
        return
    for part in _chunks(criteria.user_ids):
        yield Criteria(user_ids=tuple(part))


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _MAX_NAMED):
        yield ids[start : start + _MAX_NAMED]


def _is_target(realm: str, plan_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        target.c.realm == realm,
        target.c.plan_id == plan_id,
        target.c.excluded.is_(None),
    )


def _is_selected(plan: Plan, criteria: Criteria) -> sa.ColumnElement[bool]:
    if criteria.planned:
        named = sa.select(target.c.user_id).where(
            target.c.realm == plan.realm, target.c.plan_id == plan.id
        )
        return user.c.id.in_(named)
    if criteria.user_ids is not None:
        return user.c.id.in_(criteria.user_ids)
    if criteria.group_ids is not None:
        members = sa.select(_membership.c.user_id).where(
            _membership.c.realm == plan.realm, _membership.c.group_id.in_(criteria.group_ids)
        )
        return user.c.id.in_(members)
    return _has_credential(*_asked_of_credential(criteria))


def _asked_of_credential(criteria: Criteria) -> Iterator[sa.ColumnElement[bool]]:
    if criteria.set_before is not None:
        yield credential.c.set_at < criteria.set_before
    if criteria.judged_below is not None:
        yield credential.c.judged_under < criteria.judged_below


def _has_credential(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    if not conditions:
        return sa.true()
    return sa.exists().where(
        credential.c.realm == user.c.realm, credential.c.user_id == user.c.id, *conditions
    )


def _reason(exclusion: Exclusion) -> sa.Case[Any]:
    """Return the expression of why a user is left out; NULL for one who is not."""
    whens: list[Any] = [
        (user.c.status != "active", INACTIVE),
        (user.c.connector.is_not(None), DIRECTORY_OWNED),
    ]
    if exclusion.acting_id is not None:
        whens.insert(0, (user.c.id == exclusion.acting_id, ACTING))
    if exclusion.administrators:
        whens.append((has_role(user.c.realm, user.c.id), ADMINISTRATOR))
    if exclusion.without_email:
        whens.append((user.c.email.is_(None), NO_EMAIL))
    if exclusion.without_password:
        has_password = _has_credential(credential.c.hash != UNUSABLE)
        whens.append((sa.not_(has_password), NO_PASSWORD))
    return sa.case(*whens)


def list_batch(connection: Connection, plan: Plan, *, after: str, limit: int) -> list[Any]:
    """Return the next targets (`user_id`, `reason` to skip, `generation`) and lock their users."""
    query = (
        sa.select(
            target.c.user_id,
            _reason(plan.exclusion).label("reason"),
            user.c.credential_generation.label("generation"),
        )
        .join(user, sa.and_(user.c.realm == target.c.realm, user.c.id == target.c.user_id))
        .where(*_is_target(plan.realm, plan.id), target.c.user_id > after)
        .order_by(target.c.user_id)
        .limit(limit)
        .with_for_update(of=user, key_share=True)
    )
    return list(connection.execute(query).all())
