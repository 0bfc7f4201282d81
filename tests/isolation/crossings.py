"""Everything that a realm gives out, and where it is shown: the matrix of the realms as data.

Each entry makes a thing in one realm and tells whether a realm takes it. Asking a realm that does
not take it must leave it as it was, so that its own realm still takes it afterwards.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from idp.core.accounts import find_by_login
from idp.core.devices import is_known_device
from idp.core.links import issue_not_me_link
from idp.core.recovery_requests import issue_recovery_link
from idp.core.reset_links import MailToSend
from idp.http.csrf import FIELD
from idp.ids import RawToken, RealmName
from idp.jobs.mail import render
from tests.isolation.population import GOODBYE, Population
from tests.support.story import VERIFIER, App
from tests.support.world import PASSWORD

_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")


@dataclass(frozen=True)
class Thing:
    """One kind of thing: how a realm gives it, and whether a realm takes it."""

    name: str
    give: Callable[[Population], Any]
    takes: Callable[[Population, Any], bool]


def _access_token(home: Population) -> str:
    token: str = home.tokens()["access_token"]
    return token


def _refresh_token(home: Population) -> str:
    token: str = home.tokens()["refresh_token"]
    return token


def _takes_at_userinfo(at: Population, token: str) -> bool:
    answer = at.story.userinfo(token, realm=at.realm)
    return answer.status == 200 and answer.json["email"] == "ada@example.com"


def _takes_at_introspection(at: Population, token: str) -> bool:
    active: bool = at.story.introspect(at.resource_server, token).json["active"]
    return active


def _takes_at_token(at: Population, token: str) -> bool:
    return at.story.refresh(at.web, token).status == 200


def _tokens(home: Population) -> dict[str, str]:
    return {**home.tokens(), "realm": home.realm}


def _revokes(at: Population, tokens: dict[str, str]) -> bool:
    for name in ("access_token", "refresh_token"):
        assert at.story.revoke(at.web, tokens[name]).status == 200
    # The answer does not say whether anything was revoked; the token's own realm does.
    home = RealmName(tokens["realm"])
    return at.story.userinfo(tokens["access_token"], realm=home).status == 401


def _code(home: Population) -> str:
    return home.story.authorize(home.web, browser=home.person.browser).code


def _takes_code(at: Population, code: str) -> bool:
    return at.story.redeem(at.web, code, code_verifier=VERIFIER).status == 200


def _session(home: Population) -> str:
    return home.cookie("session")


def _takes_session(at: Population, secret: str) -> bool:
    browser = at.browser_with(session=secret)
    is_silent = (
        "code" in at.story.authorize(at.web, browser=browser.browser, prompt="none").returned
    )
    assert is_silent == (browser.open("/account").status == 200)
    return is_silent


def _device(home: Population) -> str:
    return home.cookie("device")


def _takes_device(at: Population, secret: str) -> bool:
    with at.story.world.begin(at.realm, write=False) as uow:
        return is_known_device(uow, RawToken(secret), find_by_login(uow, "ada"))


def _request(home: Population) -> tuple[str, str]:
    asked = home.story.authorize(home.web, browser=home.person.browser, prompt="login")
    path = asked.location.partition(f"/realms/{home.realm}")[2]
    return home.cookie("browser"), path


def _takes_request(at: Population, request: tuple[str, str]) -> bool:
    secret, path = request
    browser = at.browser_with(browser=secret)
    assert browser.open(path.rpartition("/")[0]).status in (303, 400)
    return browser.open(path).status == 200


def _form(home: Population) -> tuple[str, str]:
    browser = home.browser_with()
    page = browser.open("/sign-in")
    secret = browser.cookie("browser")
    assert secret is not None
    return secret, page.forms[0].carried[FIELD]


def _takes_form(at: Population, form: tuple[str, str]) -> bool:
    secret, token = form
    fields = {FIELD: token, "username": "ada", "password": PASSWORD}
    return at.browser_with(browser=secret).post("/sign-in", **fields).status == 303


def _reset_link(home: Population) -> str:
    with home.story.world.begin(home.realm) as uow:
        return issue_recovery_link(uow, home.ada, generation=1)


def _takes_reset_link(at: Population, link: str) -> bool:
    browser = at.browser_with()
    browser.open(f"/reset-password/{link}")
    return browser.go_on().status == 200


def _takes_link_cookie(at: Population, link: str) -> bool:
    return at.browser_with(link=link).open("/reset-password").status == 200


def _typed_code(home: Population) -> tuple[str, str]:
    browser = home.browser_with()
    browser.open("/forgot-password")
    browser.submit(email="ada@example.com")
    secret = browser.cookie("browser")
    assert secret is not None
    mail = home.story.world.outbox(realm=home.realm)[-1]
    found = _CODE.search(render(MailToSend(mail["to"], mail["template"], mail["context"]))[1])
    assert found is not None
    return secret, found[0]


def _takes_typed_code(at: Population, typed: tuple[str, str]) -> bool:
    secret, code = typed
    browser = at.browser_with(browser=secret)
    browser.open("/reset-password")
    browser.submit(code=code)
    return browser.seen is not None and browser.seen.status == 303


def _action_link(home: Population) -> str:
    token = home.tokens()["refresh_token"]
    home.story.world.change_credential(home.ada, realm=home.realm, must_change=True)
    address: str = home.story.refresh(home.web, token).json["idp_action_uri"]
    return address.rpartition("/")[2]


def _takes_action_link(at: Population, token: str) -> bool:
    return at.browser_with().open(f"/action/{token}").status == 200


def _not_me_link(home: Population) -> str:
    with home.story.world.begin(home.realm) as uow:
        return issue_not_me_link(uow, home.ada)


def _takes_not_me_link(at: Population, token: str) -> bool:
    browser = at.browser_with()
    if browser.open(f"/not-me/{token}").status != 200:
        return False
    return browser.submit().status == 200


def _id_token(home: Population) -> str:
    token: str = home.tokens()["id_token"]
    return token


def _takes_hint(at: Population, hint: str) -> bool:
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE})
    return at.browser_with().open(f"/logout?{query}").location == GOODBYE


def _client(home: Population) -> str:
    name = f"only-{home.realm}"
    home.story.app(name, realm=home.realm)
    return name


def _takes_client_at_authorize(at: Population, client_id: str) -> bool:
    query = urlencode(at.story.question(at.web, client_id=client_id))
    answer = at.story.get(f"/authorize?{query}", realm=at.realm, browser=at.story.new_browser())
    return answer.status == 303


def _client_secret(home: Population) -> tuple[str, str]:
    app = home.story.app("robot", realm=home.realm, application_type="service")
    assert app.secret is not None
    return app.client_id, app.secret


def _takes_client_secret(at: Population, client: tuple[str, str]) -> bool:
    app = App(*client, redirect_uri="", realm=at.realm)
    return at.story.token(app, grant_type="client_credentials").status == 200


THINGS = (
    Thing("access token at userinfo", _access_token, _takes_at_userinfo),
    Thing("access token at introspection", _access_token, _takes_at_introspection),
    Thing("refresh token at introspection", _refresh_token, _takes_at_introspection),
    Thing("refresh token at the token endpoint", _refresh_token, _takes_at_token),
    Thing("tokens at revocation", _tokens, _revokes),
    Thing("code", _code, _takes_code),
    Thing("session cookie", _session, _takes_session),
    Thing("device cookie", _device, _takes_device),
    Thing("browser cookie and request under way", _request, _takes_request),
    Thing("browser cookie and form token", _form, _takes_form),
    Thing("reset link", _reset_link, _takes_reset_link),
    Thing("reset link's cookie", _reset_link, _takes_link_cookie),
    Thing("typed reset code", _typed_code, _takes_typed_code),
    Thing("action link", _action_link, _takes_action_link),
    Thing("not-me link", _not_me_link, _takes_not_me_link),
    Thing("ID token as a hint", _id_token, _takes_hint),
    Thing("client id at authorize", _client, _takes_client_at_authorize),
    Thing("client secret", _client_secret, _takes_client_secret),
)
