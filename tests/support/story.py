"""What apps and people do at the protocol's endpoints, told in short sentences.

`Story` drives the whole WSGI application over a world: a browser with cookies, registered clients,
and apps that redeem and refresh. Signing in skips the pages: a session is begun and its cookie set.
"""

# ruff: noqa: ANN401 - apps send whatever they like

import base64
import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from werkzeug.test import Client as HttpClient
from werkzeug.test import TestResponse

from idp.app import create_app
from idp.core.client_admin import create_client
from idp.core.client_registration import Registration
from idp.core.keys import NewKey, create_first_keys, make_keys
from idp.core.work import SYSTEM
from idp.ids import RealmName, UserId
from tests.support.world import PORTAL, PUBLIC_URL, STAFF, World, open_world

CALLBACK = "https://web.example/cb"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
CODE_GRANTS = ("authorization_code", "refresh_token")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALL_ALGORITHMS = ["RS256", "ES256", "PS256", "Ed25519", "EdDSA"]


@dataclass(frozen=True)
class App:
    """A registered client as its developer knows it."""

    client_id: str
    secret: str | None
    redirect_uri: str
    realm: RealmName = STAFF

    @property
    def basic(self) -> dict[str, str]:
        """Return the header that proves the client, if it has a secret."""
        if self.secret is None:
            return {}
        both = f"{self.client_id}:{self.secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered."""

    response: TestResponse

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def json(self) -> dict[str, Any]:
        """The JSON body."""
        document: dict[str, Any] = json.loads(self.response.get_data(as_text=True))
        return document

    @property
    def error(self) -> str | None:
        """The OAuth error in the body."""
        return self.json.get("error")

    @property
    def text(self) -> str:
        """The body."""
        return self.response.get_data(as_text=True)

    @property
    def location(self) -> str:
        """Where the answer leads to."""
        return self.response.headers.get("Location", "")

    @property
    def returned(self) -> dict[str, str]:
        """The parameters on the address that the answer leads to."""
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def code(self) -> str:
        """The authorization code that came back."""
        return self.returned["code"]


@dataclass
class Story:
    """One product, one browser, some apps."""

    world: World
    application: Any
    browser: HttpClient
    apps: dict[str, App] = field(default_factory=dict)
    people: dict[str, UserId] = field(default_factory=dict)

    def new_browser(self) -> HttpClient:
        """Return another browser, with no cookies."""
        return HttpClient(self.application, use_cookies=True)

    def app(
        self,
        client_id: str = "web",
        *,
        realm: RealmName = STAFF,
        **registration: Any,
    ) -> App:
        """Register a client (a confidential web app that never asks for consent by default)."""
        members: dict[str, Any] = {
            "redirect_uris": (CALLBACK,),
            "grant_types": CODE_GRANTS,
            "consent_required": False,
        }
        if registration.get("application_type") == "service":
            members = {}
        members |= registration
        with self.world.begin(realm) as uow:
            made = create_client(uow, Registration(client_id=client_id, **members))
        uris = members.get("redirect_uris") or ("",)
        secret = made.secret or members.get("secret")
        self.apps[client_id] = App(client_id, secret, uris[0], realm)
        return self.apps[client_id]

    def person(
        self,
        name: str = "ada",
        *,
        realm: RealmName = STAFF,
        **columns: Any,
    ) -> UserId:
        """Add a person with an ordinary password."""
        self.people[name] = self.world.add_user(name, realm=realm, **columns)
        return self.people[name]

    def sign_in(
        self, name: str = "ada", *, realm: RealmName = STAFF, browser: HttpClient | None = None
    ) -> str:
        """Begin a session for a person in a browser; return its `sid`."""
        if name not in self.people:
            self.person(name, realm=realm)
        session_id, secret = self.world.begin_session(self.people[name], realm=realm)
        (browser or self.browser).set_cookie(f"__Host-idp-{realm}-session", secret)
        return session_id

    def get(
        self,
        path: str,
        *,
        realm: RealmName = STAFF,
        browser: HttpClient | None = None,
        **options: Any,
    ) -> Answer:
        """GET a path of a realm, or a whole address of this product."""
        return self.send("GET", path, realm=realm, browser=browser, **options)

    def send(
        self,
        method: str,
        path: str,
        *,
        realm: RealmName = STAFF,
        browser: HttpClient | None = None,
        **options: Any,
    ) -> Answer:
        """Send a request to a path of a realm, or to a whole address of this product."""
        target = path.removeprefix(PUBLIC_URL)
        if target == path:
            target = f"/realms/{realm}{path}"
        client = browser or self.browser
        return Answer(client.open(target, base_url=PUBLIC_URL, method=method, **options))

    def question(self, app: App, **params: Any) -> dict[str, str]:
        """Return the parameters of a good authorization request, with changes (None drops one)."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": "openid",
            "state": "xyz",
            "nonce": "n-0S6",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        asked |= params
        return {name: value for name, value in asked.items() if value is not None}

    def authorize(self, app: App, *, browser: HttpClient | None = None, **params: Any) -> Answer:
        """Send a browser to the authorize endpoint."""
        query = urlencode(self.question(app, **params))
        return self.get(f"/authorize?{query}", realm=app.realm, browser=browser)

    def follow(self, answer: Answer, *, browser: HttpClient | None = None) -> Answer:
        """Open the address that an answer leads to, if it is one of ours."""
        return self.get(answer.location, browser=browser)

    def token(
        self,
        app: App | None,
        *,
        realm: RealmName | None = None,
        headers: Mapping[str, str] | None = None,
        **form: Any,
    ) -> Answer:
        """Post a form to the token endpoint as `app` (public apps name themselves in the body)."""
        sent = {name: value for name, value in form.items() if value is not None}
        proof = dict(app.basic) if app else {}
        if app is not None and app.secret is None:
            sent.setdefault("client_id", app.client_id)
        return self.post_form("/token", sent, {**proof, **(headers or {})}, realm or _realm(app))

    def post_form(
        self,
        path: str,
        form: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        realm: RealmName = STAFF,
    ) -> Answer:
        """Post a form as an app does: without cookies."""
        return self.send(
            "POST", path, realm=realm, browser=self.new_browser(), data=form, headers=headers
        )

    def redeem(self, app: App, code: str, **form: Any) -> Answer:
        """Redeem a code."""
        sent: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": app.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return self.token(app, **sent | form)

    def refresh(self, app: App, refresh_token: str, **form: Any) -> Answer:
        """Refresh."""
        sent: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
        }
        return self.token(app, **sent | form)

    def tokens(self, app: App, **params: Any) -> dict[str, Any]:
        """Go through the code flow of the signed-in browser and return what the app gets."""
        answer = self.redeem(app, self.authorize(app, **params).code)
        assert answer.status == 200, answer.text
        return answer.json

    def userinfo(self, access_token: str, *, realm: RealmName = STAFF) -> Answer:
        """Ask who the user is."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.get("/userinfo", realm=realm, browser=self.new_browser(), headers=headers)

    def introspect(self, app: App, token: str, **form: Any) -> Answer:
        """Ask about a token as a resource server."""
        return self.post_form("/introspect", {"token": token, **form}, app.basic, app.realm)

    def revoke(self, app: App, token: str, **form: Any) -> Answer:
        """Give a token up."""
        sent = {"token": token, **form}
        if app.secret is None:
            sent["client_id"] = app.client_id
        return self.post_form("/revoke", sent, app.basic, app.realm)

    def claims(self, token: str, *, realm: RealmName = STAFF) -> dict[str, Any]:
        """Return the claims of a JWT after checking its signature with the published keys."""
        return self.decoded(token, realm=realm).claims

    def decoded(self, token: str, *, realm: RealmName = STAFF) -> jwt.Token:
        """Return header and claims of a JWT after checking its signature."""
        keys = KeySet.import_key_set(self.get("/jwks", realm=realm).json)  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # EdDSA has a newer name
            return jwt.decode(token, keys, registry=JWSRegistry(algorithms=ALL_ALGORITHMS))

    def event_codes(self, *, realm: RealmName = STAFF) -> list[str]:
        """Return the audit trail's codes, oldest first."""
        return self.world.event_codes(realm=realm)


@cache
def _keys_of(_realm: RealmName) -> tuple[NewKey, ...]:
    """Return the keys of a realm; making them takes longer than most tests."""
    return make_keys()


def _realm(app: App | None) -> RealmName:
    return STAFF if app is None else app.realm


def form_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form, as a browser would post them."""
    found: dict[str, str] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = dict(attrs)
            if tag == "input" and values.get("type") == "hidden":
                found[str(values["name"])] = values.get("value") or ""

    Reader().feed(page)
    return found


def returned_by(url: str) -> dict[str, list[str]]:
    """Return the query parameters of an address."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


@contextmanager
def open_story(
    database_url: str,
    **options: Any,
) -> Iterator[Story]:
    """Give a story over a fresh database: both realms have keys, nobody is signed in."""
    with open_world(database_url, **options) as world:
        for realm in (STAFF, PORTAL):
            create_first_keys(world.runtime, realm, actor=SYSTEM, fresh=_keys_of(realm))
        application = create_app(world.runtime)
        yield Story(world, application, HttpClient(application, use_cookies=True))
