"""What administrators and services do at the REST interface, told in short sentences.

A `Desk` drives the whole application over a story: tokens come from the real endpoints.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import Client as HttpClient
from werkzeug.test import TestResponse

from idp.core.roles import AdminRole, grant_role
from idp.core.scopes import ADMIN_SCOPES
from idp.ids import RealmName, UserId
from tests.support.story import App, Story
from tests.support.world import PUBLIC_URL, STAFF

ROOT = "/admin/api/v1"
USERS = "/realms/staff/users"
EVERY_SCOPE = " ".join(ADMIN_SCOPES)


@dataclass(frozen=True)
class Reply:
    """What the interface answered."""

    response: TestResponse

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def text(self) -> str:
        """The body."""
        return self.response.get_data(as_text=True)

    @property
    def json(self) -> dict[str, Any]:
        """The JSON body."""
        document: dict[str, Any] = json.loads(self.text)
        return document

    @property
    def code(self) -> str:
        """The code of a problem."""
        code: str = self.json["code"]
        return code

    @property
    def etag(self) -> str:
        """The entity tag."""
        return self.response.headers["ETag"]


@dataclass
class Desk:
    """One product seen through its REST interface."""

    story: Story
    _console: App | None = field(default=None, init=False)
    _services: int = field(default=0, init=False)

    @property
    def console(self) -> App:
        """The app in which administrators work."""
        if self._console is None:
            scopes = ("openid", *ADMIN_SCOPES)
            self._console = self.story.app("console", scopes=scopes)
        return self._console

    def administrator(self, name: str, role: AdminRole = AdminRole.OWNER) -> UserId:
        """Add a person with a role."""
        user_id = self.story.person(name)
        with self.story.world.begin() as uow:
            grant_role(uow, user_id, role)
        return user_id

    def tokens_of(self, name: str, scope: str = EVERY_SCOPE) -> dict[str, Any]:
        """Sign a person in to the console and return what the console gets."""
        app, browser = self.console, self.story.new_browser()
        self.story.sign_in(name, browser=browser)
        code = self.story.authorize(app, browser=browser, scope=f"openid {scope}").code
        tokens = self.story.redeem(app, code).json
        assert "access_token" in tokens, tokens
        return tokens

    def owner(self, name: str = "olga") -> str:
        """Return the access token of an owner."""
        if name not in self.story.people:
            self.administrator(name)
        token: str = self.tokens_of(name)["access_token"]
        return token

    def auditor(self, name: str = "aude") -> str:
        """Return the access token of an auditor."""
        self.administrator(name, AdminRole.AUDITOR)
        token: str = self.tokens_of(name)["access_token"]
        return token

    def service(self, *scopes: str) -> str:
        """Return the access token of a service that is registered for these scopes."""
        self._services += 1
        name = f"service-{self._services}"
        app = self.story.app(name, application_type="service", scopes=scopes)
        answer = self.story.token(app, grant_type="client_credentials", scope=" ".join(scopes))
        token: str = answer.json["access_token"]
        return token

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - of the HTTP client
    ) -> Reply:
        """Send a request below the root of the interface."""
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        client = HttpClient(self.story.application, use_cookies=False)
        return Reply(
            client.open(
                ROOT + path,
                base_url=PUBLIC_URL,
                method=method,
                environ_base={"REMOTE_ADDR": "127.0.0.1"},
                headers={**sent, **(headers or {})},
                **options,
            )
        )

    def get(self, path: str, token: str | None = None, **headers: str) -> Reply:
        """Read something."""
        return self.call("GET", path, token, headers=_named(headers))

    def post(self, path: str, token: str, body: object = None, **headers: str) -> Reply:
        """Do something; a header is named like `if_match`."""
        return self.call("POST", path, token, headers=_named(headers), json=body or {})

    def patch(self, path: str, token: str, body: object, **headers: str) -> Reply:
        """Change something."""
        return self.call("PATCH", path, token, headers=_named(headers), json=body)

    def person(self, name: str, *, realm: RealmName = STAFF) -> str:
        """Add an ordinary person and return the path to the account."""
        user_id = self.story.person(name, realm=realm)
        return f"/realms/{realm}/users/{user_id}"


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
