"""What a right password, typed at a sign-in, does for its credential (DECISIONS 9).

A marked credential is judged now that the plaintext is there; a hash of old parameters, or one
that a bulk reset gave to many, is replaced by an own one. Neither moves a counter.
"""

from dataclasses import dataclass
from datetime import timedelta

from idp.core.accounts import Account, StoredPassword
from idp.core.events import Event, EventCode
from idp.core.gate import find_account, standing
from idp.core.judging import judge_as_typed
from idp.core.policies import stamp_of
from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from idp.errors import Unavailable
from idp.store import hot_sign_in
from policy.engine import marks
from policy.model import Enforcement, PolicyVersion
from policy.rules import UNCHECKED
from policy.verdict import Finding

_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the policy in force says of a password that was accepted before; empty is a pass.

    `policy` is the one as it stands for the user. While it only observes, a pass leaves no mark.
    """

    policy: PolicyVersion
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a credential gets at a successful sign-in.

    Attributes:
        must_change: the word of the directory that owns it; None for a credential of ours.
        is_expired: that directory said that the password is too old. Only a sign-in tells this, so
            it is kept until the next one, or until there is another password.
    """

    judged: Judged | None = None
    fresh_hash: str | None = None
    must_change: bool | None = None
    is_expired: bool = False


def renewal_of(
    runtime: Runtime,
    account: Account,
    stored: StoredPassword,
    password: str,
    *,
    policy: PolicyVersion,
    judged_under: PolicyVersion | None,
) -> Renewal:
    """Return what a right password brings; may hash, so hold no transaction.

    Raises:
        Unavailable: `policy.not_checked`: the password has to be judged now, the policy does not
            accept one that cannot be looked up in the list of breached ones, and the list does
            not answer.
    """
    judged = None
    if _is_to_be_judged(stored, policy, judged_under):
        judged = judge_typed(runtime, account, policy, password)
    is_stale = runtime.hasher.needs_rehash(stored.hash) or _is_shared(stored)
    return Renewal(judged=judged, fresh_hash=runtime.hasher.hash(password) if is_stale else None)


def judge_typed(
    runtime: Runtime, account: Account, policy: PolicyVersion, password: str
) -> Judged | None:
    """Return what the policy says of a right password, or None when nobody needs to know now.

    Raises:
        Unavailable: see `renewal_of`.
    """
    findings = judge_as_typed(runtime, policy, account, password, runtime.clock.now())
    codes = {finding.code for finding in findings}
    if codes != {UNCHECKED}:
        return Judged(policy=policy, findings=findings)
    with runtime.begin(account.realm, write=False) as uow:
        facts = find_account(uow, account.user_id)
        verdict = None if facts is None else standing(facts, uow.now)
    if verdict is None or verdict.required_action is None:
        return None
    raise Unavailable("policy.not_checked", detail="the list of breached passwords is down")


def renew_credential(uow: UnitOfWork, account: Account, renewal: Renewal) -> None:
    """Note a successful sign-in on the credential, with what it brings."""
    columns: dict[str, object] = {
        "failures": 0,
        "failed_at": None,
        "throttled_until": None,
        "used_at": uow.now,
    }
    if renewal.fresh_hash is not None:
        columns["hash"] = renewal.fresh_hash
        _record(uow, account, EventCode.PASSWORD_REHASHED, {})
    if renewal.must_change is not None:
        columns["must_change"] = renewal.must_change
        columns["temporary_until"] = uow.now - _A_MOMENT if renewal.is_expired else None
    if renewal.judged is not None:
        columns |= _judgement(uow, account, renewal.judged)
    hot_sign_in.change_credential(uow.db, uow.realm, account.user_id, columns)


def _judgement(uow: UnitOfWork, account: Account, judged: Judged) -> dict[str, object]:
    number = judged.policy.number
    if not judged.findings and judged.policy.enforcement is Enforcement.OBSERVE:
        return {}
    if not judged.findings:
        _record(uow, account, EventCode.PASSWORD_ACCEPTED, {"policy_version": number})
        stamp = stamp_of(judged.policy)
        accepted = {"judged_under": stamp.version, "judged_groups": stamp.groups}
        return {**accepted, "refused_under": None, "noted_under": None, "placed_under": None}
    codes = [finding.code for finding in judged.findings]
    _record(uow, account, EventCode.PASSWORD_REFUSED, {"policy_version": number, "findings": codes})
    return {"refused_under": number}


def _is_to_be_judged(
    stored: StoredPassword, policy: PolicyVersion, judged_under: PolicyVersion | None
) -> bool:
    if stored.refused_under == policy.number:
        return False
    if judged_under is None:
        return policy.enforcement is not Enforcement.NEVER
    is_judging = policy.enforcement in (Enforcement.NONCOMPLIANT, Enforcement.OBSERVE)
    return is_judging and marks(judged_under, policy)


def _is_shared(stored: StoredPassword) -> bool:
    """Tell whether the hash is still the one that a bulk reset stored for many."""
    return stored.set_by == "bulk" and stored.campaign_id is not None and stored.used_at is None


def _record(uow: UnitOfWork, account: Account, code: EventCode, params: dict[str, object]) -> None:
    uow.record(Event(code=code, subject_id=account.user_id, params=params))
