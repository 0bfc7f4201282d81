"""Signing in with a password.

Facts are read in one unit of work, the password is verified outside of any, and what follows is
written in another one that looks again. Whatever the reason, a refusal costs one verification and
the same statements, and is told apart only in the audit trail. In a realm with a directory its time
tells nothing because every refusal waits, and only the accounts of a directory wait for it.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from idp.core.accounts import Account, EntryOf, find_account_to_write, look_up
from idp.core.devices import remember_device
from idp.core.directory_newcomers import Met, take_in, takes_newcomers
from idp.core.directory_sign_in import (
    Admitted,
    DirectoryDown,
    Told,
    admit_by_directory,
    ask_directory,
    find_verifier,
    is_outage_noted,
    look_whether_over,
    refuse_by_directory,
    renewal_by,
    wait_to_floor,
)
from idp.core.events import Event, EventCode
from idp.core.guess_turns import given_back_on_error, release_turn, take_turn
from idp.core.guesses import (
    Guess,
    LoginThrottled,
    Refusal,
    TemporaryPasswordOver,
    guess_by_name,
    is_temporary_over,
    pass_brakes,
    record_refusal,
    refusal_of,
    refuse_guess,
    refuse_temporary,
    release_guess,
    verify_guess,
)
from idp.core.passwords import bounded_password
from idp.core.policies import Stamp, judging_policy, policy_version, split_keys
from idp.core.runtime import Runtime
from idp.core.sessions import open_session
from idp.core.standing import Renewal, renew_credential, renewal_of
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.ids import RawToken, RealmName, SessionId, UserId
from idp.store import hot_sign_in
from policy.combining import for_groups
from policy.model import PolicyVersion

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInForm:
    """What the sign-in page sends; `device` and `session` are the browser's cookies."""

    username: str
    password: str = field(repr=False)
    device: RawToken | None = field(default=None, repr=False)
    session: RawToken | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """Somebody is signed in; both secrets are new and go into cookies."""

    user_id: UserId
    session_id: SessionId
    session_secret: RawToken = field(repr=False)
    device_secret: RawToken = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """Unknown name, wrong password, or an account that may not sign in: one answer for all."""


LoginOutcome = LoggedIn | LoginRefused | LoginThrottled | TemporaryPasswordOver | DirectoryDown


_No = LoginRefused | LoginThrottled | DirectoryDown


@dataclass(frozen=True, slots=True)
class _Facts:
    guess: Guess
    policy: PolicyVersion
    judged_under: PolicyVersion | None


def sign_in(
    runtime: Runtime, realm: RealmName, form: SignInForm, trace: Trace = NO_TRACE
) -> LoginOutcome:
    """Sign a browser in, if the password is right and the account may be used.

    `username` is a login name, or an e-mail that only one account of the realm has. A session of
    the same user gets a new secret and keeps its `sid`; one of another user is ended first.
    Whether the policy asks for another password is the gate's business and not decided here.

    Raises:
        InvalidInput: `password.too_large`, before anything is looked up or hashed.
        Unavailable: too many passwords are being hashed already.

    Spec: NIST SP 800-63B-4 3.1.1, 3.2.2; OWASP ASVS 6.3.8, 7.2.4.
    """
    begun = runtime.pause.seconds()
    attempt = _Attempt(runtime, realm, form, trace, bounded_password(form.password))
    outcome = _sign_in(attempt)
    if not isinstance(outcome, LoggedIn):
        wait_to_floor(runtime, realm, begun)
    return outcome


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One sign-in; `password` is the NFC form of the one that was typed."""

    runtime: Runtime
    realm: RealmName
    form: SignInForm
    trace: Trace
    password: str = field(repr=False)

    def begin(self, *, write: bool = True) -> AbstractContextManager[UnitOfWork]:
        return self.runtime.begin(self.realm, write=write, trace=self.trace)


def _sign_in(attempt: _Attempt) -> LoginOutcome:
    for _ in range(_ATTEMPTS):
        with attempt.begin(write=False) as uow:
            facts = _read_facts(uow, attempt.form)
        account = facts.guess.account
        entry = None if account is None else account.entry
        if account is None and takes_newcomers(attempt.runtime, attempt.realm):
            outcome = _by_newcomer(attempt, facts.guess)
        elif account is None or entry is None:
            outcome = _by_hash(attempt, facts)
        else:
            outcome = _by_directory(attempt, facts, account, entry)
        if outcome is not None:
            return outcome
    return LoginRefused()


def _by_hash(attempt: _Attempt, facts: _Facts) -> LoginOutcome | None:
    is_right = verify_guess(attempt.runtime.hasher, facts.guess, attempt.password)
    refusal = refusal_of(facts.guess, is_right=is_right)
    renewal = _renewal_of(attempt.runtime, facts, attempt.password) if refusal is None else None
    if refusal is not None or renewal is None:
        return _refuse(attempt, facts.guess, refusal or Refusal.THROTTLED)
    with attempt.begin() as uow:
        return _admit(uow, attempt.form, facts.guess, renewal)


def _by_directory(
    attempt: _Attempt, facts: _Facts, account: Account, entry: EntryOf
) -> LoginOutcome | None:
    runtime = attempt.runtime
    verifier = find_verifier(runtime, attempt.realm, entry)
    if isinstance(verifier, Refusal):
        runtime.hasher.verify_nothing(attempt.password)
        return _refuse(attempt, facts.guess, verifier)
    with attempt.begin() as uow:
        turn = take_turn(uow, facts.guess)
    if isinstance(turn, Refusal):
        return _refuse(attempt, facts.guess, turn)
    told = ask_directory(runtime, attempt.begin, verifier, entry, turn, attempt.form.password)
    if isinstance(told, DirectoryDown):
        return told
    with given_back_on_error(attempt.begin, turn):
        renewal = renewal_by(runtime, account, told.said, attempt.password, facts.policy)
        if renewal is not None:
            with attempt.begin() as uow:
                return _admit_by_directory(uow, attempt.form, told, renewal)
    with attempt.begin() as uow:
        refuse_by_directory(uow, told)
        return _told(uow, LoginRefused())


def _by_newcomer(attempt: _Attempt, guess: Guess) -> LoginOutcome | None:
    typed = (attempt.form.username, attempt.form.password)
    met = take_in(attempt.runtime, attempt.realm, attempt.begin, guess, typed)
    if isinstance(met, DirectoryDown):
        return met
    if isinstance(met, Refusal):
        return _refuse(attempt, guess, met)
    if met is Met.KNOWN:
        return None
    with attempt.begin(write=False) as uow:
        return _told(uow, LoginRefused())


def _read_facts(uow: UnitOfWork, form: SignInForm) -> _Facts:
    found = look_up(uow, form.username, form.device)
    guess = guess_by_name(uow, form.username, found)
    current = policy_version(uow, found.policy_version)
    policy = for_groups(current, split_keys(found.group_keys))
    stored = guess.account.password if guess.account else None
    stamp = Stamp(stored.judged_under, stored.judged_groups) if stored else Stamp(0)
    return _Facts(guess, policy, judging_policy(uow, stamp))


def _renewal_of(runtime: Runtime, facts: _Facts, password: str) -> Renewal | None:
    account = facts.guess.account
    stored = account.password if account else None
    if account is None or stored is None or facts.guess.is_throttled:
        return None
    return renewal_of(
        runtime, account, stored, password, policy=facts.policy, judged_under=facts.judged_under
    )


def _refuse(attempt: _Attempt, guess: Guess, reason: Refusal) -> _No:
    look_whether_over(attempt.runtime, attempt.realm)
    with attempt.begin() as uow:
        return _refused(uow, guess, reason)


def _refused(uow: UnitOfWork, guess: Guess, reason: Refusal) -> _No:
    """Count a refused guess; in an outage, none at a name that is no account of ours."""
    is_ours = guess.account is not None and guess.account.entry is None
    if not is_ours and is_outage_noted(uow.runtime, uow.realm):
        record_refusal(uow, guess, reason)
        return DirectoryDown()
    answer = refuse_guess(uow, guess, reason)
    return _told(uow, answer if isinstance(answer, LoginThrottled) else LoginRefused())


def _told(uow: UnitOfWork, answer: LoginRefused | LoginThrottled) -> _No:
    """Return what is told of a refusal: in an outage the same of all (DECISIONS 19)."""
    return DirectoryDown() if is_outage_noted(uow.runtime, uow.realm) else answer


def _admit_by_directory(
    uow: UnitOfWork, form: SignInForm, told: Told, renewal: Renewal
) -> LoginOutcome | None:
    release_turn(uow, told.turn)
    admitted = admit_by_directory(uow, told, renewal)
    if isinstance(admitted, Refusal):
        record_refusal(uow, told.turn.guess, admitted)
        return _told(uow, LoginRefused())
    if not isinstance(admitted, Admitted):
        return None
    renew_credential(uow, admitted.account, admitted.renewal)
    return _log_in(uow, form, admitted.account)


def _admit(
    uow: UnitOfWork, form: SignInForm, guess: Guess, renewal: Renewal
) -> LoginOutcome | None:
    """Look again and sign in; None when the password became another one meanwhile."""
    if not pass_brakes(uow, guess):
        # The brake of the address may not be locked after the others, and the password was right.
        return _refused(uow, replace(guess, network=()), Refusal.THROTTLED)
    account = find_account_to_write(uow, guess.user_id)
    if account is None or guess.account is None or account.generation != guess.account.generation:
        return None
    refusal = refusal_of(replace(guess, account=account), is_right=True)
    if refusal is not None:
        return _refused(uow, guess, refusal)
    if is_temporary_over(account, uow.now):
        return refuse_temporary(uow, guess)
    release_guess(uow, guess)
    renew_credential(uow, account, renewal)
    return _log_in(uow, form, account)


def _log_in(uow: UnitOfWork, form: SignInForm, account: Account) -> LoggedIn:
    user_id = account.user_id
    uow.act_as(Actor("user", user_id))
    session_id, session_secret = open_session(uow, form.session, user_id, epoch=account.epoch)
    device_secret = remember_device(uow, form.device, user_id, generation=account.generation)
    hot_sign_in.note_signed_in(uow.db, uow.realm, user_id, at=uow.now)
    uow.record(
        Event(
            code=EventCode.USER_SIGNED_IN,
            subject_id=user_id,
            params={"session_id": session_id, "amr": ["pwd"]},
        )
    )
    return LoggedIn(
        user_id=user_id,
        session_id=session_id,
        session_secret=session_secret,
        device_secret=device_secret,
    )
