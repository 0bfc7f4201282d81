"""How far a bulk reset got, and how many people still share a password."""

import pytest

from idp.core.passwords import SetBy, Setting, set_password
from idp.core.reset_status import count_on_shared_password, get_campaign, list_campaigns
from idp.core.work import HOST
from idp.errors import NotFound
from tests.support.campaigns import plan_reset, run_reset
from tests.support.world import STAFF, World

LONG = "kereru-over-the-harbour"


def test_the_meter_falls_as_people_choose_their_own(world: World) -> None:
    ada = world.add_user("ada")
    world.add_user("bob")
    plan = run_reset(world, password=LONG, reason="new company")
    chosen = "takahe-behind-the-dunes"
    set_password(world.runtime, STAFF, ada, chosen, Setting(source=SetBy.ADMIN), actor=HOST)

    with world.begin(write=False) as uow:
        [campaign] = list_campaigns(uow)
        assert get_campaign(uow, plan.id) == campaign
        assert count_on_shared_password(uow) == 1
    assert (campaign.planned, campaign.reset, campaign.skipped) == (2, 2, 0)
    assert campaign.on_shared_password == 1
    assert campaign.reason == "new company"


def test_links_and_forced_changes_share_no_password(world: World) -> None:
    world.add_user("ada")
    run_reset(world, "link")
    run_reset(world, "require_change")

    with world.begin(write=False) as uow:
        assert count_on_shared_password(uow) == 0
        assert len(list_campaigns(uow)) == 2


def test_a_plan_that_was_not_applied_is_no_campaign(world: World) -> None:
    plan = plan_reset(world, "link")

    with world.begin(write=False) as uow:
        assert list_campaigns(uow) == []
        with pytest.raises(NotFound):
            get_campaign(uow, plan.id)
