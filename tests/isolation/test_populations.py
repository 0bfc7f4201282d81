"""Two populations side by side: what happens to one does not touch the other (I-02, I-03, I-08)."""

from collections.abc import Callable, Mapping

import pytest

from idp.core.keys import rotate_keys
from idp.core.users import deactivate_user, end_sessions, lock_user, require_change
from idp.core.work import SYSTEM
from idp.ids import RealmName
from tests.isolation.population import GOODBYE, Population, both
from tests.support.campaigns import run_reset
from tests.support.pages import Visitor, visitor
from tests.support.story import Story
from tests.support.world import PASSWORD, PORTAL, STAFF

STRICTER = {"enforcement": "everyone", "rules": {"length": {"min": 40, "max": 256}}}


def test_one_browser_is_signed_in_to_both_and_out_of_one(story: Story) -> None:
    staff, portal = both(story)
    browser = story.new_browser()
    at = {
        population.realm: Visitor(story, browser, population.realm)
        for population in (staff, portal)
    }
    for visit in at.values():
        assert visit.sign_in("ada", PASSWORD).page == "account"
    names = {f"__Host-idp-{realm}-session" for realm in at}
    assert all(browser.get_cookie(name) for name in names)
    assert at[STAFF].cookie("session") != at[PORTAL].cookie("session")

    at[PORTAL].open("/logout")
    at[PORTAL].submit()

    assert at[PORTAL].open("/account").location.endswith("/portal/sign-in")
    assert at[STAFF].open("/account").status == 200
    browser.delete_cookie("__Host-idp-staff-session")
    assert at[STAFF].open("/account").location.endswith("/staff/sign-in")


def _lock(population: Population) -> None:
    with population.story.world.begin(population.realm) as uow:
        lock_user(uow, population.ada)


def _deactivate(population: Population) -> None:
    with population.story.world.begin(population.realm) as uow:
        deactivate_user(uow, population.ada)


def _end_sessions(population: Population) -> None:
    with population.story.world.begin(population.realm) as uow:
        end_sessions(uow, population.ada)


def _require_change(population: Population) -> None:
    with population.story.world.begin(population.realm) as uow:
        require_change(uow, population.ada)


def _publish(population: Population) -> None:
    population.story.world.publish_policy(STRICTER, realm=population.realm)


def _reset(population: Population) -> None:
    run_reset(population.story.world, realm=population.realm, password="shared horse battery")


def _throttle(population: Population) -> None:
    stranger = visitor(population.story, realm=population.realm)
    stranger.open("/sign-in")
    for _ in range(11):
        stranger.submit(username="ada", password="a guess")


def _rotate_keys(population: Population) -> None:
    rotate_keys(population.story.world.runtime, population.realm, actor=SYSTEM)


def _log_out(population: Population) -> None:
    hint = population.tokens()["id_token"]
    query = f"id_token_hint={hint}&post_logout_redirect_uri={GOODBYE}"
    assert population.person.open(f"/logout?{query}").location == GOODBYE


ACTS: Mapping[str, Callable[[Population], None]] = {
    "lock": _lock,
    "deactivate": _deactivate,
    "end sessions": _end_sessions,
    "require change": _require_change,
    "stricter policy": _publish,
    "bulk reset": _reset,
    "wrong passwords": _throttle,
    "key rotation": _rotate_keys,
    "sign-out": _log_out,
}


@pytest.mark.parametrize("hit", [STAFF, PORTAL])
@pytest.mark.parametrize("act", ACTS)
def test_the_other_population_notices_nothing(story: Story, act: str, hit: RealmName) -> None:
    populations = {population.realm: population for population in both(story)}
    struck, bystander = populations.pop(hit), next(iter(populations.values()))
    tokens = bystander.tokens()
    jwks = story.get("/jwks", realm=bystander.realm).json
    user = story.world.user(bystander.ada, realm=bystander.realm)
    events = len(story.event_codes(realm=bystander.realm))
    struck_events = len(story.event_codes(realm=struck.realm))

    ACTS[act](struck)

    if act != "stricter policy":  # the way of the tests, which tells nobody
        assert len(story.event_codes(realm=struck.realm)) > struck_events
    assert len(story.event_codes(realm=bystander.realm)) == events
    assert story.get("/jwks", realm=bystander.realm).json == jwks
    after = story.world.user(bystander.ada, realm=bystander.realm)
    assert (after.epoch, after.credential_generation, after.locked_at) == (
        user.epoch,
        user.credential_generation,
        None,
    )
    assert bystander.person.open("/account").status == 200
    assert story.userinfo(tokens["access_token"], realm=bystander.realm).status == 200
    assert story.refresh(bystander.web, tokens["refresh_token"]).status == 200
    again = visitor(story, realm=bystander.realm)
    assert again.sign_in("ada", PASSWORD).page == "account"
