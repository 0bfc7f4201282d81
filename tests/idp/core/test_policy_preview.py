"""What a plan to publish a policy says of everybody: counted, and by name."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from idp.core import policy_standings
from idp.core.groups import create_group, remove_group, update_group
from idp.core.plans import apply_plan, create_plan, undo_plan
from idp.core.policy_impact import Exemption, State
from idp.core.policy_rollout import find_shortage
from idp.core.policy_targets import PolicyTarget, PolicyTargetPage, list_policy_targets
from idp.core.work import HOST
from idp.errors import Conflict, InvalidInput, NotFound
from idp.ids import UserId
from idp.store.users import UNUSABLE
from policy.model import Waves
from tests.support.campaigns import apply, plan_reset, publish
from tests.support.world import STAFF, World

NONE = {state.value: 0 for state in State}
NOBODY_EXEMPT = {exemption.value: 0 for exemption in Exemption}


def _document(more: Mapping[str, object] = {}, *, minimum: int = 12) -> dict[str, object]:
    rules = {"length": {"min": minimum}, "differs_from_current": {}}
    return {"enforcement": "everyone", "rules": rules, **more}


def _counts(world: World, document: Mapping[str, object]) -> dict[str, Any]:
    order = {"policy": document, "accept_conflicts": True}
    return dict(create_plan(world.runtime, STAFF, "policy.publish", order, HOST).counts)


def _targets(world: World, plan_id: str, state: State | None = None) -> dict[str, PolicyTarget]:
    with world.begin(write=False) as uow:
        page = list_policy_targets(uow, plan_id, state=state, limit=1000)
    return {target.username: target for target in page.targets}


def _people(world: World) -> dict[str, UserId]:
    """Add one user of each kind."""
    now = world.clock.now()
    credentials: Mapping[str, Mapping[str, object]] = {
        "ada": {},
        "imported": {"judged_under": 0},
        "flagged": {"must_change": True},
        "over": {"temporary_until": now - timedelta(seconds=1)},
        "guest": {"temporary_until": now + timedelta(days=1)},
        "linked": {"hash": UNUSABLE},
    }
    people = {name: world.add_user(name, credential=row) for name, row in credentials.items()}
    people["new"] = world.add_user("new", None)
    world.add_user("gone", user={"status": "inactive"})
    return people


def test_everybody_active_is_in_one_state(world: World) -> None:
    _people(world)

    asked = _counts(world, _document())
    judged = _counts(world, {**_document(), "enforcement": "noncompliant"})
    spared = _counts(world, {**_document(), "enforcement": "never"})
    looser = _counts(world, _document(minimum=8))

    fixed = {"asked_already": 2, "exempt": 2}
    assert asked["states"] == NONE | fixed | {"must_change": 2, "judged": 1}
    assert judged["states"] == NONE | fixed | {"judged": 3}
    assert spared["states"] == NONE | {"asked_already": 2, "exempt": 5}
    assert looser["states"] == NONE | fixed | {"compliant": 2, "judged": 1}
    assert asked["exempt_because"] == NOBODY_EXEMPT | {"no_password": 2}
    assert spared["exempt_because"] == NOBODY_EXEMPT | {"enforcement_never": 3, "no_password": 2}


@pytest.mark.parametrize(
    ("staged", "by", "days"),
    [
        ({"enforcement": "observe"}, "observe", None),
        ({"grace": "P7D"}, "grace", 7),
        ({"waves": {"per_hour": 1}}, "wave", 14),
        ({"grace": "P7D", "waves": {"per_hour": 1}}, "grace", 7),
        ({"waves": {"groups": ["Office"], "deadline": "P3D"}}, "wave", 3),
    ],
)
def test_what_is_withheld_is_told_with_its_end(
    world: World, staged: Mapping[str, object], by: str, days: int | None
) -> None:
    with world.begin() as uow:
        create_group(uow, "Office")
    _people(world)

    counts = _counts(world, _document(staged))

    until = None if days is None else (world.clock.now() + timedelta(days=days)).isoformat()
    assert counts["states"] == NONE | {"withheld": 3, "asked_already": 2, "exempt": 2}
    assert counts["withheld_by"] == [
        {"by": by, "action": "change_password", "until": until, "users": 2},
        {"by": by, "action": "sign_in", "until": until, "users": 1},
    ]
    assert counts["due_now"] == (
        3 if staged.get("waves") == {"per_hour": 1} and by == "wave" else 0
    )


def test_a_wave_without_a_cap_asks_its_members_at_the_next_sign_in(world: World) -> None:
    people = _people(world)
    with world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "office", add=[people["ada"], people["imported"]])

    counts = _counts(world, _document({"waves": {"groups": ["Office"]}}))

    assert counts["states"] == NONE | {
        "must_change": 1,
        "judged": 1,
        "withheld": 1,
        "asked_already": 2,
        "exempt": 2,
    }


def test_an_edit_of_the_grace_does_not_begin_it_anew(world: World) -> None:
    world.add_user("ada")
    began = world.clock.now()
    publish(world, _document({"grace": "P7D"}))
    world.advance(days=3)

    [withheld] = _counts(world, _document({"grace": "P9D"}))["withheld_by"]
    ended = _counts(world, _document({"grace": "P3D"}))
    stricter = _counts(world, _document({"grace": "P9D"}, minimum=14))["withheld_by"]

    assert withheld["until"] == (began + timedelta(days=9)).isoformat()
    assert ended["states"]["must_change"] == 1
    assert stricter == [withheld]  # marked without a break


def test_groups_are_counted_each(world: World) -> None:
    people = _people(world)
    with world.begin() as uow:
        for name, members in (("Office", ("ada", "guest")), ("Lab", ("ada", "new"))):
            create_group(uow, name)
            update_group(uow, name, add=[people[member] for member in members])

    of_office = {"office": {"rules": {"length": {"min": 20}}}}
    counts = _counts(world, _document({"groups": of_office}, minimum=8))

    assert counts["groups"] == [
        {"name": "Office", "users": 2, "states": NONE | {"must_change": 2}},
        {
            "name": None,
            "users": 4,
            "states": NONE | {"judged": 1, "asked_already": 2, "exempt": 1},
        },
        {"name": "Lab", "users": 2, "states": NONE | {"must_change": 1, "exempt": 1}},
    ]
    assert counts["groups_left_out"] == 0
    assert (counts["marked"], counts["accepted"]) == (2, 3)


def test_who_is_hit_is_counted_by_sessions_and_last_seen(world: World) -> None:
    now = world.clock.now()
    for name, days in (("ada", 0), ("bob", 2), ("cy", 20), ("di", 200), ("eve", None)):
        at = None if days is None else now - timedelta(days=days)
        world.add_user(name, user={"last_sign_in_at": at})
    di = world.add_user("fay")
    world.begin_session(di)
    world.begin_session(di)
    moved = world.add_user("gus")
    world.begin_session(moved)
    world.change_user(moved, epoch=2)

    counts = _counts(world, _document())
    nobody = _counts(world, _document(minimum=8))

    assert counts["live_sessions"] == {"must_change": 1, "judged": 0, "withheld": 0}
    assert counts["last_seen"] == {
        "last_24h": 3,
        "last_7d": 1,
        "last_30d": 1,
        "longer": 1,
        "never": 1,
    }
    assert not any(nobody["last_seen"].values())


def test_targets_are_named_with_their_reasons(world: World) -> None:
    people = _people(world)
    world.begin_session(people["ada"])
    with world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "office", add=[people["ada"]])
    order = {"policy": _document({"grace": "P7D"})}
    plan = create_plan(world.runtime, STAFF, "policy.publish", order, HOST)

    targets = _targets(world, plan.id)
    ada = targets["ada"]

    assert {name: target.state.value for name, target in targets.items()} == {
        "ada": "withheld",
        "guest": "withheld",
        "imported": "withheld",
        "flagged": "asked_already",
        "over": "asked_already",
        "linked": "exempt",
        "new": "exempt",
    }
    assert (ada.groups, ada.live_sessions, ada.last_seen_at) == (("Office",), 1, world.clock.now())
    assert [(f.code, dict(f.params)) for f in ada.findings] == [
        ("policy.stricter", {"version": 2, "rules": "length"})
    ]
    assert ada.until == world.clock.now() + timedelta(days=7)
    assert targets["new"].exempt_because == "no_password"
    assert set(_targets(world, plan.id, State.EXEMPT)) == {"linked", "new"}
    assert set(_targets(world, plan.id, State.COMPLIANT)) == set()


def test_targets_of_a_policy_in_force_are_those_who_are_left(world: World) -> None:
    _people(world)
    plan = publish(world, _document({"grace": "P7D"}))
    world.advance(days=8)

    assert _targets(world, plan.id)["ada"].state is State.MUST_CHANGE
    publish(world, _document(minimum=8))
    assert _targets(world, plan.id)["ada"].state is State.WITHHELD  # as the next version again


def test_what_the_version_in_force_marks_is_told_by_its_groups(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Office")
    ada, _ = world.add_user("ada"), world.add_user("bob")
    with world.begin() as uow:
        update_group(uow, "Office", add=[ada])
    office = {"Office": {"rules": {"length": {"min": 16}}}}
    world.publish_policy(_document({"groups": office}, minimum=8))

    counts = _counts(world, _document(minimum=8))

    assert (counts["marked"], counts["marked_by_current"]) == (0, 1)


def test_the_preview_is_the_same_however_many_users_are_read_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = _people(world)
    world.begin_session(people["ada"])
    with world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "Office", add=[people["ada"], people["new"], people["over"]])
    before = _counts(world, _document())
    monkeypatch.setattr(policy_standings, "PAGE", 2)

    assert _counts(world, _document()) == before
    assert before["live_sessions"]["must_change"] == 1
    assert {each["name"]: each["users"] for each in before["groups"]} == {"Office": 3, None: 4}


def test_a_page_looks_at_so_many_users_and_no_more(world: World) -> None:
    names = [f"user-{number}" for number in range(7)]
    for name in names:
        world.add_user(name, credential={"judged_under": 0 if name == "user-6" else 1})
    order = {"policy": _document(minimum=8)}
    plan = create_plan(world.runtime, STAFF, "policy.publish", order, HOST)

    with world.begin(write=False) as uow:
        pages = _walk(uow, plan.id, None, limit=100)
        compliant = _walk(uow, plan.id, State.COMPLIANT, limit=2)

    assert len(pages) == 3
    assert [t.username for page in pages for t in page.targets] == ["user-6"]
    found = [t.username for page in compliant for t in page.targets]
    assert sorted(found) == names[:6]


def _walk(uow: Any, plan_id: str, state: State | None, *, limit: int) -> list[PolicyTargetPage]:  # noqa: ANN401 - a unit of work
    pages: list[PolicyTargetPage] = []
    after: str | None = ""
    while after is not None:
        page = list_policy_targets(uow, plan_id, state=state, limit=limit, after=after, look_at=3)
        pages.append(page)
        after = pages[-1].after
    return pages


def test_a_plan_of_another_kind_has_stored_targets(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, "require_change")
    with world.begin(write=False) as uow:
        with pytest.raises(InvalidInput) as refused:
            list_policy_targets(uow, plan.id, limit=1)
        with pytest.raises(NotFound):
            list_policy_targets(uow, "nothing", limit=1)
    assert refused.value.code == "plan.has_stored_targets"


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ({"groups": {"ofice": {"rules": {"length": {"min": 9}}}}}, "groups.ofice", "Office"),
        ({"waves": {"groups": ["Lab", "office"]}}, "waves.groups", "valid names: Office"),
    ],
)
def test_an_unknown_group_is_refused(
    world: World, document: Mapping[str, object], path: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as without:
        _counts(world, _document(document))
    with world.begin() as uow:
        create_group(uow, "Office")
    with pytest.raises(InvalidInput) as refused:
        _counts(world, _document(document))

    assert without.value.params["reason"] == "this realm has no groups"
    assert refused.value.code == "policy.group_not_found"
    assert refused.value.params["path"] == path
    assert reason in str(refused.value.params["reason"])


def test_a_group_that_is_gone_when_the_plan_is_applied_refuses_it(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Office")
    by_group = _document({"groups": {"OFFICE": {"rules": {"length": {"min": 9}}}}})
    order = {"policy": by_group}
    plan = create_plan(world.runtime, STAFF, "policy.publish", order, HOST)
    with world.begin() as uow:
        remove_group(uow, "office")

    with pytest.raises(Conflict) as refused:
        apply(world, plan)

    assert refused.value.code == "plan_outdated"
    assert refused.value.params["cause"] == "policy.group_not_found"


def test_undo_does_not_bring_back_rules_for_a_group_that_is_gone(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Office")
    publish(world, _document({"groups": {"office": {"rules": {"length": {"min": 9}}}}}))
    plan = publish(world, _document())
    with world.begin() as uow:
        remove_group(uow, "office")

    with pytest.raises(InvalidInput) as refused:
        undo_plan(world.runtime, STAFF, plan.id, HOST)

    assert refused.value.code == "policy.group_not_found"


@pytest.mark.parametrize("part", ["groups", "waves"])
def test_a_group_that_the_policy_in_force_names_keeps_its_name(world: World, part: str) -> None:
    with world.begin() as uow:
        create_group(uow, "Office")
    parts: Mapping[str, object] = {
        "groups": {"office": {"rules": {"length": {"min": 9}}}},
        "waves": {"groups": ["office"]},
    }
    publish(world, _document({part: parts[part]}))

    with world.begin() as uow:
        assert update_group(uow, "office", new_name="OFFICE", description="x").name == "OFFICE"
        with pytest.raises(Conflict) as renamed:
            update_group(uow, "office", new_name="Desk")
        with pytest.raises(Conflict) as removed:
            remove_group(uow, "office")
    assert (renamed.value.code, removed.value.code) == ("group.in_policy", "group.in_policy")
    assert removed.value.params == {"name": "office", "policy_version": 2}

    publish(world, _document())
    with world.begin() as uow:
        update_group(uow, "office", new_name="Desk")
        remove_group(uow, "desk")


def test_waves_that_cannot_end_in_time_are_refused(world: World) -> None:
    for number in range(7):
        world.add_user(f"user-{number}")
    waves: dict[str, object] = {"per_hour": 2, "deadline": "PT3H"}

    with pytest.raises(InvalidInput) as refused:
        _counts(world, _document({"waves": waves}))

    assert refused.value.code == "policy.waves_too_slow"
    assert refused.value.params == {
        "path": "waves",
        "needed": 7,
        "capacity": 6,
        "per_hour": 3,
        "deadline": "PT4H",
    }
    for would_do in ({"per_hour": 3}, {"deadline": "PT4H"}, {"percent": 1}):
        assert (
            _counts(world, _document({"waves": {**waves, **would_do}}))["states"]["withheld"] == 7
        )
    assert _counts(world, _document({"waves": waves}, minimum=8))["states"]["compliant"] == 7


def test_waves_that_became_too_slow_are_not_applied(world: World) -> None:
    world.add_user("ada")
    order = {"policy": _document({"waves": {"per_hour": 1, "deadline": "PT1H"}})}
    plan = create_plan(world.runtime, STAFF, "policy.publish", order, HOST)
    world.add_user("bob")

    with pytest.raises(Conflict) as refused:
        apply_plan(world.runtime, STAFF, plan.id, plan.fingerprint, HOST)

    assert refused.value.params["cause"] == "policy.waves_too_slow"


def test_each_deadline_has_to_be_met(world: World) -> None:
    now = world.clock.now()
    hours = [now + timedelta(hours=number) for number in range(11)]
    waves = Waves(per_hour=2, deadline=timedelta(hours=10))

    def is_short(*cohorts: tuple[int, int, int]) -> bool:
        found = {(hours[begin], hours[end]): users for begin, end, users in cohorts}
        return find_shortage(waves, found, now) is not None

    assert not is_short((0, 10, 20))
    assert is_short((0, 10, 21))
    assert not is_short((0, 2, 4), (0, 10, 16))
    assert is_short((0, 2, 5), (0, 10, 1))
    assert is_short((0, 2, 4), (0, 10, 17))
    assert find_shortage(Waves(percent=1), {(now, now): 9}, now) is None


def test_quiet_hours_count(world: World) -> None:
    now = world.clock.now()
    waves = Waves.parse({"per_hour": 1, "deadline": "P1D", "quiet": "18:00/06:00"})

    short = find_shortage(waves, {(now, now + timedelta(days=1)): 13}, now)

    assert short is not None
    assert (short.needed, short.capacity, short.per_hour) == (13, 12, 2)
    assert short.deadline == timedelta(days=1, hours=2)
