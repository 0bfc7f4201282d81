"""The history of a realm's policy: immutable, numbered versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from idp.core.events import Event, EventCode
from idp.core.judging import words_of_realm
from idp.core.policies import current_policy, default_enforcement, policy_version
from idp.core.policy_notices import queue_notices
from idp.core.policy_snapshots import take_snapshot_soon
from idp.core.policy_sources import require_sources
from idp.core.policy_words import describe_change
from idp.core.work import UnitOfWork
from idp.errors import Conflict, InvalidInput, NotFound
from idp.ids import RealmName
from idp.store.policies import PolicyVersionRow
from idp.store.realms import RealmRow
from policy.model import PolicyError, PolicyVersion, Rule
from policy.parse import digest, parse
from policy.presets import PRESETS
from policy.rules import RULES

DEFAULT_PRESET = "nist-800-63b"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionView:
    """One version. `document` is what was published; `diff` what it changed, in words."""

    number: int
    is_current: bool
    document: Mapping[str, object]
    digest: str
    author_id: str | None
    comment: str | None
    origin: str
    created_at: datetime
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version about to be published; `policy` is `document`, read."""

    policy: PolicyVersion
    document: Mapping[str, object]
    origin: str
    comment: str | None = None


def read_policy(
    realm: RealmName, document: Mapping[str, object], *, rules: Iterable[type[Rule]] = RULES
) -> PolicyVersion:
    """Return the policy that a document states, not published yet (number 0).

    Args:
        rules: every rule there is (`Runtime.rules`).

    Raises:
        InvalidInput: `policy.invalid`, with the dotted path of the first thing that is wrong.
    """
    try:
        return parse(document, default_enforcement=default_enforcement(realm), rules=rules)
    except PolicyError as error:
        raise InvalidInput("policy.invalid", path=error.path, reason=error.reason) from error


def append_version(uow: UnitOfWork, new: NewVersion, *, base: int) -> int:
    """Publish a version on top of version `base` and return its number.

    The version, the realm's pointer to it and the audit event are one transaction; what was
    issued under the old version meets the new one at the next request on every node.

    Raises:
        Conflict: `policy.version_moved`, when `base` is not the current version any more.
    """
    before = policy_version(uow, base)
    number = base + 1
    by_group = asks_for_groups(uow, new.policy, before=base)
    moved = cast(
        "CursorResult[Any]",
        uow.db.execute(
            sa.update(RealmRow)
            .where(RealmRow.name == uow.realm, RealmRow.policy_version == base)
            .values(policy_version=number, policy_by_group=by_group)
            .execution_options(synchronize_session=False)
        ),
    )
    if moved.rowcount != 1:
        raise Conflict("policy.version_moved", base_version=base)
    realm = uow.db.get(RealmRow, uow.realm)
    if realm is not None:
        uow.db.expire(realm)
    _add(uow, number, new)
    take_snapshot_soon(uow)
    told = {
        "version": number,
        "base_version": base,
        "digest": digest(new.policy),
        "diff": list(describe_change(before, new.policy)),
        "comment": new.comment,
    }
    uow.record(Event(code=EventCode.POLICY_PUBLISHED, params=told))
    queue_notices(uow, number, new.policy)
    return number


def bootstrap_policy(uow: UnitOfWork, preset: str = DEFAULT_PRESET) -> None:
    """Give a new realm version 1: what its configuration says, or else a preset.

    Does nothing when the realm has a version already.

    Raises:
        NotFound: there is no such preset.
        InvalidInput: the configuration's policy cannot be used.
    """
    if uow.db.get(PolicyVersionRow, (uow.realm, 1)) is not None:
        return
    configured = uow.runtime.config.realm(uow.realm).policy
    if configured is not None:
        _add_first(uow, configured, "config")
        return
    make = PRESETS.get(preset)
    if make is None:
        raise NotFound("policy.preset_not_found", preset=preset, known=sorted(PRESETS))
    _add_first(uow, make(realm_words(uow)), "init")


def follow_config(uow: UnitOfWork) -> int | None:
    """Publish the configuration's policy where the configuration owns it and it changed.

    Returns:
        The new version's number, or None when nothing had to be done.

    Raises:
        InvalidInput: the configuration's policy cannot be used.
    """
    settings = uow.runtime.config.realm(uow.realm)
    if settings.policy_managed_by != "config" or settings.policy is None:
        return None
    policy = read_policy(uow.realm, settings.policy, rules=uow.runtime.rules)
    current = current_policy(uow)
    if digest(policy) == digest(current):
        return None
    new = NewVersion(policy=policy, document=settings.policy, origin="config")
    return append_version(uow, new, base=current.number)


def realm_words(uow: UnitOfWork) -> set[str]:
    """Return the words that nobody of this realm may have as a password: its names."""
    return set(words_of_realm(uow.runtime.config, uow.realm))


def get_policy_version(uow: UnitOfWork, number: int | None = None) -> PolicyVersionView:
    """Return one version of the realm's policy, the current one without a number.

    Raises:
        NotFound: there is no version of that number.
    """
    current = current_policy(uow).number
    row = uow.db.get(PolicyVersionRow, (uow.realm, current if number is None else number))
    if row is None:
        raise NotFound("policy.version_not_found", version=number)
    return _view(uow, row, current)


def list_policy_versions(
    uow: UnitOfWork, *, limit: int = 100, before: int | None = None
) -> list[PolicyVersionView]:
    """Return the versions of the realm's policy, newest first."""
    query = sa.select(PolicyVersionRow).order_by(PolicyVersionRow.number.desc()).limit(limit)
    if before is not None:
        query = query.where(PolicyVersionRow.number < before)
    current = current_policy(uow).number
    return [_view(uow, row, current) for row in uow.db.scalars(query)]


def asks_for_groups(uow: UnitOfWork, policy: PolicyVersion, *, before: int) -> bool:
    """Tell whether what a policy asks of a user depends on the user's groups.

    A staged one also looks back at how the `before` versions before it stood for the user.
    """
    if policy.groups or (policy.waves is not None and policy.waves.groups):
        return True
    earlier = (policy_version(uow, number) for number in range(1, before + 1))
    return policy.is_staged and any(version.groups for version in earlier)


def _add_first(uow: UnitOfWork, document: Mapping[str, object], origin: str) -> None:
    policy = read_policy(uow.realm, document, rules=uow.runtime.rules)
    _add(uow, 1, NewVersion(policy=policy, document=document, origin=origin))
    uow.db.get_one(RealmRow, uow.realm).policy_by_group = asks_for_groups(uow, policy, before=0)


def _add(uow: UnitOfWork, number: int, new: NewVersion) -> None:
    require_sources(uow.runtime, new.policy)
    uow.db.add(
        PolicyVersionRow(
            number=number,
            document=dict(new.document),
            digest=digest(new.policy),
            author_id=uow.actor.id if uow.actor.kind == "user" else None,
            comment=new.comment,
            origin=new.origin,
            created_at=uow.now,
        )
    )
    uow.db.flush()


def _view(uow: UnitOfWork, row: PolicyVersionRow, current: int) -> PolicyVersionView:
    diff: tuple[str, ...] = ()
    if row.number > 1:
        before = policy_version(uow, row.number - 1)
        diff = describe_change(before, policy_version(uow, row.number))
    return PolicyVersionView(
        number=row.number,
        is_current=row.number == current,
        document=row.document,
        digest=row.digest,
        author_id=row.author_id,
        comment=row.comment,
        origin=row.origin,
        created_at=row.created_at,
        diff=diff,
    )
