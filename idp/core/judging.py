"""Judging a password that somebody wants to set: the facts gathered, then policy's answer.

In two halves, because comparing with earlier passwords costs a hash each and a list of leaked ones
may be far away: `gather_facts` reads in a unit of work, `judge_candidate` hashes, asks and judges
outside of one.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from idp.config import Config
from idp.core.accounts import Account, StoredPassword
from idp.core.bulk_secrets import is_past_bulk_secret
from idp.core.password_history import Earlier, list_earlier
from idp.core.policies import policy_for_user
from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from policy.engine import history_depth, judge, needs, of_content
from policy.model import Candidate, HistoryMatch, Need, PolicyVersion
from policy.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose password it is to be: words that it must not be; `context` are names of the realm."""

    username: str
    email: str | None
    names: tuple[str, ...] = ()
    context: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """Return all of them."""
        email = () if self.email is None else (self.email,)
        return (self.username, *email, *self.names, *self.context)


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


def words_of_realm(config: Config, realm: str) -> tuple[str, ...]:
    """Return the words that nobody of a realm may have as a password: its names, the product's."""
    name = config.realm(realm).display_name
    words = {"timetrak", realm, name, name.replace(" ", ""), *name.split()}
    return tuple(sorted(words - {""}))


def gather_facts(
    uow: UnitOfWork,
    person: Person,
    password: str,
    account: Account | None = None,
    *,
    policy: PolicyVersion | None = None,
) -> JudgingFacts:
    """Read what judging `password` (NFC) needs; without an account, for somebody new.

    Args:
        policy: who judges; None for the policy in force as it stands for the account's user.
    """
    if policy is None:
        policy = policy_for_user(uow, account.user_id if account else None)
    return JudgingFacts(
        policy=policy,
        person=replace(person, context=words_of_realm(uow.runtime.config, uow.realm)),
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
        typed_current: the current password (NFC), if it was just verified: saves a hash, and
            only then can a new one be too similar to it.
    """
    needed = needs(facts.policy, forced=forced)
    current = facts.current
    return judge(
        facts.policy,
        replace(
            _as_typed(runtime, needed, facts.person, password, facts.now),
            forced=forced,
            matches_current=Need.CURRENT in needed
            and _matches_current(runtime, current, password, typed_current),
            current_password=typed_current,
            history_matches=_matches(runtime, facts.earlier, password),
            is_past_bulk_secret=facts.is_past_bulk_secret,
            current_set_at=current.set_at if current else None,
            current_self_chosen=is_voluntary and current is not None and _is_own(current),
        ),
    )


def judge_as_typed(
    runtime: Runtime, policy: PolicyVersion, account: Account, password: str, now: datetime
) -> tuple[Finding, ...]:
    """Return what the content rules say of a password (NFC) that was typed at a sign-in.

    May ask a service on the network, so hold no transaction. When the one finding is
    `policy.rules.UNCHECKED`, the password was not looked up: it is neither accepted nor refused.
    """
    context = words_of_realm(runtime.config, account.realm)
    person = replace(person_of(account), context=context)
    content = of_content(policy)
    return judge(content, _as_typed(runtime, needs(content, forced=False), person, password, now))


def _as_typed(
    runtime: Runtime, needed: frozenset[Need], person: Person, password: str, now: datetime
) -> Candidate:
    """Return the password with the facts about itself that the policy needs."""
    meter = runtime.strength_meter
    return Candidate(
        password=password,
        username=person.username,
        email=person.email,
        names=person.names,
        context=person.context,
        is_common=Need.COMMON in needed and runtime.common_passwords.contains(password),
        strength=meter.score(password, person.words()) if Need.STRENGTH in needed else None,
        is_breached=_is_breached(runtime, needed, password),
        now=now,
    )


def _is_breached(runtime: Runtime, needed: frozenset[Need], password: str) -> bool | None:
    if Need.BREACHED_ONLINE in needed:
        return runtime.breached_passwords.ask_service(password)
    if Need.BREACHED_FILE in needed:
        return runtime.breached_passwords.look_in_file(password)
    return None


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
