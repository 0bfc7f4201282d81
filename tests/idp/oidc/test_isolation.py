"""Staff and portal: nothing that one gave is good at the other."""

from typing import Any

import pytest

from idp.core.jose import Signer
from idp.core.key_ring import current_ring
from tests.support.story import App, Story
from tests.support.world import PORTAL, STAFF

PORTAL_CALLBACK = "https://portal.example/cb"


def both(story: Story) -> tuple[App, App, dict[str, Any], dict[str, Any]]:
    """Return an app and its tokens in each realm, for people of the same name."""
    web = story.app()
    pweb = story.app("pweb", realm=PORTAL, redirect_uris=(PORTAL_CALLBACK,))
    story.person("ada", realm=STAFF)
    story.sign_in("ada")
    staff = story.tokens(web, scope="openid email")
    story.person("ada", realm=PORTAL)
    story.sign_in("ada", realm=PORTAL)
    return web, pweb, staff, story.tokens(pweb, scope="openid email")


def test_tokens_of_one_realm_are_worthless_at_the_other(story: Story) -> None:
    web, pweb, staff, portal = both(story)
    rs = story.app("rs", application_type="service", may_introspect=True)
    prs = story.app("prs", realm=PORTAL, application_type="service", may_introspect=True)

    assert story.userinfo(staff["access_token"], realm=PORTAL).status == 401
    assert story.userinfo(portal["access_token"], realm=STAFF).status == 401
    assert story.introspect(rs, portal["access_token"]).json == {"active": False}
    assert story.introspect(prs, staff["refresh_token"]).json == {"active": False}
    assert story.refresh(web, portal["refresh_token"]).error == "invalid_grant"
    assert story.refresh(pweb, staff["refresh_token"]).error == "invalid_grant"
    assert story.revoke(pweb, staff["refresh_token"]).status == 200
    assert story.userinfo(staff["access_token"]).status == 200
    assert story.refresh(web, staff["refresh_token"]).status == 200
    assert story.refresh(pweb, portal["refresh_token"]).status == 200


def test_cookies_have_other_names_and_do_not_cross(story: Story) -> None:
    web, pweb, _, _ = both(story)
    staff_cookie = story.browser.get_cookie("__Host-idp-staff-session")
    portal_cookie = story.browser.get_cookie("__Host-idp-portal-session")
    assert staff_cookie is not None
    assert portal_cookie is not None
    swapped = story.new_browser()
    swapped.set_cookie("__Host-idp-staff-session", portal_cookie.value)
    swapped.set_cookie("__Host-idp-portal-session", staff_cookie.value)

    for app in (web, pweb):
        answer = story.authorize(app, browser=swapped, prompt="none")
        assert answer.returned["error"] == "login_required"


def test_the_same_person_in_both_realms_is_two_people(story: Story) -> None:
    _, _, staff, portal = both(story)

    ours = story.claims(staff["id_token"])
    theirs = story.claims(portal["id_token"], realm=PORTAL)

    assert ours["sub"] != theirs["sub"]
    assert ours["iss"] != theirs["iss"]


@pytest.mark.parametrize("kid_of", [STAFF, PORTAL])
def test_one_realms_key_cannot_speak_for_the_other(story: Story, kid_of: str) -> None:
    _, _, staff, _ = both(story)
    claims = story.claims(staff["access_token"])
    with story.world.begin(PORTAL, write=False) as uow:
        signer = current_ring(uow).signer("ES256", uow.now)
    forged = signer.sign(claims, typ="at+jwt")
    if kid_of == STAFF:
        kid = story.decoded(staff["access_token"]).header["kid"]
        forged = Signer(kid, "ES256", signer.key).sign(claims, typ="at+jwt")

    assert story.userinfo(forged).status == 401


def test_clients_are_known_in_their_realm_only(story: Story) -> None:
    web, pweb, _, _ = both(story)

    assert story.token(web, realm=PORTAL, grant_type="client_credentials").status == 401
    assert story.token(pweb, realm=STAFF, grant_type="client_credentials").status == 401


def test_what_happens_in_one_realm_is_not_told_in_the_other(story: Story) -> None:
    story.app("only-staff")

    assert "client.created" in story.event_codes(realm=STAFF)
    assert story.event_codes(realm=PORTAL) == ["key.rotated"]
