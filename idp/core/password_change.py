"""Changing one's own password, because one wants to or because one must.

The current password is a guess like any at a sign-in. The browser in which the change is made
gets a new session; everything else that the user was given ends (DECISIONS 4).
"""

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from idp.config import Limit
from idp.core.accounts import (
    DIRECTORY_OWNED,
    Account,
    find_account_by_id,
    find_account_to_write,
)
from idp.core.devices import keep_device
from idp.core.events import Event, EventCode
from idp.core.gate import find_account, must_change
from idp.core.guesses import (
    Guess,
    LoginThrottled,
    Refusal,
    TemporaryPasswordOver,
    guess_of_account,
    is_temporary_over,
    pass_brakes,
    refusal_of,
    refuse_guess,
    refuse_temporary,
    verify_guess,
)
from idp.core.judging import JudgingFacts, gather_facts, judge_candidate, person_of
from idp.core.notices import NewPasswordRefused, record_refusal, tell_of_change
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
from idp.core.sessions import begin_session, end_session, list_sessions
from idp.core.throttle import Brake, bucket_of, hold_account, take_one
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import RawToken, RealmName, SessionId, UserId
from policy.engine import history_depth
from policy.verdict import Finding

_CHANGES = Limit(10, timedelta(days=1))
"""Voluntary changes while a history is kept; nobody flushes it in an afternoon (F-17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeForm:
    """What a change form sends, and whose it is.

    Attributes:
        user_id: who is authenticated there; the form itself never names anybody.
        session_id: the session of the browser, if it has one.
        forced: the screen was shown because the user must change.
        device: the browser's device cookie.
    """

    user_id: UserId
    session_id: SessionId | None
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)
    forced: bool
    device: RawToken | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """Done; with the secret of the new session, if the browser had one before."""

    session_secret: RawToken | None = field(repr=False)
    session_id: SessionId | None = None


@dataclass(frozen=True, slots=True)
class CurrentPasswordWrong:
    """The current password is not right, or the account may not be used."""


ChangeOutcome = (
    PasswordChanged
    | CurrentPasswordWrong
    | NewPasswordRefused
    | LoginThrottled
    | TemporaryPasswordOver
)


def change_password(
    runtime: Runtime, realm: RealmName, form: ChangeForm, trace: Trace = NO_TRACE
) -> ChangeOutcome:
    """Put a new password in place of the current one, which must be typed.

    The change is a forced one if the form says so or the gate does: whoever must change cannot
    get away with the current password by going to the other form.

    Raises:
        InvalidInput: `password.too_large`, `password.malformed`; before anything is hashed.
        NotFound: `user.not_found`.
        Conflict: `password.set_meanwhile`: it was set, or a change asked for, twice meanwhile;
            `user.directory_owned`: see `directory_passwords`.
        Unavailable: too many passwords are being hashed already.

    Spec: NIST SP 800-63B-4 3.1.1.2; OWASP ASVS 6.2.3, 7.4.3.
    """
    current = bounded_password(form.current_password)
    new = normalise_password(form.new_password)
    attempt = ChangeAttempt(runtime, realm, form, trace)
    try:
        return _change(attempt, current, new)
    except Conflict:  # it is another password by now, or must change: judged from the beginning
        return _change(attempt, current, new)


@dataclass(frozen=True, slots=True)
class ChangeAttempt:
    """One form that was sent, and from where."""

    runtime: Runtime
    realm: RealmName
    form: ChangeForm
    trace: Trace

    def begin(self, *, write: bool = True) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work of the form's user."""
        actor = Actor("user", self.form.user_id)
        return self.runtime.begin(self.realm, write=write, actor=actor, trace=self.trace)


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """How everything stood before anything was hashed or asked."""

    account: Account
    guess: Guess
    judging: JudgingFacts
    forced: bool


def _change(attempt: ChangeAttempt, current: str, new: str) -> ChangeOutcome:
    runtime = attempt.runtime
    with attempt.begin(write=False) as uow:
        facts = read_change_facts(uow, attempt.form, new)
    if facts.account.entry is not None:
        raise Conflict(DIRECTORY_OWNED)
    is_right = verify_guess(runtime.hasher, facts.guess, current)
    refusal = refusal_of(facts.guess, is_right=is_right)
    if refusal is None and facts.guess.is_throttled:
        refusal = Refusal.THROTTLED
    prepared = None if refusal else _prepare(runtime, facts, current, new)
    with attempt.begin(write=True) as uow:
        if refusal is None and not _pass_brakes(uow, facts):
            # The brake of the address may not be locked after the others.
            own = replace(facts.guess, network=())
            return refuse_current(uow, own, Refusal.THROTTLED)
        if refusal is not None or prepared is None:
            return refuse_current(uow, facts.guess, refusal or Refusal.WRONG)
        if is_temporary_over(facts.account, uow.now):
            return refuse_temporary(uow, facts.guess)
        if isinstance(prepared, NewPasswordRefused):
            return record_refusal(uow, attempt.form.user_id, prepared)
        return _store(uow, attempt.form, facts, prepared)


def read_change_facts(uow: UnitOfWork, form: ChangeForm, new: str) -> ChangeFacts:
    """Read what a change needs to know; `new` is the new password in NFC.

    Raises:
        NotFound: `user.not_found`.
    """
    account = find_account_by_id(uow, form.user_id)
    gate_facts = find_account(uow, form.user_id)
    if account is None or gate_facts is None:
        raise NotFound("user.not_found")
    return ChangeFacts(
        account=account,
        guess=guess_of_account(uow, account, form.device),
        judging=gather_facts(uow, person_of(account), new, account),
        forced=form.forced or must_change(gate_facts, uow.now),
    )


def judge_change(
    runtime: Runtime, facts: ChangeFacts, current: str, new: str
) -> tuple[Finding, ...]:
    """Return what the policy holds against a new password (NFC, as the current one is)."""
    return judge_candidate(
        runtime,
        facts.judging,
        new,
        forced=facts.forced,
        is_voluntary=not facts.forced,
        typed_current=current,
    )


def _prepare(
    runtime: Runtime, facts: ChangeFacts, current: str, new: str
) -> PreparedPassword | NewPasswordRefused:
    findings = judge_change(runtime, facts, current, new)
    if findings:
        return NewPasswordRefused(findings)
    return PreparedPassword(hash=runtime.hasher.hash(new), stamp=stamp_of(facts.judging.policy))


def refuse_current(
    uow: UnitOfWork, guess: Guess, reason: Refusal
) -> CurrentPasswordWrong | LoginThrottled:
    """Count a current password that is not accepted."""
    answer = refuse_guess(uow, guess, reason)
    return answer if isinstance(answer, LoginThrottled) else CurrentPasswordWrong()


def _store(
    uow: UnitOfWork, form: ChangeForm, facts: ChangeFacts, prepared: PreparedPassword
) -> PasswordChanged | LoginThrottled:
    wait = 0 if facts.forced else take_one(uow, _brakes_on_changes(uow, facts))
    if wait:
        return LoginThrottled(wait)
    find_account_to_write(uow, form.user_id)
    if not facts.forced and _must_change_by_now(uow, form.user_id):
        raise Conflict("password.set_meanwhile")
    has_session = has_own_session(uow, form)
    setting = Setting(source=SetBy.SELF, forced=facts.forced)
    generation = replace_password(uow, facts.account, prepared, setting)
    return note_changed(uow, form, facts, generation, has_session=has_session)


def _must_change_by_now(uow: UnitOfWork, user_id: UserId) -> bool:
    account = find_account(uow, user_id)
    return account is not None and must_change(account, uow.now)


def note_changed(
    uow: UnitOfWork, form: ChangeForm, facts: ChangeFacts, generation: int, *, has_session: bool
) -> PasswordChanged:
    """Tell owner and trail of a password that was just replaced; go on in a new session.

    Args:
        has_session: whether `has_own_session` held before.
    """
    keep_device(uow, form.device, form.user_id, generation=generation)
    tell_of_change(uow, facts.account, "self")
    uow.record(
        Event(
            code=EventCode.PASSWORD_CHANGED,
            subject_id=form.user_id,
            params={"forced": facts.forced, "policy_version": facts.judging.policy.number},
        )
    )
    if not has_session or not _end_own_session(uow, form):
        return PasswordChanged(None)
    account = find_account_by_id(uow, form.user_id)
    assert account is not None  # noqa: S101 - its password was just replaced
    session_id, secret = begin_session(uow, form.user_id, epoch=account.epoch)
    return PasswordChanged(secret, session_id)


def _pass_brakes(uow: UnitOfWork, facts: ChangeFacts) -> bool:
    """Lock every brake that this change will count in or lift, and tell whether it may go on."""
    guess = facts.guess
    own = (*guess.told, *guess.silent, *_brakes_on_changes(uow, facts))
    hold_account(uow, facts.account, own)
    return pass_brakes(uow, guess)


def _brakes_on_changes(uow: UnitOfWork, facts: ChangeFacts) -> tuple[Brake, ...]:
    if history_depth(facts.judging.policy) is None:
        return ()
    return (Brake(bucket_of(uow, "change", facts.account.user_id), _CHANGES),)


def has_own_session(uow: UnitOfWork, form: ChangeForm) -> bool:
    """Tell whether the session that the change is made in is live.

    Asked once the account is locked: what moves its epoch may not have been committed before.
    """
    return form.session_id in {row.id for row in list_sessions(uow, form.user_id)}


def _end_own_session(uow: UnitOfWork, form: ChangeForm) -> bool:
    """End the session that the change is made in; tell whether this did.

    After the account: who ends all sessions of an account locks in this order.
    """
    assert form.session_id is not None  # noqa: S101 - it was live
    with suppress(NotFound):  # signed out meanwhile, in another window
        end_session(uow, form.user_id, form.session_id)
        return True
    return False
