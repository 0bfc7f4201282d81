"""A forgotten password: asked for by e-mail, finished with the link or the code of that mail.

Asking changes nothing and tells nothing: it does not even look whether somebody has the address;
`recovery_mails` does when the mail goes out. Finishing sets a password like any other way does,
and signs nobody in.
"""

from contextlib import suppress
from dataclasses import dataclass

from idp.core.accounts import Account, find_account_by_id, find_account_to_write
from idp.core.events import Event, EventCode
from idp.core.gate import find_account, must_change
from idp.core.judging import JudgingFacts, gather_facts, judge_candidate, person_of
from idp.core.names import find_key
from idp.core.notices import NewPasswordRefused, record_refusal, tell_of_change
from idp.core.passwords import (
    PreparedPassword,
    SetBy,
    Setting,
    normalise_password,
    replace_password,
)
from idp.core.policies import stamp_of
from idp.core.recovery_mails import queue_recovery_mail
from idp.core.recovery_requests import find_recovery
from idp.core.runtime import Runtime
from idp.core.throttle import Brake, brake_of, bucket_of, hold_account, network_of, take_one
from idp.core.work import NO_TRACE, Trace, UnitOfWork
from idp.errors import Conflict
from idp.ids import RawToken, RealmName, UserId, hash_token

_MAC_DIGITS = 32
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Recovered:
    """The password is set; its owner signs in like anybody."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class LinkInvalid:
    """Unknown, used, too old, overtaken by another change, or of an account that is closed."""


RecoveryOutcome = Recovered | NewPasswordRefused | LinkInvalid


@dataclass(frozen=True, slots=True)
class _Facts:
    account: Account
    judging: JudgingFacts
    forced: bool


def request_recovery(
    runtime: Runtime, realm: RealmName, email: str, browser: RawToken, trace: Trace = NO_TRACE
) -> None:
    """Have the owner of an address mailed a link and a code for each of its accounts.

    Inactive and locked accounts get none. Beyond the limits of the address or the network nothing
    is sent. The answer, the statements and the time are the same for every address.

    Args:
        browser: the secret of the browser that asks; the code works only there.

    Spec: OWASP ASVS 6.3.8; NIST SP 800-63B-4 4.2.1.2.
    """
    with runtime.begin(realm, trace=trace) as uow:
        bucket = bucket_of(uow, "reset", find_key(email) or "")
        email_mac = bucket[:_MAC_DIGITS]
        if take_one(uow, _brakes_of(uow, bucket)):
            params = {"email_mac": email_mac}
            uow.record(Event(code=EventCode.PASSWORD_RESET_SUPPRESSED, params=params))
        else:
            queue_recovery_mail(uow, email, email_mac, hash_token(browser))


def complete_recovery(
    runtime: Runtime, realm: RealmName, link: RawToken, new_password: str, trace: Trace = NO_TRACE
) -> RecoveryOutcome:
    """Set a new password with a link, once; every link and code of the account is over then.

    Throttling is lifted, a lock is not (a locked account has no valid link). A password that the
    policy refuses spends nothing.

    Raises:
        InvalidInput: `password.too_large`, `password.malformed`.
        Unavailable: too many passwords are being hashed already.

    Spec: NIST SP 800-63B-4 4.2, 4.6; OWASP ASVS 6.4.3.
    """
    new = normalise_password(new_password)
    for _ in range(_ATTEMPTS):
        with suppress(Conflict):  # it is another password by now, or must change
            return _complete(runtime, realm, link, new, trace)
    with runtime.begin(realm, trace=trace) as uow:
        return _link_invalid(uow)


def _complete(
    runtime: Runtime, realm: RealmName, link: RawToken, new: str, trace: Trace
) -> RecoveryOutcome:
    with runtime.begin(realm, write=False, trace=trace) as uow:
        facts = _read_facts(uow, link, new)
    findings = judge_candidate(runtime, facts.judging, new, forced=facts.forced) if facts else ()
    prepared = None
    if facts is not None and not findings:
        stored = runtime.hasher.hash(new)
        prepared = PreparedPassword(hash=stored, stamp=stamp_of(facts.judging.policy))
    with runtime.begin(realm, trace=trace) as uow:
        if facts is None or find_recovery(uow, link) is None:
            return _link_invalid(uow)
        if prepared is None:
            refused = NewPasswordRefused(findings)
            return record_refusal(uow, facts.account.user_id, refused)
        return _finish(uow, facts, prepared)


def _brakes_of(uow: UnitOfWork, bucket: str) -> tuple[Brake, ...]:
    limits = uow.runtime.config.limits
    network = network_of(uow.trace.address)
    per_address = limits.reset_per_address if network else None
    return (
        *brake_of(bucket, limits.reset_per_account),
        *brake_of(bucket_of(uow, "reset address", network or ""), per_address),
    )


def _read_facts(uow: UnitOfWork, link: RawToken, new: str) -> _Facts | None:
    recovery = find_recovery(uow, link)
    account = find_account_by_id(uow, recovery.user_id) if recovery else None
    gate_facts = find_account(uow, recovery.user_id) if recovery else None
    if account is None or gate_facts is None:
        return None
    return _Facts(
        account=account,
        judging=gather_facts(uow, person_of(account), new, account),
        forced=must_change(gate_facts, uow.now),
    )


def _finish(uow: UnitOfWork, facts: _Facts, prepared: PreparedPassword) -> Recovered:
    account = facts.account
    hold_account(uow, account, ())
    find_account_to_write(uow, account.user_id)
    if not facts.forced and _must_change_by_now(uow, account.user_id):
        raise Conflict("password.set_meanwhile")
    setting = Setting(source=SetBy.RECOVERY, forced=facts.forced)
    replace_password(uow, account, prepared, setting)
    tell_of_change(uow, account, "recovery")
    uow.record(
        Event(
            code=EventCode.PASSWORD_RESET_COMPLETED,
            subject_id=account.user_id,
            params={"policy_version": prepared.stamp.version},
        )
    )
    return Recovered(account.user_id)


def _must_change_by_now(uow: UnitOfWork, user_id: UserId) -> bool:
    """Tell whether a change was asked for after the new password was judged."""
    account = find_account(uow, user_id)
    return account is not None and must_change(account, uow.now)


def _link_invalid(uow: UnitOfWork) -> LinkInvalid:
    uow.record(Event(code=EventCode.PASSWORD_RESET_REFUSED, params={"reason": "link"}))
    return LinkInvalid()
