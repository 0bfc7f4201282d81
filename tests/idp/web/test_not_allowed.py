"""An app that is for others only, as the person sees it who tries to open it."""

import pytest

from idp.core.decision_records import list_decisions, replay
from idp.core.decision_telling import tell_decisions
from idp.core.gate import Reason
from idp.core.groups import create_group, update_group
from tests.support.pages import Visitor
from tests.support.story import App, Story
from tests.support.world import PASSWORD


@pytest.fixture
def app(story: Story) -> App:
    """Give an app for the office; bob is in it, ada is not."""
    story.person("ada")
    story.person("bob")
    with story.world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "Office", add=[story.people["bob"]])
    return story.app(client_name="Payroll", allowed_groups=("Office",))


@pytest.fixture
def told(story: Story, app: App, person: Visitor) -> Visitor:
    """Give ada, who signed in to open the app."""
    person.open(story.authorize(app, browser=person.browser).location)
    person.submit(username="ada", password=PASSWORD)
    person.go_on()
    return person


def join(story: Story) -> None:
    with story.world.begin() as uow:
        update_group(uow, "Office", add=[story.people["ada"]])


def test_the_page_says_which_app_and_who(told: Visitor) -> None:
    seen = told.seen
    assert seen is not None

    assert (seen.status, seen.page) == (200, "error")
    assert "Payroll is for members of certain groups, and your account ada is in none" in seen.text
    assert "Office" not in seen.text


def test_the_way_back_tells_the_app(story: Story, told: Visitor) -> None:
    told.submit()
    answer = told.go_on().answer

    assert answer.returned["error"] == "access_denied"
    assert answer.returned["state"] == "xyz"
    assert "code.issued" not in story.event_codes()
    assert "consent.denied" not in story.event_codes()


def test_somebody_else_can_sign_in_instead(told: Visitor) -> None:
    page = told.seen
    assert page is not None
    told.open(page.forms[0].action.replace("/not-allowed", "/sign-in"))
    told.submit(username="bob", password=PASSWORD)

    assert told.go_on().answer.code


def test_who_joins_meanwhile_goes_on(story: Story, told: Visitor) -> None:
    join(story)
    page = told.seen
    assert page is not None

    told.open(page.forms[0].action)
    assert told.go_on().answer.code


def test_who_joins_meanwhile_is_not_turned_away(story: Story, told: Visitor) -> None:
    join(story)
    told.submit()

    assert told.go_on().answer.code


def test_a_fresh_sign_in_is_asked_for_before(story: Story, app: App, told: Visitor) -> None:
    again = story.authorize(app, browser=told.browser, prompt="login")

    assert told.open(again.location).page == "sign-in"


def test_only_who_is_kept_out_sees_the_page(story: Story, app: App, person: Visitor) -> None:
    asked = story.authorize(app, browser=person.browser, prompt="login").location
    page = asked.replace("/sign-in", "/not-allowed")

    assert person.open(page).status == 303
    assert person.go_on().page == "sign-in"
    person.submit(username="bob", password=PASSWORD)
    assert person.open(page).status == 303
    assert person.go_on().answer.code


def test_without_a_screen_the_app_is_told_at_once(story: Story, app: App, told: Visitor) -> None:
    silent = story.authorize(app, browser=told.browser, prompt="none")

    assert silent.returned["error"] == "access_denied"


def test_the_refusal_is_on_record_and_told(story: Story, app: App, told: Visitor) -> None:
    with story.world.begin() as uow:
        (decision,) = list_decisions(uow, story.people["ada"])
        replayed = replay(uow, decision)
        (past,) = tell_decisions(uow, story.people["ada"])

    assert decision.answer.reason is Reason.APP_NOT_ALLOWED
    assert decision.client_id == app.client_id
    assert replayed == decision.answer
    because = "because the app is for members of groups that you are not in"
    assert past.text == f"Payroll did not let you in, {because}."


def test_who_is_kept_out_allows_nothing(story: Story, person: Visitor) -> None:
    story.person("ada")
    story.app("wages", consent_required=True, allowed_groups=())
    person.sign_in("ada", PASSWORD)
    person.open(story.authorize(story.apps["wages"], browser=person.browser).location)
    page = person.seen
    assert page is not None
    page.forms[0].action = page.forms[0].action.replace("/not-allowed", "/consent")

    assert person.open(page.forms[0].action).status == 303
    person.seen = page
    person.submit(decision="allow")
    assert person.go_on().page == "error"
    assert "consent.granted" not in story.event_codes()


def test_each_app_has_groups_of_its_own(story: Story) -> None:
    story.person("ada")
    with story.world.begin() as uow:
        for name in ("Office", "Field"):
            create_group(uow, name)
        update_group(uow, "Field", add=[story.people["ada"]])
    payroll = story.app("payroll", allowed_groups=("Office",))
    rota = story.app("rota", allowed_groups=("Field",))
    resource_server = story.app("rs", application_type="service", may_introspect=True)
    story.sign_in("ada")

    silent = {
        app.client_id: story.authorize(app, prompt="none").returned for app in (rota, payroll)
    }
    assert "code" in silent["rota"]
    assert silent["payroll"]["error"] == "access_denied"

    with story.world.begin() as uow:
        update_group(uow, "Office", add=[story.people["ada"]])
    tokens = story.tokens(payroll)
    with story.world.begin() as uow:
        update_group(uow, "Office", remove=[story.people["ada"]])
    refused = story.refresh(payroll, tokens["refresh_token"])
    assert refused.json["idp_reason"] == "app_not_allowed"
    for name in ("refresh_token", "access_token"):
        assert not story.introspect(resource_server, tokens[name]).json["active"]
