"""Changing a password that a directory keeps: whether it can be done here, and doing it.

Our policy judges first, then the directory decides; only after that anything is written here, and
never the password or a hash of it. What the directory did not answer is not tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.port import ConnectorError, DirectorySource, PasswordWriter, WriteUncertain
from connectors.records import DirectoryEntry
from connectors.verdicts import WriteVerdict
from idp.core.accounts import DIRECTORY_OWNED, Account, EntryOf, find_account_to_write
from idp.core.directory_accounts import take_look
from idp.core.directory_sign_in import DirectoryDown, bytes_of, find_connector
from idp.core.guess_turns import (
    Turn,
    give_turn_back,
    given_back_on_error,
    refuse_turn,
    release_turn,
    take_turn,
)
from idp.core.guesses import Refusal
from idp.core.notices import NewPasswordRefused, record_refusal
from idp.core.parts import Parts
from idp.core.password_change import (
    ChangeAttempt,
    ChangeFacts,
    ChangeForm,
    ChangeOutcome,
    CurrentPasswordWrong,
    PasswordChanged,
    has_own_session,
    judge_change,
    note_changed,
    read_change_facts,
    refuse_current,
)
from idp.core.passwords import (
    PreparedPassword,
    SetBy,
    Setting,
    bounded_password,
    normalise_password,
    replace_password,
)
from idp.core.policies import stamp_of
from idp.core.runtime import Runtime
from idp.core.throttle import hold_account
from idp.core.work import NO_TRACE, Trace, UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import RealmName
from idp.store.users import UNUSABLE
from policy.verdict import Finding

_UNCERTAIN = "directory.uncertain"
_SAID: Mapping[WriteVerdict, str] = {
    WriteVerdict.TOO_SHORT: "directory.too_short",
    WriteVerdict.TOO_LONG: "directory.too_long",
    WriteVerdict.TOO_YOUNG: "directory.too_young",
    WriteVerdict.IN_HISTORY: "directory.in_history",
    WriteVerdict.TOO_SIMPLE: "directory.too_simple",
    WriteVerdict.REFUSED: "directory.refused",
    WriteVerdict.NOT_ALLOWED: "directory.not_allowed",
    WriteVerdict.UNKNOWN: "directory.not_allowed",
}
_NOT_PROVEN: Mapping[WriteVerdict, Refusal] = {
    WriteVerdict.OLD_WRONG: Refusal.WRONG,
    WriteVerdict.LOCKED: Refusal.DIRECTORY_LOCKED,
    WriteVerdict.DISABLED: Refusal.DIRECTORY_DISABLED,
    WriteVerdict.NOT_LET_IN: Refusal.DIRECTORY_REFUSED,
}
"""What does not tell that the current password is right: a guess that counts."""
_EXPIRED = "directory.expired"
DIRECTORY_FINDINGS = (*dict.fromkeys(_SAID.values()), _UNCERTAIN)
"""The codes of what a directory has against a new password."""


@dataclass(frozen=True, slots=True)
class WayToChange:
    """How somebody comes to another password in a directory.

    Attributes:
        is_here: our pages can do it.
        where: an address or a sentence for those who have to do it there, if there is one.
    """

    is_here: bool
    where: str | None


@dataclass(frozen=True, slots=True)
class ChangeUncertain:
    """The directory's answer was lost: the old password may be the right one, or the new one."""

    detail: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ChangeElsewhere:
    """The current password expired, and the directory lets its owner change it there alone."""


DirectoryChangeOutcome = ChangeOutcome | DirectoryDown | ChangeUncertain | ChangeElsewhere


def way_to_change(parts: Parts, realm: RealmName, name: str) -> WayToChange:
    """Return how passwords of a directory are changed."""
    connector = find_connector(parts, realm, name)
    if connector is None:
        return WayToChange(is_here=False, where=None)
    is_writer = connector.write_back and isinstance(parts.directories.source(name), PasswordWriter)
    return WayToChange(is_here=is_writer, where=connector.change_password_at)


def change_directory_password(
    runtime: Runtime, realm: RealmName, form: ChangeForm, trace: Trace = NO_TRACE
) -> DirectoryChangeOutcome:
    """Have a directory put a new password in place of the current one, which must be typed.

    Everything else that the user was given ends, as after any change (DECISIONS 4).

    Raises:
        InvalidInput: `password.too_large`, `password.malformed`; before anything is asked.
        NotFound: `user.not_found`.
        Conflict: `user.directory_owned`: it can be changed in the directory only; or it is no
            account of one.

    Spec: RFC 3062; DECISIONS 22.
    """
    current = bounded_password(form.current_password)
    new = normalise_password(form.new_password)
    attempt = ChangeAttempt(runtime, realm, form, trace)
    with attempt.begin(write=False) as uow:
        facts = read_change_facts(uow, form, new)
    entry = facts.account.entry
    if entry is None or not way_to_change(runtime, realm, entry.connector).is_here:
        raise Conflict(DIRECTORY_OWNED)
    findings = judge_change(runtime, facts, current, new)
    with attempt.begin() as uow:
        if facts.guess.is_throttled:
            return refuse_current(uow, facts.guess, Refusal.THROTTLED)
        if findings:
            return record_refusal(uow, form.user_id, NewPasswordRefused(findings))
        turn = take_turn(uow, facts.guess)
        if isinstance(turn, Refusal):
            return refuse_current(uow, facts.guess, turn)
    return _write(attempt, facts, entry, turn)


def _write(
    attempt: ChangeAttempt, facts: ChangeFacts, entry: EntryOf, turn: Turn
) -> DirectoryChangeOutcome:
    source = attempt.runtime.directories.source(entry.connector)
    try:
        with given_back_on_error(attempt.begin, turn):
            verdict = _ask(source, entry, attempt.form)
    except WriteUncertain as error:
        with attempt.begin() as uow:
            record_refusal(uow, attempt.form.user_id, NewPasswordRefused([Finding(_UNCERTAIN)]))
        return ChangeUncertain(error.reason)
    except ConnectorError as error:
        attempt.runtime.outages.note_failed(entry.connector, attempt.runtime.clock.now())
        return DirectoryDown(detail=error.reason)
    attempt.runtime.outages.note_answered(entry.connector)
    if verdict is WriteVerdict.WRITTEN:
        with given_back_on_error(attempt.begin, turn):
            return _take_over(attempt, facts, turn, entry)
    with attempt.begin() as uow:
        return _refused(uow, attempt.form, turn, verdict)


def _refused(
    uow: UnitOfWork, form: ChangeForm, turn: Turn, verdict: WriteVerdict
) -> CurrentPasswordWrong | NewPasswordRefused | ChangeElsewhere:
    not_proven = _NOT_PROVEN.get(verdict)
    if not_proven is not None:
        refuse_turn(uow, turn, not_proven)
        return CurrentPasswordWrong()
    give_turn_back(uow, turn)
    if verdict is WriteVerdict.OLD_EXPIRED:
        record_refusal(uow, form.user_id, NewPasswordRefused([Finding(_EXPIRED)]))
        return ChangeElsewhere()
    return record_refusal(uow, form.user_id, NewPasswordRefused([Finding(_SAID[verdict])]))


def _ask(source: DirectorySource, entry: EntryOf, form: ChangeForm) -> WriteVerdict:
    old, new = bytes_of(form.current_password), bytes_of(form.new_password)
    if old is None:
        return WriteVerdict.OLD_WRONG
    if new is None or not isinstance(source, PasswordWriter):
        return WriteVerdict.REFUSED
    return source.write_password(entry.stable_id, new, old=old).verdict


def _look(source: DirectorySource, entry: EntryOf) -> DirectoryEntry | None:
    """Return the entry after a change, or None when it cannot be told; the next look will."""
    try:
        return source.find_by_id(entry.stable_id)
    except ConnectorError:
        return None


def _take_over(
    attempt: ChangeAttempt, facts: ChangeFacts, turn: Turn, entry_of: EntryOf
) -> PasswordChanged:
    form, guess = attempt.form, turn.guess
    asked_at = attempt.runtime.clock.now()
    entry = _look(attempt.runtime.directories.source(entry_of.connector), entry_of)
    with attempt.begin() as uow:
        hold_account(uow, facts.account, (*guess.told, *guess.network, *guess.silent))
        release_turn(uow, turn)
        account = find_account_to_write(uow, form.user_id)
        if account is None:
            raise NotFound("user.not_found")
        has_session = account.is_open and has_own_session(uow, form)
        set_at = uow.now if entry is None else entry.password_set_at or uow.now
        generation = _replace(uow, facts, account, set_at)
        if entry is not None:
            take_look(uow, form.user_id, replace(entry, must_change=False), seen_at=asked_at)
        return note_changed(uow, form, facts, generation, has_session=has_session)


def _replace(uow: UnitOfWork, facts: ChangeFacts, account: Account, set_at: datetime) -> int:
    stamp = stamp_of(facts.judging.policy)
    prepared = PreparedPassword(hash=UNUSABLE, stamp=stamp, set_at=set_at)
    setting = Setting(source=SetBy.DIRECTORY, forced=facts.forced)
    return replace_password(uow, account, prepared, setting)
