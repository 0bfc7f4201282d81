"""One person, her browser and her apps; what is done to her; what each endpoint then answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from idp.core.roles import AdminRole
from idp.core.users import UserView
from idp.core.work import UnitOfWork
from idp.ids import UserId
from tests.idp.api.desk import Desk
from tests.matrix.outcomes import Endpoint, Outcome
from tests.support.campaigns import run_reset
from tests.support.pages import Visitor, visitor
from tests.support.story import Answer, App, Story
from tests.support.world import PASSWORD, STAFF

NEW = "seven wooden boats at noon"
"""A password that every policy of these tests accepts."""
_REFUSALS = ("no longer valid", "too many tries", "incorrect", "does not answer")


@dataclass(frozen=True)
class Held:
    """What was given before something happened."""

    code: str
    refresh_token: str
    access_token: str
    admin_token: str


@dataclass
class Case:
    """Ada: an auditor with a browser, a web app and the administrators' console."""

    story: Story
    desk: Desk
    ada: UserId
    person: Visitor
    web: App
    robot: App
    resource_server: App
    password: str = PASSWORD
    held: Held | None = None
    resets: list[str] = field(default_factory=list)

    # --- what is done

    def sign_in(self) -> None:
        """Sign ada in, in her own browser, on the realm's page."""
        self.person.sign_in("ada", self.password)
        assert self.person.seen is not None
        assert self.person.seen.status == 200, self.person.seen.text

    def hold(self) -> Held:
        """Sign in and let the apps get everything there is."""
        self.sign_in()
        browser = self.person.browser
        tokens = self.story.tokens(self.web, browser=browser)
        asked = self.story.authorize(self.desk.console, browser=browser, scope="openid admin:read")
        admin = self.story.redeem(self.desk.console, asked.code).json
        code = self.story.authorize(self.web, browser=browser).code
        self.held = Held(
            code, tokens["refresh_token"], tokens["access_token"], admin["access_token"]
        )
        return self.held

    def act(self, use_case: Callable[[UnitOfWork, UserId], UserView | int | bool]) -> None:
        """Do one thing to ada's account as the system."""
        with self.story.world.begin() as uow:
            use_case(uow, self.ada)

    def reset(self, mode: str = "shared", **params: object) -> str:
        """Run a bulk reset that names ada, and return its plan's id; `resets` keeps it."""
        select = {"user_ids": [self.ada]}
        if mode == "shared":
            params.setdefault("password", "shared horse battery")
            self.password = str(params["password"])
        self.resets.append(
            run_reset(self.story.world, mode, realm=STAFF, select=select, **params).id
        )
        return self.resets[-1]

    def change_password(self, person: Visitor) -> None:
        """Change ada's password on the account page of a browser where she is signed in."""
        person.open("/account/password")
        done = self.fill_in(person)
        assert (done.status, done.location.rpartition("/")[2]) == (303, "account")
        self.password = NEW

    def fill_in(self, person: Visitor, new: str = NEW) -> Answer:
        """Fill in the change form that a browser shows."""
        fields = {"new_password": new, "confirm_password": new}
        return person.submit(current_password=self.password, **fields).answer

    # --- what is answered

    def answers(self) -> dict[Endpoint, Outcome]:
        """Ask every endpoint; those that spend something come last."""
        return {endpoint: ask(self) for endpoint, ask in _ASK.items()}

    def given(self) -> Held:
        """Return what was given before."""
        assert self.held is not None
        return self.held


def open_case(story: Story, ada: UserId | None = None) -> Case:
    """Return ada and her apps; there is another owner, so that she can be locked.

    Args:
        ada: who she is, if she is there already.
    """
    desk = Desk(story)
    desk.administrator("olga")
    ada = ada or desk.administrator("ada", AdminRole.AUDITOR)
    return Case(
        story=story,
        desk=desk,
        ada=ada,
        person=visitor(story),
        web=story.app(),
        robot=story.app("robot", application_type="service", scopes=("admin:read",)),
        resource_server=story.app("rs", application_type="service", may_introspect=True),
    )


def _ask_userinfo(case: Case) -> Outcome:
    answer = case.story.userinfo(case.given().access_token)
    return Outcome(status=answer.status, error=answer.error)


def _ask_introspection(case: Case) -> Outcome:
    answer = case.story.introspect(case.resource_server, case.given().access_token)
    return Outcome(status=answer.status, is_active=answer.json["active"])


def _ask_admin(case: Case) -> Outcome:
    reply = case.desk.get("/realms/staff/users", case.given().admin_token)
    return Outcome(status=reply.status, error=reply.json.get("code"))


def _ask_account(case: Case) -> Outcome:
    seen = case.person.open("/account")
    return Outcome(status=seen.status, leads_to=case.person.go_on().page)


def _ask_authorize(case: Case, **params: str) -> Outcome:
    answer = case.story.authorize(case.web, browser=case.person.browser, **params)
    if answer.location.startswith(case.web.redirect_uri):
        returned = answer.returned
        assert ("code" in returned) == ("error" not in returned)
        assert returned["state"] == "xyz"
        return Outcome(status=answer.status, leads_to="app", error=returned.get("error"))
    seen = case.person.open(answer.location)
    assert seen.status == 200
    return Outcome(status=answer.status, leads_to=seen.page)


def _ask_silently(case: Case) -> Outcome:
    return _ask_authorize(case, prompt="none")


def _ask_sign_in(case: Case) -> Outcome:
    person = visitor(case.story)
    person.open("/sign-in")
    seen = person.submit(username="ada", password=case.password)
    if seen.status == 303:
        return Outcome(status=303, leads_to=person.go_on().page)
    error = next((words for words in _REFUSALS if words in seen.text), seen.text)
    return Outcome(status=seen.status, leads_to=seen.page, error=error)


def _ask_for_code(case: Case) -> Outcome:
    return _granted(case, case.story.redeem(case.web, case.given().code))


def _ask_to_refresh(case: Case) -> Outcome:
    return _granted(case, case.story.refresh(case.web, case.given().refresh_token))


def _ask_as_client(case: Case) -> Outcome:
    return _granted(case, case.story.token(case.robot, grant_type="client_credentials"))


def _granted(case: Case, answer: Answer) -> Outcome:
    members = answer.json
    assert ("access_token" in members) == (answer.status == 200)
    action = members.get("idp_action_uri")
    if action is not None:
        seen = visitor(case.story).open(action)
        assert (seen.status, seen.page) == (200, "change-password")
    return Outcome(
        status=answer.status,
        error=answer.error,
        reason=members.get("idp_reason"),
        has_action=action is not None,
    )


_ASK: Mapping[Endpoint, Callable[[Case], Outcome]] = {
    Endpoint.USERINFO: _ask_userinfo,
    Endpoint.INTROSPECTION: _ask_introspection,
    Endpoint.ADMIN: _ask_admin,
    Endpoint.CLIENT: _ask_as_client,
    Endpoint.ACCOUNT: _ask_account,
    Endpoint.SILENT: _ask_silently,
    Endpoint.AUTHORIZE: _ask_authorize,
    Endpoint.REFRESH: _ask_to_refresh,
    Endpoint.CODE: _ask_for_code,
    Endpoint.SIGN_IN: _ask_sign_in,
}
