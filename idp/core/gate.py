"""The gate: may this user have tokens now?

Two callers: the authorize dispatcher (to show the screen) and the mint (to refuse), both by way of
`idp.core.decisions`, which keeps a record of what is not a plain pass. Only this module makes a
`Cleared`, and only the mint takes one, so no path to a token can leave it out.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, final

from sqlalchemy.engine import Row

from idp.core.policies import (
    FindBeginnings,
    Stamp,
    beginnings,
    judging_policy,
    policy_version,
    split_keys,
)
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store import hot
from policy.combining import asking_nothing, for_groups
from policy.engine import evaluate
from policy.model import CredentialFacts, PolicyVersion
from policy.verdict import RequiredAction, Verdict, Withheld

_SEAL = object()
_LOT_DIGITS = 8


class Reason(StrEnum):
    """Why the gate says no; the order is the precedence (DECISIONS 6, CONTRACT 4, ADR 0032)."""

    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_LOCKED = "account_locked"
    CREDENTIAL_CHANGED = "credential_changed"
    SESSION_ENDED = "session_ended"
    APP_NOT_ALLOWED = "app_not_allowed"
    SIGN_IN_REQUIRED = "sign_in_required"
    PASSWORD_CHANGE_REQUIRED = "password_change_required"  # noqa: S105 - a reason, no password


@dataclass(frozen=True, slots=True)
class WaveHour:
    """How many users a wave asked in the hour that began at `began_at`."""

    began_at: datetime | None
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """Everything about an account that the gate looks at.

    Attributes:
        policy: as it stands for this user, the rules of groups combined in; it asks nothing of a
            password that a directory's own rules govern.
        noted_under: the version under which a stop that was withheld is on record already.
        connector: the directory that owns the account, if one does.
        is_exempt: and whose rules govern the password (DECISIONS 22).
        is_unchecked: that directory was not asked for longer than it may be (DECISIONS 23).
        is_kept_out: the client that asks is limited to groups that the user is in none of.
    """

    user_id: UserId
    sub: str
    is_active: bool
    is_locked: bool
    epoch: int
    credential_epoch: int
    generation: int
    policy: PolicyVersion
    credential: CredentialFacts | None
    noted_under: int | None
    wave_hour: WaveHour
    connector: str | None = None
    is_exempt: bool = False
    is_unchecked: bool = False
    is_kept_out: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The gate's no. `immediate` says that access tokens already out die too (DECISIONS 8)."""

    reason: Reason
    immediate: bool
    verdict: Verdict | None = None


@final
class Cleared:
    """Proof that the gate let this account pass; made only by `clear`.

    `withheld` is what the policy would have asked and does not ask yet.
    """

    __slots__ = ("account", "birth_epoch", "withheld")

    def __init__(
        self, account: AccountFacts, birth_epoch: int, withheld: Withheld | None, seal: object
    ) -> None:
        if seal is not _SEAL:
            msg = "only the gate clears"
            raise RuntimeError(msg)
        self.account = account
        self.birth_epoch = birth_epoch
        self.withheld = withheld


def clear(
    account: AccountFacts, *, birth_epoch: int, session_ended: bool, now: datetime
) -> Cleared | Refused:
    """Decide whether `account` may have tokens now, and if not, why (the first that applies).

    Args:
        birth_epoch: the epoch that the session, code or family was born under.
        session_ended: the SSO session behind it was ended (not merely timed out).
    """
    reason = _account_reason(account, birth_epoch, session_ended=session_ended)
    if reason is not None:
        return Refused(reason, immediate=True)
    if account.is_unchecked:
        return Refused(Reason.SIGN_IN_REQUIRED, immediate=False)
    verdict = standing(account, now)
    if verdict is None or verdict.required_action is None:
        withheld = None if verdict is None else verdict.withheld
        return Cleared(account, birth_epoch, withheld, _SEAL)
    if verdict.required_action is RequiredAction.SIGN_IN:
        return Refused(Reason.SIGN_IN_REQUIRED, verdict.immediate, verdict)
    return Refused(Reason.PASSWORD_CHANGE_REQUIRED, verdict.immediate, verdict)


def _account_reason(
    account: AccountFacts, birth_epoch: int, *, session_ended: bool
) -> Reason | None:
    if not account.is_active:
        return Reason.ACCOUNT_DISABLED
    if account.is_locked:
        return Reason.ACCOUNT_LOCKED
    if birth_epoch < account.credential_epoch:
        return Reason.CREDENTIAL_CHANGED
    if birth_epoch != account.epoch or session_ended:
        return Reason.SESSION_ENDED
    return Reason.APP_NOT_ALLOWED if account.is_kept_out else None


def standing(account: AccountFacts, now: datetime) -> Verdict | None:
    """Return the policy's verdict on the account's password, or None when it has none."""
    if account.credential is None:
        return None
    return evaluate(account.policy, account.credential, now)


def must_change(account: AccountFacts, now: datetime) -> bool:
    """Tell whether only another password gives this account tokens."""
    verdict = standing(account, now)
    return verdict is not None and verdict.required_action is RequiredAction.CHANGE_PASSWORD


def find_account(uow: UnitOfWork, user_id: UserId) -> AccountFacts | None:
    """Gather the facts about one account with one SELECT."""
    row = hot.account_facts(uow.db, uow.realm, user_id)
    return None if row is None else account_of(uow, row)


def account_of(uow: UnitOfWork, row: Row[Any], *, is_kept_out: bool = False) -> AccountFacts:
    """Read the account facts out of a row that has `hot.ACCOUNT_COLUMNS` (user present)."""
    groups = split_keys(row.group_keys)
    policy = for_groups(policy_version(uow, row.policy_version), groups)
    is_exempt = is_directory_ruled(uow, row.connector)
    if is_exempt:
        policy = asking_nothing(policy)
    return AccountFacts(
        user_id=UserId(row.user_id),
        sub=row.sub,
        is_active=row.status == "active",
        is_locked=row.locked_at is not None,
        epoch=row.epoch,
        credential_epoch=row.credential_epoch,
        generation=row.credential_generation,
        policy=policy,
        credential=credential_facts(uow, row, policy, groups),
        noted_under=row.noted_under,
        wave_hour=WaveHour(row.wave_hour, row.wave_used),
        connector=row.connector,
        is_exempt=is_exempt,
        is_kept_out=is_kept_out,
    )


def is_directory_ruled(uow: UnitOfWork, connector: str | None) -> bool:
    """Tell whether only a directory's own rules govern a password (DECISIONS 22).

    Also when the configuration does not know the directory any more.
    """
    if connector is None:
        return False
    found = uow.runtime.config.connectors_of(uow.realm).get(connector)
    return found is None or not found.enforce_policy


def credential_facts(
    uow: UnitOfWork,
    row: Row[Any],
    policy: PolicyVersion,
    groups: frozenset[str],
    *,
    find_beginnings: FindBeginnings = beginnings,
) -> CredentialFacts | None:
    """Read a credential's facts out of a row with the columns of one; None when it has none.

    Args:
        policy: as it stands for the user; need not be published yet. groups: the folded names of
            the user's groups, at least those that a version of the policy names.
        find_beginnings: for a policy that is not published, one that does not remember it.
    """
    if row.set_at is None:
        return None
    stamp = Stamp(row.judged_under, row.judged_groups)
    facts = CredentialFacts(
        judged_under=judging_policy(uow, stamp),
        refused_under=row.refused_under,
        password_set_at=row.set_at,
        must_change=row.must_change,
        temporary_until=row.temporary_until,
    )
    if not policy.is_staged:
        return facts
    since = find_beginnings(uow, stamp, policy, groups)
    return replace(
        facts,
        marked_by=since.marked_by,
        aged_by=since.aged_by,
        placed_under=row.placed_under,
        groups=groups,
        share=share_of(row.user_id),
    )


def share_of(user_id: str) -> int:
    """Return which percent (0 to 99) of the users this one belongs to; a stable lot."""
    return int(user_id[-_LOT_DIGITS:], 16) % 100
