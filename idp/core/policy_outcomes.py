"""What the gate's answer about an account comes down to, in one word."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import assert_never

from policy.engine import evaluate
from policy.model import CredentialFacts, Enforcement, PolicyVersion
from policy.verdict import Finding, RequiredAction, Verdict


class Outcome(StrEnum):
    """What the gate's answer about one account comes down to; each account has exactly one."""

    TEMPORARY_EXPIRED = "temporary_expired"
    MUST_CHANGE = "must_change"
    TOO_OLD = "too_old"
    REFUSED = "refused_by_policy"
    STALE = "stale_by_policy"
    TO_BE_JUDGED = "to_be_judged"
    WITHHELD = "withheld"
    TEMPORARY = "temporary_in_use"
    EXEMPT = "exempt"
    OK = "ok"
    NO_PASSWORD = "no_password"  # noqa: S105 - an outcome, no password


HAVE_TO_CHANGE = (
    Outcome.TEMPORARY_EXPIRED,
    Outcome.MUST_CHANGE,
    Outcome.TOO_OLD,
    Outcome.REFUSED,
    Outcome.STALE,
)
"""The outcomes of accounts that get no token before their password is another one."""

_CAUSES: Mapping[str, Outcome] = {
    "password.temporary_expired": Outcome.TEMPORARY_EXPIRED,
    "password.must_change": Outcome.MUST_CHANGE,
    "password.too_old": Outcome.TOO_OLD,
    "policy.not_met": Outcome.REFUSED,
}
"""The cause that is told when there are several: the first of these."""


def outcome_of(
    policy: PolicyVersion,
    credential: CredentialFacts | None,
    verdict: Verdict | None,
    now: datetime,
    *,
    is_shared: bool,
) -> Outcome:
    """Return the outcome of an account that `evaluate` gave this verdict on.

    Args:
        policy: as it stands for the user.
        credential, verdict: None for an account without a usable password.
    """
    if credential is None or verdict is None:
        return Outcome.NO_PASSWORD
    match verdict.required_action:
        case None if verdict.withheld is not None:
            return Outcome.WITHHELD
        case None if is_shared or credential.temporary_until is not None:
            return Outcome.TEMPORARY
        case None:
            return Outcome.EXEMPT if spared(policy, credential, now) else Outcome.OK
        case RequiredAction.SIGN_IN:
            return Outcome.TO_BE_JUDGED
        case RequiredAction.CHANGE_PASSWORD:
            codes = {finding.code for finding in verdict.findings}
            return next((_CAUSES[code] for code in _CAUSES if code in codes), Outcome.STALE)
        case _:
            assert_never(verdict.required_action)


def spared(
    policy: PolicyVersion, credential: CredentialFacts, now: datetime
) -> tuple[Finding, ...]:
    """Return what a policy lets pass only because its enforcement is `never`; mostly nothing."""
    if policy.enforcement is not Enforcement.NEVER:
        return ()
    return evaluate(_enforced(policy), credential, now).findings


@lru_cache(maxsize=64)
def _enforced(policy: PolicyVersion) -> PolicyVersion:
    return replace(policy, enforcement=Enforcement.EVERYONE, grace=timedelta(0), waves=None)
