"""What no form should be: it is refused with a page that says so, and nothing happens."""

import pytest

from tests.support.pages import Seen, Visitor
from tests.support.story import Story
from tests.support.world import PASSWORD, PUBLIC_URL

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ada(story: Story, person: Visitor) -> Visitor:
    """Give the browser of somebody who has an account, with the sign-in page open."""
    story.person("ada")
    person.open("/sign-in")
    return person


def send(person: Visitor, body: bytes, media_type: str = FORM) -> Seen:
    """Send a body as the sign-in form's, with its token before it."""
    assert person.seen is not None
    token = person.seen.forms[0].carried["csrf_token"]
    return person.send(
        "POST", "/sign-in", data=f"csrf_token={token}&".encode() + body, content_type=media_type
    )


@pytest.mark.parametrize(
    "body",
    [
        b"username=ada&password=%FF",
        b"username=ada&password=%C3%28",
        b"username=ada&password=\xff\xfe",
        b"username=%ED%A0%80&password=x",
        b"username=ada&password=a%00b",
        b"username=ada&username=bob&password=x",
        b"username=ada&password=x&csrf_token=y",
        b"&".join(b"f%d=1" % number for number in range(200)),
    ],
    ids=["lone byte", "bad pair", "raw bytes", "surrogate", "NUL", "twice", "two tokens", "many"],
)
def test_a_malformed_form_is_refused(story: Story, ada: Visitor, body: bytes) -> None:
    seen = send(ada, body)

    assert (seen.status, seen.page) == (400, "error")
    assert "user.sign_in_refused" not in story.event_codes()


@pytest.mark.parametrize(
    "media_type", ["application/json", "multipart/form-data", "text/plain", ""]
)
def test_what_is_no_form_is_refused(ada: Visitor, media_type: str) -> None:
    seen = send(ada, b"username=ada&password=x", media_type)

    assert (seen.status, seen.page) == (415, "error")


@pytest.mark.parametrize("size", [64 * 1024, 1024 * 1024])
def test_an_oversized_form_is_refused(story: Story, ada: Visitor, size: int) -> None:
    seen = send(ada, b"username=ada&password=" + b"x" * size)

    assert (seen.status, seen.page) == (413, "error")
    assert "user.sign_in_refused" not in story.event_codes()


def test_a_password_in_any_script_arrives_whole(story: Story, ada: Visitor) -> None:
    new = "  pūkeko 🐧 + & = % ; 密码  "
    ada.submit(username="ada", password=PASSWORD)
    ada.open("/account/password")
    ada.submit(current_password=PASSWORD, new_password=new, confirm_password=new)

    assert ada.sign_in("ada", new).page == "account"
    assert ada.sign_in("ada", new.strip()).status == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused(ada: Visitor, method: str) -> None:
    seen = ada.send(method, "/sign-in")

    assert seen.status == 405
    assert set(seen.answer.response.headers["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


def test_a_long_query_is_refused(ada: Visitor) -> None:
    assert ada.open("/sign-in?" + "q" * 20_000).status == 400


def test_programs_get_a_short_answer_and_people_a_page(ada: Visitor) -> None:
    for accept, is_page in (
        ("*/*", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("application/json", False),
        ("application/json, text/html;q=0.5", False),
    ):
        seen = ada.send("GET", "/sign-in?" + "q" * 20_000, headers={"Accept": accept})
        assert seen.answer.response.mimetype == ("text/html" if is_page else "application/json")
        assert is_page or seen.answer.json["error"] == "http"


def test_two_hosts_are_refused(ada: Visitor) -> None:
    seen = ada.send("GET", "/sign-in", headers={"Host": "localhost:8080, evil.example"})

    assert seen.status in {400, 421}
    assert PUBLIC_URL not in seen.answer.text
