"""Staff and portal: nothing that one gives is taken by the other (I-01, I-02, I-03, I-06)."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.core.jobs import get_job
from idp.core.jose import Signer
from idp.core.key_ring import current_ring
from idp.core.links import issue_setup_link
from idp.core.plans import get_plan, list_plan_targets
from idp.core.policy_targets import list_policy_targets
from idp.core.users import get_user, lock_user, require_change, set_user_password
from idp.core.work import HOST, UnitOfWork
from idp.errors import NotFound
from idp.ids import RealmName
from tests.idp.api.desk import Desk
from tests.isolation.crossings import THINGS, Thing
from tests.isolation.population import both
from tests.support.campaigns import run_reset
from tests.support.pages import visitor
from tests.support.story import Story
from tests.support.world import PORTAL, STAFF


@pytest.mark.parametrize("direction", ["staff-to-portal", "portal-to-staff"])
@pytest.mark.parametrize("thing", THINGS, ids=[thing.name for thing in THINGS])
def test_what_one_realm_gives_the_other_does_not_take(
    story: Story, thing: Thing, direction: str
) -> None:
    staff, portal = both(story)
    home, abroad = (staff, portal) if direction == "staff-to-portal" else (portal, staff)
    given = thing.give(home)

    assert not thing.takes(abroad, given)
    assert thing.takes(home, given)


def test_a_setup_link_opens_staff_only(story: Story) -> None:
    with story.world.begin() as uow:
        link = issue_setup_link(uow)

    assert visitor(story, realm=PORTAL).open(f"/setup/{link}").status == 400
    assert visitor(story).open(f"/setup/{link}").status == 200


def test_keys_and_their_names_are_disjoint(story: Story) -> None:
    sets = [story.get("/jwks", realm=realm).json["keys"] for realm in (STAFF, PORTAL)]
    for name in ("kid", "n", "x"):
        ours, theirs = ({key[name] for key in keys if name in key} for keys in sets)
        assert ours
        assert theirs
        assert not ours & theirs


@pytest.mark.parametrize("kid_of", [STAFF, PORTAL])
@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_a_realm_cannot_sign_for_the_other(story: Story, kind: str, kid_of: str) -> None:
    staff, _ = both(story)
    token = staff.tokens()[kind]
    original = story.decoded(token)
    with story.world.begin(PORTAL, write=False) as uow:
        signer = current_ring(uow).signer(original.header["alg"], uow.now)
    kid = original.header["kid"] if kid_of == STAFF else signer.kid
    typ = original.header["typ"]

    forged = Signer(kid, signer.alg, signer.key).sign(original.claims, typ=typ)

    assert story.userinfo(forged).status == 401
    assert story.introspect(staff.resource_server, forged).json == {"active": False}
    refused = story.get(f"/logout?id_token_hint={forged}", browser=staff.person.browser)
    assert refused.status == 200, "asks, for nobody vouches"
    assert staff.person.open("/account").status == 200


def test_the_portal_reaches_no_administration(story: Story) -> None:
    desk = Desk(story)
    desk.owner()
    _, portal = both(story)
    token = portal.tokens()["access_token"]

    for path in ("/realms/staff/users", "/realms/portal/users", "/audit"):
        assert desk.get(path, token).status == 401
    with story.world.begin(PORTAL, write=False) as uow:
        signer = current_ring(uow).signer("ES256", uow.now)
    claims = story.claims(desk.owner())
    assert desk.get("/realms/staff/users", signer.sign(claims, typ="at+jwt")).status == 401


Act = Callable[[UnitOfWork, Any], object]
ON_USERS: tuple[Act, ...] = (get_user, lock_user, require_change)
ON_PLANS: tuple[Act, ...] = (get_plan, list_plan_targets, list_policy_targets)


@pytest.mark.parametrize(("home", "abroad"), [(STAFF, PORTAL), (PORTAL, STAFF)])
def test_the_ids_of_one_realm_are_unknown_in_the_other(
    story: Story, home: RealmName, abroad: RealmName
) -> None:
    user_id = story.person("ada", realm=home)
    plan = run_reset(story.world, realm=home, password="shared horse battery")
    before = story.world.user(user_id, realm=home).epoch

    cases: list[tuple[Act, str | None]] = [(act, user_id) for act in ON_USERS]
    cases += [(act, plan.id) for act in ON_PLANS]
    cases += [(get_job, plan.job_id)]
    for act, key in cases:
        with pytest.raises(NotFound), story.world.begin(abroad) as uow:
            act(uow, key)
    with pytest.raises(NotFound):
        set_user_password(story.world.runtime, abroad, user_id, "a new password", actor=HOST)

    assert story.world.user(user_id, realm=home).epoch == before
