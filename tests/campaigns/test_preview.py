"""The preview of a policy equals what happens: each user by name, over many random policies."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random  # noqa: TID251 - dice with a fixed seed, nothing to guess

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.decisions import decide
from idp.core.gate import AccountFacts, Cleared, Reason, Refused, clear, find_account
from idp.core.groups import create_group, group_names, update_group
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.plans import PlanView, create_plan
from idp.core.policies import policy_for_user, stamp_of
from idp.core.policy_impact import HIT, State
from idp.core.policy_targets import iterate_policy_targets
from idp.core.sessions import list_sessions
from idp.core.work import HOST, UnitOfWork
from idp.errors import InvalidInput
from idp.ids import ClientId, UserId
from idp.store.users import UNUSABLE, CredentialRow, UserRow
from policy.engine import marks
from policy.model import Enforcement
from policy.rules import MaxAge
from policy.verdict import WithheldBy
from tests.support.campaigns import apply
from tests.support.sizes import campaign_size
from tests.support.world import PASSWORD, STAFF, World, open_world

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]

_USERS = campaign_size(1000)
_CHANGES = max(5, campaign_size(50))
_SIGN_INS = 10
_SHORT = "tui7"
_GROUPS = ("Office", "Field", "Lab")
_WORDS = ("kea", "tui", "kiwi", "horse")
_APP = ClientId("app")


@dataclass
class Firm:
    """A realm with people of every kind, and dice with a fixed seed."""

    world: World
    dice: Random
    people: list[UserId] = field(default_factory=list)

    def hire(self, count: int, versions: int) -> None:
        """Add people whose passwords were judged under several versions, or by nobody."""
        with self.world.begin() as uow:
            for name in _GROUPS:
                create_group(uow, name)
        for number in range(count):
            self.people.append(self._hire(f"user-{number}", versions))
        for name in _GROUPS:
            self.regroup(name, count // 3)

    def _hire(self, name: str, versions: int) -> UserId:
        dice, now = self.dice, self.world.clock.now()
        judged = dice.randint(0, versions)
        keys = dice.sample([name.lower() for name in _GROUPS], dice.randint(0, 2))
        columns: dict[str, object] = {
            "judged_under": judged,
            "judged_groups": "\n".join(sorted(keys)) if judged else "",
            "set_at": now - timedelta(days=dice.randint(0, 400)),
            "refused_under": dice.choice([None, None, None, versions, versions + 1]),
        }
        match dice.randint(0, 19):
            case 0 | 1:
                columns["must_change"] = True
            case 2 | 3:
                columns["temporary_until"] = now + timedelta(days=dice.randint(-5, 20))
            case 4:
                columns["hash"] = UNUSABLE
            case _:
                pass
        password = dice.choice([PASSWORD, PASSWORD, _SHORT])
        status = dice.choice(["active"] * 9 + ["inactive"])
        return self.world.add_user(
            name,
            None if dice.randint(0, 19) == 0 else password,
            user={"status": status, "last_sign_in_at": None},
            credential=columns,
        )

    def regroup(self, name: str, count: int) -> None:
        """Let some join a group and others leave it."""
        chosen = self.dice.sample(self.people, min(len(self.people), 2 * count))
        with self.world.begin() as uow:
            update_group(uow, name, add=chosen[:count], remove=chosen[count:])

    def live_on(self) -> None:
        """Let time go by, in which people move about and some choose other passwords."""
        dice = self.dice
        self.world.advance(hours=dice.choice([0.2, 1, 5, 30, 200]))
        self.regroup(dice.choice(_GROUPS), 2)
        for user_id in dice.sample(self.people, 3):
            with self.world.begin() as uow:
                stamp = stamp_of(policy_for_user(uow, user_id))
            self.world.change_credential(
                user_id,
                judged_under=stamp.version,
                judged_groups=stamp.groups,
                set_at=self.world.clock.now(),
                must_change=dice.random() < 1 / 3,
                refused_under=None,
            )
        for user_id in dice.sample(self.people, 3):
            self.world.begin_session(user_id)


@pytest.fixture
def firm(database_url: str, clock: FakeClock) -> Iterator[Firm]:
    """Give a firm over a fresh database, with a policy that has a history."""
    with open_world(database_url, clock) as world:
        firm = Firm(world, Random(20_251))  # noqa: S311 - dice, no secret
        for _ in range(4):
            world.publish_policy(_policy(firm.dice))
            world.advance(days=firm.dice.randint(0, 6))
        firm.hire(_USERS, versions=5)
        yield firm


def _policy(dice: Random) -> dict[str, object]:
    document: dict[str, object] = {
        "enforcement": dice.choice(["everyone"] * 3 + ["noncompliant"] * 3 + ["observe", "never"]),
        "grace": dice.choice(["P0D", "P0D", "P2D", "P9D"]),
        "rules": _rules(dice),
        "groups": {
            name: {"rules": {"length": {"min": dice.randint(6, 24)}, **_blocklist(dice)}}
            for name in dice.sample(_GROUPS, dice.randint(0, 2))
        },
    }
    waves = dice.choice(
        [
            None,
            None,
            {"per_hour": dice.randint(1, _USERS), "deadline": "P9D"},
            {"per_hour": 2, "deadline": "P14D", "groups": [dice.choice(_GROUPS)]},
            {"percent": dice.randint(1, 99)},
            {"groups": [dice.choice(_GROUPS)], "deadline": "P3D"},
            {"quiet": "22:00/12:00"},
        ]
    )
    return document if waves is None else {**document, "waves": waves}


def _rules(dice: Random) -> dict[str, object]:
    rules: dict[str, object] = {"length": {"min": dice.randint(4, 14)}, **_blocklist(dice)}
    if dice.random() < 1 / 3:
        rules["max_age"] = {"days": dice.choice([30, 200, 390])}
    return rules


def _blocklist(dice: Random) -> dict[str, object]:
    words = dice.sample(_WORDS, dice.randint(0, 2))
    return {"blocklist": {"words": words}} if words else {}


def test_the_preview_equals_what_happens(firm: Firm) -> None:
    seen: Counter[str] = Counter()
    for _ in range(_CHANGES):
        plan = _plan(firm.world, _policy(firm.dice))
        foretold = _foretold(firm.world, plan)
        assert _plan(firm.world, plan.params["policy"]).counts == plan.counts  # changed nothing

        apply(firm.world, plan)

        happened = _what_happens(firm)
        assert foretold == happened
        states = Counter(happened.values())
        assert plan.counts["states"] == {state.value: states[state] for state in State}
        assert _by_group(plan) == _count_by_group(firm.world, happened)
        assert _live(plan) == _count_live(firm.world, happened)
        _let_the_wave_ask(firm, plan)
        _let_some_sign_in(firm, [one for one in happened if happened[one] is State.JUDGED])
        seen.update(states)
        firm.live_on()
    assert all(seen[state] for state in State)


def _plan(world: World, document: object) -> PlanView:
    order = {"policy": document, "accept_conflicts": True}
    try:
        return create_plan(world.runtime, STAFF, "policy.publish", order, HOST)
    except InvalidInput as refused:
        if refused.code != "policy.waves_too_slow":
            raise
        remedy = {"per_hour": refused.params["per_hour"]}
        if isinstance(remedy["per_hour"], int) and remedy["per_hour"] % 2:
            remedy = {"deadline": refused.params["deadline"]}
    assert isinstance(document, dict)
    return _plan(world, {**document, "waves": {**document["waves"], **remedy}})


def _foretold(world: World, plan: PlanView) -> dict[UserId, State]:
    with world.begin(write=False) as uow:
        named = {one.user_id: one.state for one in iterate_policy_targets(uow, plan.id)}
        return {user_id: named.get(user_id, State.COMPLIANT) for user_id in _active(uow)}


def _active(uow: UnitOfWork) -> list[UserId]:
    query = sa.select(UserRow.id).where(UserRow.status == "active")
    return [UserId(user_id) for user_id in uow.db.scalars(query)]


def _what_happens(firm: Firm) -> dict[UserId, State]:
    """Ask the real gate about everybody, in earnest unless a wave has too few places for all."""
    with firm.world.begin() as uow:
        without = _without_password(uow)
        found = {}
        for user_id in _active(uow):
            account = find_account(uow, user_id)
            assert account is not None
            is_exempt = user_id in without
            found[user_id] = State.EXEMPT if is_exempt else _happens(uow, account)
        return found


def _without_password(uow: UnitOfWork) -> set[UserId]:
    """Return the users whom no password lets in."""
    query = sa.select(CredentialRow.user_id).where(CredentialRow.hash != UNUSABLE)
    return set(_active(uow)) - set(uow.db.scalars(query))


def _happens(uow: UnitOfWork, account: AccountFacts) -> State:
    waves = account.policy.waves
    birth = account.epoch
    if waves is not None and waves.per_hour is not None:
        answer = clear(account, birth_epoch=birth, session_ended=False, now=uow.now)
    else:
        answer = decide(uow, account, birth_epoch=birth, session_ended=False, client_id=_APP)
    if isinstance(answer, Refused):
        return _refusal(answer)
    if answer.withheld is not None:
        return State.WITHHELD
    return State.EXEMPT if _is_spared(uow, account) else State.COMPLIANT


def _refusal(answer: Refused) -> State:
    if answer.reason is Reason.SIGN_IN_REQUIRED:
        return State.JUDGED
    assert answer.reason is Reason.PASSWORD_CHANGE_REQUIRED
    assert answer.verdict is not None
    codes = {finding.code for finding in answer.verdict.findings}
    is_asked = codes & {"password.must_change", "password.temporary_expired"}
    return State.ASKED_ALREADY if is_asked else State.MUST_CHANGE


def _is_spared(uow: UnitOfWork, account: AccountFacts) -> bool:
    """Tell whether only `never` keeps the policy from asking."""
    policy, facts = account.policy, account.credential
    if policy.enforcement is not Enforcement.NEVER or facts is None:
        return False
    ages = [rule.days for rule in policy.rules if isinstance(rule, MaxAge)]
    is_old = any(uow.now - facts.password_set_at > timedelta(days=days) for days in ages)
    return is_old or marks(facts.judged_under, policy)


def _by_group(plan: PlanView) -> dict[str | None, dict[str, int]]:
    groups = plan.counts["groups"]
    assert isinstance(groups, list)
    return {group["name"]: group["states"] for group in groups}


def _count_by_group(
    world: World, happened: Mapping[UserId, State]
) -> dict[str | None, dict[str, int]]:
    counts: dict[str | None, dict[str, int]] = {}
    with world.begin(write=False) as uow:
        names = group_names(uow, happened)
    for user_id, state in happened.items():
        for name in names.get(user_id, (None,)):
            group = counts.setdefault(name, {state.value: 0 for state in State})
            group[state.value] += 1
    return counts


def _live(plan: PlanView) -> object:
    return plan.counts["live_sessions"]


def _count_live(world: World, happened: Mapping[UserId, State]) -> dict[str, int]:
    counts = {state.value: 0 for state in HIT}
    with world.begin(write=False) as uow:
        for user_id, state in happened.items():
            if state in HIT:
                counts[state.value] += bool(list_sessions(uow, user_id))
    return counts


def _let_the_wave_ask(firm: Firm, plan: PlanView) -> None:
    """Of the users whom a wave with a cap may ask now, as many are asked as have a place."""
    asked = due = 0
    cap = room = None
    with firm.world.begin() as uow:
        without = _without_password(uow)
        for user_id in set(_active(uow)) - without:
            account = find_account(uow, user_id)
            assert account is not None
            waves = account.policy.waves
            if waves is None or waves.per_hour is None:
                return
            if cap is None:
                hour = uow.now.replace(minute=0, second=0, microsecond=0)
                used = account.wave_hour.used if account.wave_hour.began_at == hour else 0
                cap, room = waves.per_hour, max(0, waves.per_hour - used)
            before = clear(account, birth_epoch=account.epoch, session_ended=False, now=uow.now)
            if not isinstance(before, Cleared) or before.withheld is None:
                continue
            due += before.withheld.by is WithheldBy.WAVE and before.withheld.is_due
            after = decide(
                uow, account, birth_epoch=account.epoch, session_ended=False, client_id=_APP
            )
            asked += isinstance(after, Refused)
    assert plan.counts["due_now"] == due
    assert asked == min(due, room or 0)


def _let_some_sign_in(firm: Firm, judged: list[UserId]) -> None:
    """Whoever is to be judged is so at a real sign-in: accepted, or asked for another one."""
    for user_id in firm.dice.sample(judged, min(len(judged), _SIGN_INS)):
        name = firm.world.user(user_id).username
        for password in (PASSWORD, _SHORT):
            form = SignInForm(username=name, password=password)
            if isinstance(sign_in(firm.world.runtime, STAFF, form), LoggedIn):
                break
        else:
            pytest.fail(f"{name} could not sign in")
        with firm.world.begin(write=False) as uow:
            account = find_account(uow, user_id)
            assert account is not None
            answer = clear(account, birth_epoch=account.epoch, session_ended=False, now=uow.now)
        assert isinstance(answer, Cleared) or answer.reason is Reason.PASSWORD_CHANGE_REQUIRED
