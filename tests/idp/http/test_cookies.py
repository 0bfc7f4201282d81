"""L-03: every cookie of every flow is a strong one."""

import re

import pytest

from tests.idp.web.test_recovery_pages import choose, link_of
from tests.support.pages import Visitor, visitor
from tests.support.story import Story
from tests.support.world import PASSWORD, PORTAL, STAFF

_STRONG = re.compile(
    r"__Host-idp-(?P<realm>staff|portal)-(?P<purpose>session|browser|device|link)="
    r"(?P<value>[A-Za-z0-9_-]{43}|);"
    r"(?P<rest>( Expires=[^;]+;)?( Max-Age=\d+;)? Secure; HttpOnly; Path=/; SameSite=Lax)"
)


class Recorder(Visitor):
    """A person whose browser keeps a list of the cookies it was given."""

    def note(self) -> list[str]:
        """Return the cookies of the last answer."""
        assert self.seen is not None
        response = self.seen.answer.response
        cookies = response.headers.getlist("Set-Cookie")
        if cookies:
            assert "Cookie" in response.headers["Vary"]
        return cookies


@pytest.mark.parametrize("realm", [STAFF, PORTAL])
def test_every_cookie_is_strong_and_of_its_own_realm(story: Story, realm: str) -> None:
    person = Recorder(story, story.new_browser(), realm)  # type: ignore[arg-type]
    story.person("ada", realm=person.realm)
    set_cookies: list[str] = []

    person.open("/sign-in")
    set_cookies += person.note()
    person.submit(username="ada", password=PASSWORD)
    set_cookies += person.note()
    person.open("/account/password")
    person.submit(current_password=PASSWORD, new_password="n" * 20, confirm_password="n" * 20)
    set_cookies += person.note()
    person.open("/account/security")
    person.submit(0)
    set_cookies += person.note()
    person.open("/logout")
    person.submit()
    set_cookies += person.note()
    found = [_STRONG.fullmatch(cookie) for cookie in set_cookies]

    assert all(found), set_cookies
    assert {match["realm"] for match in found if match} == {realm}
    assert {match["purpose"] for match in found if match} == {"session", "browser", "device"}


def test_the_cookie_of_a_link_is_strong_and_short(story: Story, person: Visitor) -> None:
    story.person("ada")
    person.open("/forgot-password")
    person.submit(email="ada@example.com")
    recorder = Recorder(story, person.browser)
    recorder.open(link_of(story))
    (given,) = recorder.note()
    recorder.go_on()
    choose(recorder)
    (taken,) = recorder.note()

    for cookie in (given, taken):
        match = _STRONG.fullmatch(cookie)
        assert match is not None
        assert match["purpose"] == "link"
    assert "Max-Age=1800" in given
    assert "Max-Age=0" in taken


@pytest.mark.parametrize(
    "value", ["", "x", "a" * 42, "a" * 44, "é" * 43, "a" * 42 + ";", "a" * 5000]
)
def test_a_malformed_cookie_is_none(story: Story, value: str) -> None:
    for purpose in ("session", "browser", "device", "link"):
        person = visitor(story)
        header = {"Cookie": f"__Host-idp-staff-{purpose}={value}".encode().decode("latin-1")}
        seen = person.send("GET", "/account", headers=header)
        assert seen.location.endswith("/sign-in")


def test_a_cookie_of_one_realm_means_nothing_in_the_other(story: Story, person: Visitor) -> None:
    story.person("ada")
    person.sign_in("ada", PASSWORD)
    session = person.cookie("session")
    assert session is not None
    portal = visitor(story, realm=PORTAL)
    portal.set_cookie("session", session)

    assert portal.open("/account").location.endswith("/portal/sign-in")
