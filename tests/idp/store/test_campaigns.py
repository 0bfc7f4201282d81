"""How far a bulk reset's selection moved is found in one go, however many it names."""

from idp.store.campaigns import Criteria, Exclusion, Plan, measure_drift
from tests.support.explaining import compared_tables, steps_of
from tests.support.world import STAFF, open_world


def test_no_target_is_compared_with_everybody_who_is_selected(postgresql_url: str) -> None:
    exclusion = Exclusion(
        acting_id=None, administrators=False, without_email=False, without_password=False
    )
    plan = Plan(STAFF, "plan", exclusion)
    with (
        open_world(postgresql_url) as world,
        world.runtime.database.connection(write=False) as connection,
    ):
        steps = steps_of(connection, lambda: measure_drift(connection, plan, Criteria()))

    assert any("plan_targets" in step for step in steps)
    assert compared_tables(steps) == set()
