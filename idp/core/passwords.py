"""The one way in which a password becomes somebody's, whoever asks for it.

Reading and judging come first, hashing happens between units of work, and the write compares the
credential generation, so of two who set the same user's password at once one finds out.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.core.accounts import (
    Account,
    find_account_by_id,
    find_account_to_write,
    require_own_password,
)
from idp.core.epochs import EpochCause, move_credential
from idp.core.events import Event, EventCode
from idp.core.judging import Person, gather_facts, judge_candidate, person_of
from idp.core.mails import mail_password_changed
from idp.core.names import is_storable
from idp.core.password_history import keep_in_history
from idp.core.policies import Stamp, policy_for_members, policy_for_user, stamp_of
from idp.core.recovery_requests import kill_recovery
from idp.core.runtime import Runtime
from idp.core.throttle import release_account
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.errors import Conflict, InvalidInput, NotFound, PasswordRejected
from idp.ids import RealmName, UserId
from idp.store.users import CredentialRow

MAX_PASSWORD_BYTES = 4096
"""UTF-8 bytes; looked at before anything else is done with a password."""


class SetBy(StrEnum):
    """Who set a password; stored with it."""

    SELF = "self"
    RECOVERY = "recovery"
    ADMIN = "admin"
    BULK = "bulk"
    IMPORT = "import"
    DIRECTORY = "directory"


_CAUSES = {
    SetBy.SELF: EpochCause.PASSWORD_CHANGED,
    SetBy.RECOVERY: EpochCause.PASSWORD_RECOVERED,
    SetBy.ADMIN: EpochCause.PASSWORD_SET,
    SetBy.BULK: EpochCause.BULK_RESET,
    SetBy.IMPORT: EpochCause.PASSWORD_SET,
    SetBy.DIRECTORY: EpochCause.PASSWORD_CHANGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a password is set.

    Attributes:
        forced: the user must change; the current password is refused whatever the rules.
        must_change: the user has to choose another one at the next sign-in.
        temporary_until: after this moment only recovery by e-mail helps.
    """

    source: SetBy
    forced: bool = False
    must_change: bool = False
    temporary_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPassword:
    """A password that was judged and hashed, to be stored by `store_prepared`.

    `stamp` tells what accepted the plaintext: nothing did yet with an imported hash.
    """

    hash: str
    stamp: Stamp
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A password was set; `generation` is the credential's new one."""

    user_id: UserId
    generation: int


def normalise_password(raw: str) -> str:
    """Return the form in which a password is judged, hashed and verified: NFC, nothing cut.

    Raises:
        InvalidInput: `password.too_large` (over `MAX_PASSWORD_BYTES`), `password.malformed`
            (NUL, or half of a surrogate pair).

    Spec: NIST SP 800-63B-4 3.1.1.2.
    """
    bounded = bounded_password(raw)
    if not is_storable(bounded):
        raise InvalidInput("password.malformed")
    return bounded


def bounded_password(typed: str) -> str:
    """Return the NFC form of a password that somebody typed to prove it.

    Unlike `normalise_password` it lets through what can only be wrong.

    Raises:
        InvalidInput: `password.too_large`.
    """
    if _is_too_large(typed):
        raise InvalidInput("password.too_large", max_bytes=MAX_PASSWORD_BYTES)
    normal = unicodedata.normalize("NFC", typed)
    if _is_too_large(normal):
        raise InvalidInput("password.too_large", max_bytes=MAX_PASSWORD_BYTES)
    return normal


def set_password(  # noqa: PLR0913 - the one call for every way to set somebody's password
    runtime: Runtime,
    realm: RealmName,
    user_id: UserId,
    new_password: str,
    setting: Setting,
    *,
    actor: Actor,
    trace: Trace = NO_TRACE,
    expected_generation: int | None = None,
) -> PasswordSet:
    """Set the password of an existing user on behalf of somebody else.

    Ends the user's sessions, tokens and reset links, lifts any throttling and tells the owner.

    Raises:
        PasswordRejected: the policy does not accept it; lists every finding.
        InvalidInput: see `normalise_password`.
        NotFound: `user.not_found`.
        Conflict: `password.set_meanwhile`: somebody else set it first; `user.directory_owned`.
    """
    password = normalise_password(new_password)
    with runtime.begin(realm, write=False, actor=actor, trace=trace) as uow:
        account = _get_account(uow, user_id)
        require_own_password(account)
        facts = gather_facts(uow, person_of(account), password, account)
    if expected_generation not in (None, account.generation):
        raise Conflict("password.set_meanwhile")
    findings = judge_candidate(runtime, facts, password, forced=setting.forced)
    if findings:
        raise PasswordRejected(findings)
    prepared = PreparedPassword(hash=runtime.hasher.hash(password), stamp=stamp_of(facts.policy))
    with runtime.begin(realm, actor=actor, trace=trace) as uow:
        generation = replace_password(uow, account, prepared, setting)
        uow.record(
            Event(
                code=EventCode.PASSWORD_SET,
                subject_id=user_id,
                params={"by": setting.source.value, "must_change": setting.must_change},
            )
        )
        if setting.source is SetBy.ADMIN:
            mail_password_changed(uow, account.owner, "administrator")
    return PasswordSet(user_id, generation)


def prepare_password(
    runtime: Runtime,
    realm: RealmName,
    person: Person,
    new_password: str,
    groups: Iterable[str] | None = (),
    user_id: UserId | None = None,
) -> PreparedPassword:
    """Judge and hash somebody's first password; holds no transaction.

    Args:
        groups: the names of the groups that the user will be in; None for those that `user_id`
            is in already.

    Raises:
        PasswordRejected: the policy does not accept it; lists every finding.
        InvalidInput: see `normalise_password`.
    """
    password = normalise_password(new_password)
    with runtime.begin(realm, write=False) as uow:
        if groups is None:
            policy = policy_for_user(uow, user_id)
        else:
            policy = policy_for_members(uow, groups)
        facts = gather_facts(uow, person, password, policy=policy)
    findings = judge_candidate(runtime, facts, password)
    if findings:
        raise PasswordRejected(findings)
    return PreparedPassword(hash=runtime.hasher.hash(password), stamp=stamp_of(facts.policy))


def prepare_hash(
    runtime: Runtime, stored: str, *, set_at: datetime | None = None
) -> PreparedPassword:
    """Take over a hash from elsewhere; its password is judged when it is typed (stamp 0).

    Raises:
        InvalidInput: `password_hash.unknown`: no format that this product verifies and affords.
    """
    if not runtime.hasher.accepts_import(stored):
        raise InvalidInput("password_hash.unknown")
    return PreparedPassword(hash=stored, stamp=Stamp(0), set_at=set_at)


def store_prepared(
    uow: UnitOfWork, user_id: UserId, prepared: PreparedPassword, setting: Setting
) -> None:
    """Store a prepared password: the first one of a user, or one in place of another.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `user.directory_owned`.
    """
    account = _get_account(uow, user_id)
    require_own_password(account)
    if account.password is None:
        _write(uow, account, prepared, setting)
    else:
        replace_password(uow, account, prepared, setting)


def store_first_password(
    uow: UnitOfWork, user_id: UserId, prepared: PreparedPassword, setting: Setting
) -> None:
    """Store the password of a user who is made in this very unit, and so has none."""
    row = CredentialRow(user_id=user_id)
    _fill(row, prepared, setting, uow.now)
    uow.db.add(row)


def replace_password(
    uow: UnitOfWork, account: Account, prepared: PreparedPassword, setting: Setting
) -> int:
    """Put a prepared password in place of the one that `account` had; return the generation.

    Raises:
        Conflict: `password.set_meanwhile`: the credential is another one than when `account` was
            read.
    """
    release_account(uow, account.user_id)
    present = find_account_to_write(uow, account.user_id)
    if present is None or present.generation != account.generation:
        raise Conflict("password.set_meanwhile")
    _write(uow, present, prepared, setting)
    kill_recovery(uow, account.user_id)
    return move_credential(uow, account.user_id, _CAUSES[setting.source])


def _write(uow: UnitOfWork, account: Account, prepared: PreparedPassword, setting: Setting) -> None:
    row = uow.db.get(CredentialRow, (uow.realm, account.user_id))
    if row is None:
        row = CredentialRow(user_id=account.user_id)
        uow.db.add(row)
    else:
        keep_in_history(uow, row)
    _fill(row, prepared, setting, uow.now)
    uow.db.flush()


def _fill(row: CredentialRow, prepared: PreparedPassword, setting: Setting, now: datetime) -> None:
    row.hash = prepared.hash
    row.set_at = prepared.set_at or now
    row.set_by = setting.source.value
    row.judged_under = prepared.stamp.version
    row.judged_groups = prepared.stamp.groups
    row.refused_under = row.noted_under = row.placed_under = None
    row.must_change = setting.must_change
    row.temporary_until = setting.temporary_until
    row.campaign_id = None
    row.used_at = None


def _get_account(uow: UnitOfWork, user_id: UserId) -> Account:
    account = find_account_by_id(uow, user_id)
    if account is None:
        raise NotFound("user.not_found")
    return account


def _is_too_large(text: str) -> bool:
    return (
        len(text) > MAX_PASSWORD_BYTES
        or len(text.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES
    )
