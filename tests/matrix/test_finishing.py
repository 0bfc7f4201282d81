"""Finishing the change lands the person in the same request, with nothing asked twice (F-01)."""

from urllib.parse import urlencode

import pytest

from tests.matrix.case import NEW, Case
from tests.matrix.outcomes import KEPT_OUT_TO_CHANGE, MATRIX, MUST_CHANGE, SIGNED_IN_TO_CHANGE
from tests.matrix.states import bring_about, raise_policy
from tests.support.pages import Visitor, visitor
from tests.support.story import CALLBACK, Answer
from tests.support.world import STAFF

OVER = "temporary_over"
"""Here only a reset by e-mail helps; see the last test."""
SIGNED_IN = [s.name for s in MATRIX if s.browser == MUST_CHANGE and s.name != OVER]
AT_SIGN_IN = [
    s.name for s in MATRIX if s.sign_in == SIGNED_IN_TO_CHANGE and s.browser != KEPT_OUT_TO_CHANGE
]


def ask(case: Case, person: Visitor, **params: str) -> None:
    """Send a browser to authorize, and open the screen that it is sent to."""
    asked = case.story.authorize(
        case.web, browser=person.browser, state="s 7+&=é", nonce="n-7", **params
    )
    person.open(asked.location)


def lands(case: Case, person: Visitor) -> Answer:
    """Check that the browser is led to the app without another screen; return the answer."""
    answer = person.go_on().answer
    assert answer.location.startswith(CALLBACK + "?"), person.seen
    assert answer.returned["state"] == "s 7+&=é"
    assert "error" not in answer.returned
    tokens = case.story.redeem(case.web, answer.code)
    assert tokens.status == 200
    assert case.story.claims(tokens.json["id_token"])["nonce"] == "n-7"
    assert case.story.refresh(case.web, tokens.json["refresh_token"]).status == 200
    again = case.story.authorize(case.web, browser=person.browser, prompt="none")
    assert "code" in again.returned
    return answer


@pytest.mark.parametrize("state", SIGNED_IN)
def test_the_change_leads_back_to_the_request(case: Case, state: str) -> None:
    bring_about(case, state)
    ask(case, case.person)

    refused = case.fill_in(case.person, new="short")
    assert refused.status == 422
    case.fill_in(case.person)

    lands(case, case.person)


@pytest.mark.parametrize("state", AT_SIGN_IN)
def test_so_does_the_change_right_after_signing_in(case: Case, state: str) -> None:
    bring_about(case, state)
    person = visitor(case.story)
    ask(case, person)

    person.submit(username="ada", password=case.password)
    assert person.go_on().page == "change-password"
    case.fill_in(person)

    lands(case, person)


@pytest.mark.parametrize("params", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "consent"}])
def test_nothing_is_asked_twice(case: Case, params: dict[str, str]) -> None:
    case.web = case.story.app("asks", consent_required="consent" in params.values())
    case.sign_in()
    raise_policy(case, "everyone")
    case.story.world.advance(seconds=1)
    ask(case, case.person, **params)
    pages = []

    while case.person.seen and case.person.seen.status == 200:
        pages.append(case.person.seen.page)
        match pages[-1]:
            case "sign-in":
                case.person.submit(username="ada", password=case.password)
            case "change-password":
                case.fill_in(case.person)
                case.password = NEW
            case _:
                case.person.submit(decision="allow")
        case.person.go_on()

    assert (
        pages
        == {
            "login": ["sign-in", "change-password"],
            "0": ["sign-in", "change-password"],
            "consent": ["change-password", "consent"],
        }[next(iter(params.values()))]
    )
    assert case.person.seen is not None
    assert "code" in case.person.seen.answer.returned


def test_the_browser_carries_nothing_of_the_request(case: Case) -> None:
    bring_about(case, "must_change")
    ask(case, case.person)
    assert case.person.seen is not None
    form = case.person.seen.forms[0]
    other = {"client_id": "robot", "redirect_uri": "https://evil.example/", "state": "other"}
    form.action += "?" + urlencode(other)

    case.person.submit(
        current_password=case.password, new_password=NEW, confirm_password=NEW, **other
    )

    lands(case, case.person)


def test_after_a_temporary_password_only_a_reset_by_mail_helps(case: Case) -> None:
    bring_about(case, OVER)
    ask(case, case.person)

    refused = case.fill_in(case.person)

    assert refused.status == 401
    assert "no longer valid" in refused.text
    assert "password.changed" not in case.story.event_codes(realm=STAFF)
