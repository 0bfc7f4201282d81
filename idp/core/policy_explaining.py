"""Why the gate answers as it does about one account now: the facts, the findings, what follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from idp.core.accounts import Account, StoredPassword, find_account_by_id
from idp.core.decision_telling import ToldDecision, tell_decisions
from idp.core.gate import AccountFacts, Reason, Refused, clear, find_account
from idp.core.guesses import Refusal, is_temporary_over
from idp.core.policies import current_policy
from idp.core.policy_outcomes import Outcome, outcome_of
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import UserId
from idp.store.users import UNUSABLE
from policy.engine import evaluate, stricter_rules, warnings
from policy.model import CredentialFacts, Enforcement, GroupRules, PolicyVersion, Rule
from policy.verdict import Finding, RequiredAction, Verdict, Withheld


class AccountState(StrEnum):
    """Whether an account may be used at all."""

    ACTIVE = "active"
    LOCKED = "locked"
    DISABLED = "disabled"


class AtSignIn(StrEnum):
    """What the right password brings at the next sign-in."""

    REFUSED = "refused"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - what happens, no password
    JUDGED = "judged"
    LET_IN = "let_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordStanding:
    """Where a password stands; `judged_under` is 0 when no version has judged it."""

    set_at: datetime
    set_by: str
    is_shared: bool
    must_change: bool
    temporary_until: datetime | None
    judged_under: int
    refused_under: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    """One rule as it stands for a user; `groups` are those that make it stricter than for all."""

    rule: str
    params: Mapping[str, object]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The gate's answer about one account at one moment, with everything that it rests on.

    Attributes:
        groups: the user's groups that the policy has rules of their own for.
        password: None when there is none that could be typed.
        stricter_rules: content rules that are stricter now than when the password was judged.
        findings: everything that the policy in force holds against the password.
        withheld: what it would ask besides, and does not ask yet.
        warnings: what will be asked soon.
        sign_in_refusal: why even the right password is refused, with `AtSignIn.REFUSED`.
        refresh_refusal: why a refresh is refused whose session began after the last event that
            ended the user's sessions; None when it goes on.
        ends_access_tokens: access tokens that are out die at once, not at their expiry.
        decisions: the last ones about the account that were no plain pass, newest first.
    """

    user_id: UserId
    username: str
    at: datetime
    state: AccountState
    policy_version: int
    enforcement: Enforcement
    groups: tuple[str, ...]
    rules: tuple[RuleInForce, ...]
    password: PasswordStanding | None
    outcome: Outcome
    stricter_rules: tuple[str, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    withheld: Withheld | None
    required_action: RequiredAction | None
    at_sign_in: AtSignIn
    sign_in_refusal: str | None
    refresh_refusal: Reason | None
    ends_access_tokens: bool
    decisions: tuple[ToldDecision, ...]


def explain_account(uow: UnitOfWork, user_id: UserId) -> Explanation:
    """Return why the gate answers as it does about an account now.

    Raises:
        NotFound: `user.not_found`.
    """
    facts, account = find_account(uow, user_id), find_account_by_id(uow, user_id)
    if facts is None or account is None:
        raise NotFound("user.not_found", user=user_id)
    stored = account.password if _is_usable(account) else None
    credential = None if stored is None else facts.credential
    verdict = None if credential is None else evaluate(facts.policy, credential, uow.now)
    action = None if verdict is None else verdict.required_action
    refusal = _sign_in_refusal(account, stored, uow.now)
    answer = clear(facts, birth_epoch=facts.epoch, session_ended=False, now=uow.now)
    refused = answer if isinstance(answer, Refused) else None
    return Explanation(
        user_id=user_id,
        username=account.owner.username,
        at=uow.now,
        state=_state(facts),
        policy_version=facts.policy.number,
        enforcement=facts.policy.enforcement,
        groups=tuple(group.name for group in _groups_of(current_policy(uow), facts.policy)),
        rules=tuple(_rules_in_force(current_policy(uow), facts.policy)),
        password=None if stored is None else _standing(stored),
        outcome=_outcome(facts, credential, verdict, uow.now, is_shared=_is_shared(stored)),
        stricter_rules=_stricter_rules(facts.policy, credential),
        findings=() if verdict is None else verdict.findings,
        warnings=() if credential is None else warnings(facts.policy, credential, uow.now),
        withheld=None if verdict is None else verdict.withheld,
        required_action=action,
        at_sign_in=_at_sign_in(refusal, action),
        sign_in_refusal=refusal,
        refresh_refusal=None if refused is None else refused.reason,
        ends_access_tokens=refused is not None and refused.immediate,
        decisions=tuple(tell_decisions(uow, user_id)),
    )


def _groups_of(whole: PolicyVersion, policy: PolicyVersion) -> list[GroupRules]:
    """Return the groups of `whole` whose rules are combined into `policy`."""
    return [group for group in whole.groups if group.key in policy.of_groups]


def _rules_in_force(whole: PolicyVersion, policy: PolicyVersion) -> Iterator[RuleInForce]:
    for rule in policy.rules:
        groups = [
            group.name
            for group in _groups_of(whole, policy)
            if _is_behind(group.rules, whole.rules, rule)
        ]
        yield RuleInForce(rule=rule.name, params=rule.document(), groups=tuple(groups))


def _is_behind(own: tuple[Rule, ...], common: tuple[Rule, ...], rule: Rule) -> bool:
    """Tell whether the rules of a group give a combined rule something that everybody's do not."""
    given, before = _document(own, rule.name), _document(common, rule.name)
    if given is None or before is None:
        return given is not None
    return any(
        rule.document().get(name) == value != before.get(name)
        or (isinstance(value, list) and not set(value) <= set(before.get(name, ())))
        for name, value in given.items()
    )


def _document(rules: tuple[Rule, ...], name: str) -> dict[str, Any] | None:
    return next((rule.document() for rule in rules if rule.name == name), None)


def _is_usable(account: Account) -> bool:
    """Tell whether there is a password that could be typed: ours, or that of a directory."""
    stored = account.password
    return stored is not None and (stored.hash != UNUSABLE or account.entry is not None)


def _outcome(
    account: AccountFacts,
    credential: CredentialFacts | None,
    verdict: Verdict | None,
    now: datetime,
    *,
    is_shared: bool,
) -> Outcome:
    outcome = outcome_of(account.policy, credential, verdict, now, is_shared=is_shared)
    return Outcome.EXEMPT if account.is_exempt and outcome is Outcome.OK else outcome


def _is_shared(stored: StoredPassword | None) -> bool:
    return stored is not None and stored.campaign_id is not None


def _state(account: AccountFacts) -> AccountState:
    if not account.is_active:
        return AccountState.DISABLED
    return AccountState.LOCKED if account.is_locked else AccountState.ACTIVE


def _standing(stored: StoredPassword) -> PasswordStanding:
    return PasswordStanding(
        set_at=stored.set_at,
        set_by=stored.set_by,
        is_shared=_is_shared(stored),
        must_change=stored.must_change,
        temporary_until=stored.temporary_until,
        judged_under=stored.judged_under,
        refused_under=stored.refused_under,
    )


def _stricter_rules(policy: PolicyVersion, credential: CredentialFacts | None) -> tuple[str, ...]:
    if credential is None or credential.judged_under is None:
        return ()
    return stricter_rules(credential.judged_under, policy)


def _sign_in_refusal(account: Account, stored: StoredPassword | None, now: datetime) -> str | None:
    """Return why the right password is refused, in the words of the audit trail."""
    if not account.is_active:
        return Refusal.INACTIVE.value
    if account.is_locked:
        return Refusal.LOCKED.value
    if stored is None:
        return Refusal.UNUSABLE.value
    if stored.blocked_at is not None:
        return Refusal.BLOCKED.value
    return Refusal.TEMPORARY_OVER.value if is_temporary_over(account, now) else None


def _at_sign_in(refusal: str | None, action: RequiredAction | None) -> AtSignIn:
    if refusal is not None:
        return AtSignIn.REFUSED
    match action:
        case RequiredAction.CHANGE_PASSWORD:
            return AtSignIn.CHANGE_PASSWORD
        case RequiredAction.SIGN_IN:
            return AtSignIn.JUDGED
        case None:
            return AtSignIn.LET_IN
        case _:
            assert_never(action)
