"""Signing in with the password of a directory: it is asked, and nothing of it is stored here.

An attempt is counted before the directory is asked, so that no number of guesses, one after the
other or all at once, reaches it that its own lock-out would count (D-14). Of an attempt that it
could not answer the count is given back (DECISIONS 19).

While a directory is known to be down, every refusal of its realm asks it first, whatever name was
typed: names that it has take no longer than others, and are told the same. Whoever notices it first
in a process, and is of the directory, is told so alone.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.port import ConnectorError, LoginAmbiguous, PasswordVerifier
from connectors.verdicts import Verdict, Verification
from idp.config import Connector
from idp.core.accounts import Account, EntryOf, find_account_by_id, find_account_to_write
from idp.core.directory_accounts import take_look
from idp.core.guess_turns import Begin, Turn, give_turn_back, given_back_on_error, refuse_turn
from idp.core.guesses import Refusal, record_refusal, refusal_of_account
from idp.core.parts import Parts
from idp.core.runtime import Runtime
from idp.core.standing import Renewal, judge_typed
from idp.core.work import UnitOfWork
from idp.ids import RealmName
from policy.model import Enforcement, PolicyVersion

RETRY_AFTER = 5
"""Seconds after which a sign-in may be tried again that the directory could not answer."""
_FLOOR, _JITTER = 0.5, 0.1
_JITTER_STEPS = 1000
_NOBODY_BYTES = 8

_RIGHT = frozenset({Verdict.RIGHT, Verdict.MUST_CHANGE, Verdict.EXPIRED})
_REFUSALS: Mapping[Verdict, Refusal] = {
    Verdict.WRONG: Refusal.WRONG,
    Verdict.UNKNOWN: Refusal.DIRECTORY_UNKNOWN,
    Verdict.DISABLED: Refusal.DIRECTORY_DISABLED,
    Verdict.LOCKED: Refusal.DIRECTORY_LOCKED,
    Verdict.REFUSED: Refusal.DIRECTORY_REFUSED,
}


@dataclass(frozen=True, slots=True)
class DirectoryDown:
    """A directory of the realm does not answer, so nobody who was refused is told more than that.

    `detail` is for the log.
    """

    retry_after: int = RETRY_AFTER
    detail: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What a directory said to a guess that was counted, and when it was asked."""

    turn: Turn
    said: Verification
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """An account that its directory lets in, locked, and what its credential gets."""

    account: Account
    renewal: Renewal


def find_connector(parts: Parts, realm: RealmName, name: str) -> Connector | None:
    """Return the settings of a directory of a realm, if it is still configured."""
    return parts.config.connectors_of(realm).get(name)


def is_outage_noted(parts: Parts, realm: RealmName) -> bool:
    """Tell whether a directory of the realm failed in this process and has not answered since."""
    return any(map(parts.outages.is_noted, parts.config.connectors_of(realm)))


def look_whether_over(runtime: Runtime, realm: RealmName) -> None:
    """Ask the directories of a realm that are known to be down whether they are there again.

    Takes what a sign-in with a name of theirs takes; to be called before any refusal.
    """
    for name in filter(runtime.outages.is_noted, runtime.config.connectors_of(realm)):
        try:
            runtime.directories.source(name).find_by_login(secrets.token_hex(_NOBODY_BYTES))
        except ConnectorError:
            runtime.outages.note_failed(name, runtime.clock.now())
        else:
            runtime.outages.note_answered(name)


def wait_to_floor(runtime: Runtime, realm: RealmName, begun: float) -> None:
    """Hold a refusal back until a time that tells nothing; only in realms with a directory.

    Args:
        begun: what `runtime.pause` showed when the sign-in began.

    Spec: OWASP ASVS 6.3.8.
    """
    if not runtime.config.connectors_of(realm):
        return
    floor = _FLOOR + _JITTER * secrets.randbelow(_JITTER_STEPS) / _JITTER_STEPS
    left = floor - (runtime.pause.seconds() - begun)
    if left > 0:
        runtime.pause.wait(left)


def find_verifier(runtime: Runtime, realm: RealmName, entry: EntryOf) -> PasswordVerifier | Refusal:
    """Return the directory that verifies an account's password, or why none does."""
    if find_connector(runtime, realm, entry.connector) is None:
        return Refusal.DIRECTORY_NOT_CONFIGURED
    source = runtime.directories.source(entry.connector)
    return source if isinstance(source, PasswordVerifier) else Refusal.DIRECTORY_WITHOUT_PASSWORDS


def ask_directory(
    runtime: Runtime,
    begin: Begin,
    verifier: PasswordVerifier,
    entry: EntryOf,
    turn: Turn,
    typed: str,
) -> Told | DirectoryDown:
    """Ask a directory about a password as it was typed; may take seconds, so hold no transaction.

    One that is empty, has a NUL or is no text is wrong without asking (RFC 4513 5.1.2). If the
    directory cannot tell, the turn is given back.
    """
    asked_at = runtime.clock.now()
    with given_back_on_error(begin, turn):
        said = _verify(runtime, verifier, entry, typed)
    if isinstance(said, Verification):
        return Told(turn, said, asked_at)
    note_silence(begin, turn)
    return said


def note_silence(begin: Begin, turn: Turn) -> None:
    """Give back what was counted of an attempt that a directory could not answer."""
    with begin() as uow:
        give_turn_back(uow, turn)
        record_refusal(uow, turn.guess, Refusal.DIRECTORY_DOWN)


def _verify(
    runtime: Runtime, verifier: PasswordVerifier, entry: EntryOf, typed: str
) -> Verification | DirectoryDown:
    raw = bytes_of(typed)
    if raw is None:
        return Verification(verdict=Verdict.WRONG)
    try:
        said = verifier.verify(entry.stable_id, raw)
    except LoginAmbiguous as error:
        return Verification(verdict=Verdict.REFUSED, detail=error.reason)
    except ConnectorError as error:
        runtime.outages.note_failed(entry.connector, runtime.clock.now())
        return DirectoryDown(detail=error.reason)
    runtime.outages.note_answered(entry.connector)
    return said


def bytes_of(typed: str) -> bytes | None:
    """Return a password as a directory gets it: UTF-8, not normalised; None if it gets none."""
    try:
        raw = typed.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return raw if raw and b"\0" not in raw else None


def renewal_by(
    runtime: Runtime,
    account: Account,
    said: Verification,
    password: str,
    policy: PolicyVersion,
) -> Renewal | None:
    """Return what the credential gets if the directory says that the password is right.

    With `enforce_policy` the password is judged each time: nobody tells when it became another one.

    Args:
        password: NFC.

    Raises:
        Unavailable: see `renewal_of`.
    """
    if said.verdict not in _RIGHT or account.entry is None:
        return None
    connector = find_connector(runtime, account.realm, account.entry.connector)
    is_judged = connector is not None and connector.enforce_policy
    asks = policy.enforcement is not Enforcement.NEVER
    return Renewal(
        judged=judge_typed(runtime, account, policy, password) if is_judged and asks else None,
        must_change=said.verdict is not Verdict.RIGHT,
        is_expired=said.verdict is Verdict.EXPIRED or _is_told_by_bind_alone(said),
    )


def _is_told_by_bind_alone(said: Verification) -> bool:
    """Tell whether only the sign-in says that a change is due, so that no later look undoes it."""
    entry = said.entry
    return said.verdict is Verdict.MUST_CHANGE and entry is not None and not entry.must_change


def refusal_by(said: Verification) -> Refusal | None:
    """Return why a directory does not let an account in; None when the password is right."""
    return None if said.verdict in _RIGHT else _REFUSALS[said.verdict]


def refuse_by_directory(uow: UnitOfWork, told: Told) -> None:
    """Take over what the directory said of the account, and note that it was refused."""
    user_id, entry = told.turn.guess.user_id, told.said.entry
    if user_id is not None and entry is not None:
        find_account_to_write(uow, user_id)  # the user before the credential, as everybody
        take_look(uow, user_id, entry, seen_at=told.asked_at)
    refuse_turn(uow, told.turn, _REFUSALS[told.said.verdict], told.said.detail)


def admit_by_directory(uow: UnitOfWork, told: Told, renewal: Renewal) -> Admitted | Refusal | None:
    """Look again and take over what the directory said, before anything is opened.

    To be called with the brakes of the guess released.

    Returns:
        The account as it is now; why it is refused after all; None when it, or its password,
        became another one since it was looked up.
    """
    guess, entry = told.turn.guess, told.said.entry
    before = find_account_to_write(uow, guess.user_id)
    if before is None or guess.account is None or before.entry != guess.account.entry:
        return None
    if (before.generation, before.epoch) != (guess.account.generation, guess.account.epoch):
        return None
    is_newest = entry is None or take_look(uow, before.user_id, entry, seen_at=told.asked_at)
    account = find_account_by_id(uow, before.user_id)
    if account is None:
        return None
    refusal = refusal_of_account(account)
    if refusal is not None:
        return refusal
    return Admitted(account, renewal if is_newest else _beside_newer(renewal, account))


def _beside_newer(renewal: Renewal, account: Account) -> Renewal:
    """Return what the credential gets when a newer look is noted: a change that it asks stays."""
    is_asked = account.password is not None and account.password.must_change
    return replace(renewal, must_change=bool(renewal.must_change) or is_asked)
