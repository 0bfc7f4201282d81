"""Publishing a policy: previewed, confirmed where it must be, one winner, and back again."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.plans import create_plan, undo_plan
from idp.core.policies import current_policy
from idp.core.policy_versions import (
    NewVersion,
    append_version,
    bootstrap_policy,
    follow_config,
    get_policy_version,
    list_policy_versions,
    read_policy,
)
from idp.core.work import HOST
from idp.errors import Conflict, IdpError, InvalidInput, NotFound, PreconditionFailed
from idp.ids import RealmName
from idp.store.policies import PolicyVersionRow
from idp.store.realms import RealmRow
from policy.model import Enforcement
from tests.support.campaigns import apply, job, publish, view
from tests.support.world import STAFF, World, make_world, open_world

SIX: Mapping[str, object] = {"enforcement": "everyone", "rules": {"length": {"min": 6}}}
TWELVE: Mapping[str, object] = {
    "enforcement": "everyone",
    "rules": {"length": {"min": 12, "max": 256}, "differs_from_current": {}},
}


def _current(world: World) -> int:
    with world.begin(write=False) as uow:
        return current_policy(uow).number


def test_publishing_makes_the_next_version_at_once(world: World) -> None:
    plan = publish(world, TWELVE, comment="after the audit")

    assert plan.state == "applied"
    assert plan.job_id is not None
    assert job(world, plan.job_id).state == "done"
    with world.begin(write=False) as uow:
        version = get_policy_version(uow)
    assert (version.number, version.is_current, version.comment) == (2, True, "after the audit")
    assert version.document == TWELVE


def test_the_event_tells_the_change_in_words(world: World) -> None:
    publish(world, TWELVE)

    [event] = [event for event in world.events() if event.code == "policy.published"]
    assert event.params["version"] == 2
    assert event.params["diff"] == [
        "enforcement noncompliant → everyone",
        "minimum length 8 → 12: stricter",
    ]


def test_the_preview_counts_whom_a_stricter_policy_marks(world: World) -> None:
    for name in ("ada", "bob"):
        world.add_user(name)
    world.add_user("gone", user={"status": "inactive"})
    world.add_user("imported", credential={"judged_under": 0})

    plan = create_plan(world.runtime, STAFF, "policy.publish", {"policy": TWELVE}, HOST)

    assert plan.counts["stricter"] == ["length"]
    assert plan.counts["looser"] == []
    assert plan.counts["marked"] == 2
    assert plan.counts["never_judged"] == 1
    assert plan.counts["accepted"] == 0
    assert plan.counts["effect"] == "must_change_at_next_sign_in"
    assert _current(world) == 1


def test_a_policy_that_only_observes_says_so(world: World) -> None:
    observing = {**TWELVE, "enforcement": "observe"}

    plan = create_plan(world.runtime, STAFF, "policy.publish", {"policy": observing}, HOST)

    assert plan.counts["effect"] == "only_observed"


def test_the_preview_of_a_looser_policy_marks_nobody(world: World) -> None:
    world.add_user("ada")

    plan = create_plan(world.runtime, STAFF, "policy.publish", {"policy": SIX}, HOST)

    assert plan.counts["looser"] == ["differs_from_current", "length"]
    assert (plan.counts["marked"], plan.counts["accepted"]) == (0, 1)


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ({"length": {"min": 0}}, "rules.length.min"),
        ({"lenght": {"min": 8}}, "rules.lenght"),
        ({"length": {"min": 20, "max": 10}}, "rules.length"),
    ],
)
def test_a_bad_document_is_refused_with_its_place(
    world: World, rules: Mapping[str, object], place: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_plan(world.runtime, STAFF, "policy.publish", {"policy": {"rules": rules}}, HOST)

    assert refused.value.code == "policy.invalid"
    assert str(refused.value.params["path"]).startswith(place)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"policy": "strict"}, "policy.invalid"),
        ({"policy": SIX, "base_version": "1"}, "plan.param_invalid"),
        ({"policy": SIX, "comment": 7}, "plan.param_invalid"),
        ({"policy": SIX, "accept_conflicts": "yes"}, "plan.param_invalid"),
        ({"policy": SIX, "force": True}, "plan.params_unknown"),
    ],
)
def test_bad_parameters_are_refused(world: World, params: Mapping[str, object], named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_plan(world.runtime, STAFF, "policy.publish", params, HOST)

    assert refused.value.code == named


@pytest.mark.parametrize("rule", [{"characters": {"digits": 1}}, {"max_age": {"days": 90}}])
def test_what_nist_advises_against_must_be_accepted_by_name(
    world: World, rule: Mapping[str, object]
) -> None:
    document = {"rules": {"length": {"min": 8}, **rule}}
    with pytest.raises(Conflict) as refused:
        publish(world, document)
    assert refused.value.code == "policy.conflicts_with_nist"
    assert next(iter(rule)) in str(refused.value.params["conflicts"])

    assert publish(world, document, accept_conflicts=True).state == "applied"


def test_another_base_version_is_refused(world: World) -> None:
    publish(world, SIX)

    with pytest.raises(PreconditionFailed) as refused:
        publish(world, TWELVE, base_version=1)

    assert refused.value.params["current_version"] == 2


def test_of_two_plans_with_the_same_base_one_wins(world: World) -> None:
    plans = [
        create_plan(world.runtime, STAFF, "policy.publish", {"policy": document}, HOST)
        for document in (SIX, TWELVE)
    ]

    def outcome(number: int) -> str:
        try:
            apply(world, plans[number])
        except IdpError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(outcome, range(2)))

    assert sorted(outcomes) == ["ok", "plan_outdated"]
    assert _current(world) == 2
    assert world.event_codes().count("policy.published") == 1


def test_everybody_is_counted_before_anything_is_locked(world: World) -> None:
    world.add_user("ada")
    document = {**TWELVE, "waves": {"per_hour": 9}}
    plan = create_plan(world.runtime, STAFF, "policy.publish", {"policy": document}, HOST)
    engine = world.runtime.database.engine
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    apply(world, plan)
    sa.event.remove(engine, "before_cursor_execute", note)

    lock = "BEGIN IMMEDIATE" if world.runtime.database.is_sqlite else "FOR UPDATE"
    first = next(place for place, statement in enumerate(said) if lock in statement)
    counting = [place for place, statement in enumerate(said) if "SELECT page." in statement]
    assert counting
    assert max(counting) < first
    assert _current(world) == 2


def test_undo_publishes_the_version_before_anew(world: World) -> None:
    plan = publish(world, TWELVE)

    undo_plan(world.runtime, STAFF, plan.id, HOST)

    with world.begin(write=False) as uow:
        versions = list_policy_versions(uow)
        assert [version.number for version in versions] == [3, 2, 1]
        assert versions[0].digest == versions[2].digest
        assert versions[0].diff == (
            "enforcement everyone → noncompliant",
            "minimum length 12 → 8: looser",
        )
    assert view(world, plan).state == "undone"


def test_undo_comes_too_late_when_another_version_followed(world: World) -> None:
    plan = publish(world, TWELVE)
    publish(world, SIX)

    with pytest.raises(Conflict) as refused:
        undo_plan(world.runtime, STAFF, plan.id, HOST)

    assert refused.value.code == "plan.undo_too_late"


def test_an_unknown_version_is_not_found(world: World) -> None:
    with world.begin(write=False) as uow, pytest.raises(NotFound):
        get_policy_version(uow, 9)


@pytest.fixture
def configured(database_url: str, clock: FakeClock) -> Iterator[World]:
    """Give a world whose staff policy belongs to the configuration."""
    staff = {"display_name": "TimeTrak", "policy_managed_by": "config", "policy": dict(TWELVE)}
    settings: dict[str, Mapping[str, object]] = {"realms": {"staff": staff, "portal": {}}}
    with open_world(database_url, clock, settings=settings) as world:
        yield world


def test_a_policy_of_the_configuration_is_not_published_by_administrators(
    configured: World,
) -> None:
    with pytest.raises(Conflict) as refused:
        publish(configured, SIX)

    assert refused.value.code == "policy.managed_by_config"


def test_a_changed_configuration_is_published_once(configured: World) -> None:
    with configured.begin() as uow:
        assert follow_config(uow) == 2
    with configured.begin() as uow:
        assert follow_config(uow) is None
        assert get_policy_version(uow).origin == "config"


def test_a_configured_realm_begins_with_its_own_policy(configured: World) -> None:
    with configured.begin() as uow:
        uow.db.delete(uow.db.get_one(PolicyVersionRow, (STAFF, 1)))
        uow.db.flush()
        bootstrap_policy(uow)
        version = get_policy_version(uow)
    assert (version.origin, version.document) == ("config", TWELVE)


def test_administrators_own_the_policy_unless_the_configuration_says_so(world: World) -> None:
    with world.begin() as uow:
        assert follow_config(uow) is None


def test_versions_are_paged(world: World) -> None:
    publish(world, SIX)
    with world.begin(write=False) as uow:
        assert [v.number for v in list_policy_versions(uow, before=2)] == [1]


def test_a_version_goes_on_top_of_the_current_one_only(world: World) -> None:
    new = NewVersion(policy=read_policy(STAFF, SIX), document=SIX, origin="admin")
    publish(world, SIX)

    with world.begin() as uow, pytest.raises(Conflict):
        append_version(uow, new, base=1)

    assert _current(world) == 2


@pytest.mark.parametrize("preset", ["nist-800-63b", "timetrak-classic"])
def test_a_new_realm_begins_with_a_preset(database_url: str, clock: FakeClock, preset: str) -> None:
    world = make_world(database_url, clock)
    new = RealmName("portal")
    with world.begin(new) as uow:
        uow.db.delete(uow.db.get_one(PolicyVersionRow, (new, 1)))
        uow.db.flush()
        bootstrap_policy(uow, preset)
        bootstrap_policy(uow, preset)
    with world.begin(new, write=False) as uow:
        assert get_policy_version(uow).origin == "init"
        policy = current_policy(uow)
        assert uow.db.get_one(RealmRow, new).policy_version == 1
    expected = {
        "nist-800-63b": Enforcement.NONCOMPLIANT,
        "timetrak-classic": Enforcement.NEVER,
    }
    assert policy.enforcement is expected[preset]
    world.runtime.database.close()


def test_the_first_policy_forbids_the_names_of_realm_and_product(world: World) -> None:
    with world.begin() as uow:
        uow.db.delete(uow.db.get_one(PolicyVersionRow, (STAFF, 1)))
        uow.db.flush()
        bootstrap_policy(uow)
    with world.begin(write=False) as uow:
        rules: object = get_policy_version(uow).document["rules"]
        assert isinstance(rules, dict)
        assert {"timetrak", "staff"} <= set(rules["blocklist"]["words"])


def test_an_unknown_preset_is_refused(world: World) -> None:
    with world.begin() as uow:
        uow.db.delete(uow.db.get_one(PolicyVersionRow, (STAFF, 1)))
        uow.db.flush()
        with pytest.raises(NotFound):
            bootstrap_policy(uow, "very-strict")
