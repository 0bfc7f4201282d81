"""Judging a password that somebody wants to set: the facts gathered, then policy's answer.

In two halves, because comparing with earlier passwords costs a hash each: `gather_facts` reads in
a unit of work, `judge_candidate` hashes and judges outside of one.
"""

from dataclasses import dataclass
from datetime import datetime

from idp.core.accounts import Account, StoredPassword
from idp.core.bulk_secrets import is_past_bulk_secret
from idp.core.password_history import Earlier, list_earlier
from idp.core.policies import current_policy
from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from policy.engine import history_depth, judge, needs
from policy.model import Candidate, HistoryMatch, Need, PolicyVersion
from policy.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose password it is to be: words that it must not be."""

    username: str
    email: str | None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingFacts:
    """What `judge_candidate` needs from the database, at one moment."""

    policy: PolicyVersion
    person: Person
    now: datetime
    current: StoredPassword | None = None
    earlier: tuple[Earlier, ...] = ()
    is_past_bulk_secret: bool = False


def person_of(account: Account) -> Person:
    """Return the words that the password of an account must not be."""
    owner = account.owner
    return Person(username=owner.username, email=owner.email, names=owner.names)


def gather_facts(
    uow: UnitOfWork, person: Person, password: str, account: Account | None = None
) -> JudgingFacts:
    """Read what judging `password` (NFC) needs; without an account, for somebody new."""
    policy = current_policy(uow)
    return JudgingFacts(
        policy=policy,
        person=person,
        now=uow.now,
        current=account.password if account else None,
        earlier=list_earlier(uow, account.user_id, history_depth(policy)) if account else (),
        is_past_bulk_secret=is_past_bulk_secret(uow, password),
    )


def judge_candidate(
    runtime: Runtime,
    facts: JudgingFacts,
    password: str,
    *,
    forced: bool = False,
    is_voluntary: bool = False,
    typed_current: str | None = None,
) -> tuple[Finding, ...]:
    """Return everything that speaks against setting `password` (NFC); hashes, so hold no lock.

    Every earlier password is compared, so the time does not tell which one matched.

    Args:
        forced: the user must change, so the current password is refused whatever the rules.
        is_voluntary: the user asks for the change; only then a minimum age binds.
        typed_current: the current password, if it was just verified: saves a hash.
    """
    needed = needs(facts.policy, forced=forced)
    current = facts.current
    return judge(
        facts.policy,
        Candidate(
            password=password,
            username=facts.person.username,
            email=facts.person.email,
            names=facts.person.names,
            forced=forced,
            matches_current=Need.CURRENT in needed
            and _matches_current(runtime, current, password, typed_current),
            history_matches=_matches(runtime, facts.earlier, password),
            is_common=Need.COMMON in needed and runtime.common_passwords.contains(password),
            is_past_bulk_secret=facts.is_past_bulk_secret,
            now=facts.now,
            current_set_at=current.set_at if current else None,
            current_self_chosen=is_voluntary and current is not None and _is_own(current),
        ),
    )


def judge_as_typed(
    runtime: Runtime, policy: PolicyVersion, person: Person, password: str, now: datetime
) -> tuple[Finding, ...]:
    """Return what the content rules say of a password that was typed at a sign-in."""
    return judge(
        policy,
        Candidate(
            password=password,
            username=person.username,
            email=person.email,
            names=person.names,
            is_common=Need.COMMON in needs(policy, forced=False)
            and runtime.common_passwords.contains(password),
            now=now,
        ),
    )


def _matches_current(
    runtime: Runtime, current: StoredPassword | None, password: str, typed: str | None
) -> bool:
    if typed is not None:
        return typed == password
    return current is not None and runtime.hasher.verify(current.hash, password)


def _matches(
    runtime: Runtime, earlier: tuple[Earlier, ...], password: str
) -> tuple[HistoryMatch, ...]:
    return tuple(
        HistoryMatch(old.position, old.replaced_at)
        for old in earlier
        if runtime.hasher.verify(old.hash, password)
    )


def _is_own(current: StoredPassword) -> bool:
    return current.set_by in ("self", "recovery")
