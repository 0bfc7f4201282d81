"""The first administrator takes over a new installation."""

import pytest

from idp.core.links import issue_setup_link
from idp.core.roles import has_owner
from tests.support.pages import Seen, Visitor, visitor
from tests.support.story import Story
from tests.support.world import PORTAL

CHOSEN = {"username": "root", "email": "root@example.com"}
NEW = "a good long password"


@pytest.fixture
def link(story: Story) -> str:
    """Give the path of a fresh set-up link."""
    with story.world.begin() as uow:
        return f"/setup/{issue_setup_link(uow)}"


def fill_in(person: Visitor, **other: str) -> Seen:
    """Fill in the form."""
    fields = {**CHOSEN, "new_password": NEW, "confirm_password": NEW}
    return person.submit(**{**fields, **other})


def owners(story: Story) -> bool:
    """Tell whether there is an owner."""
    with story.world.begin(write=False) as uow:
        return has_owner(uow)


def test_the_link_makes_the_first_owner(story: Story, person: Visitor, link: str) -> None:
    shown = person.open(link)
    done = fill_in(person)

    assert (shown.status, shown.page) == (200, "account")
    assert shown.forms[0].asked == {*CHOSEN, "new_password", "confirm_password"}
    assert (done.status, done.page) == (200, "account")
    assert "root is the owner" in done.text
    account = person.sign_in("root", NEW)
    assert account.page == "account"
    assert owners(story)
    assert {"admin.granted", "admin.setup_completed"} <= set(story.event_codes())


def test_nothing_is_asked_about_a_password_that_nobody_has_yet(person: Visitor, link: str) -> None:
    page = person.open(link)

    assert "At least 8 characters" in page.text
    assert "the password you have now" not in page.text


def test_the_link_works_once(story: Story, person: Visitor, link: str) -> None:
    late = visitor(story)
    late.open(link)
    person.open(link)
    fill_in(person)

    refused = fill_in(late, username="other")
    reopened = visitor(story).open(link)

    assert (refused.status, reopened.status) == (400, 400)
    assert "no longer works" in refused.text
    assert late.sign_in("other", NEW).status == 401


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"new_password": "short", "confirm_password": "short"}, 422, "at least 8 characters"),
        ({"confirm_password": "something else"}, 422, "not the same"),
        ({"new_password": "x" * 5000, "confirm_password": "x" * 5000}, 413, "far longer"),
        ({"email": ""}, 422, "email address is missing"),
        ({"email": "root"}, 422, "email address is not an e-mail address"),
        ({"username": ""}, 422, "user name is missing"),
        ({"username": "ro\u200bot"}, 422, "user name"),
        ({"username": "taken"}, 409, "taken already"),
    ],
    ids=["short", "unlike", "huge", "no email", "odd email", "no name", "odd name", "taken"],
)
def test_what_is_wrong_is_said_and_the_link_stays_good(
    story: Story, person: Visitor, link: str, fields: dict[str, str], status: int, said: str
) -> None:
    story.person("taken")
    person.open(link)
    refused = fill_in(person, **fields)

    assert (refused.status, refused.page) == (status, "account")
    assert said in refused.text
    assert not owners(story)
    assert fill_in(person, **CHOSEN).status == 200


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00"])
def test_a_guessed_link_opens_nothing(person: Visitor, token: str) -> None:
    assert person.open(f"/setup/{token}").status == 400


def test_a_link_is_over_after_a_day_and_is_none_of_the_portals(
    story: Story, person: Visitor, link: str
) -> None:
    portal = visitor(story, realm=PORTAL)
    assert portal.open(link).status == 400
    story.world.advance(hours=24, seconds=1)
    assert person.open(link).status == 400


def test_the_page_tells_nobody_its_address(person: Visitor, link: str) -> None:
    shown = person.open(link)
    token = link.rpartition("/")[2]

    assert shown.answer.response.headers["Referrer-Policy"] == "no-referrer"
    assert token not in shown.text
