"""The product, in this process, with what each measured request needs prepared."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idp.app import assemble, create_app, start_quiet_log
from idp.config import load
from idp.core.client_admin import create_client
from idp.core.client_registration import Registration
from idp.core.work import HOST
from tests.bench.calls import PORT, basic, call
from tests.campaigns.fleet import CALLBACK, PASSWORD, STAFF, VERIFIER, issue_codes, populate
from tests.support.installation import Installation, write_installation

_REALM = f"/realms/{STAFF}"
_SECRET = "m" * 40
_WEB = basic("web", "s" * 40)
_SERVICE = basic("service", _SECRET)
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')


@dataclass
class Product:
    """One realm's endpoints, each as a call that can be repeated."""

    application: Any
    codes: list[str]
    refresh_token: str = ""
    access_token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    def discovery(self) -> None:
        """Read the discovery document."""
        call(self.application, "GET", f"{_REALM}/.well-known/openid-configuration")

    def client_credentials(self) -> None:
        """Get a token for a service."""
        self._token(_SERVICE, grant_type="client_credentials")

    def redeem(self) -> dict[str, Any]:
        """Redeem a fresh code."""
        return self._token(
            _WEB,
            grant_type="authorization_code",
            code=self.codes.pop(),
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )

    def refresh(self) -> None:
        """Refresh with the newest token."""
        answer = self._token(_WEB, grant_type="refresh_token", refresh_token=self.refresh_token)
        self.refresh_token = answer["refresh_token"]

    def userinfo(self) -> None:
        """Ask who the user is."""
        headers = {"Authorization": f"Bearer {self.access_token}"}
        call(self.application, "GET", f"{_REALM}/userinfo", headers=headers)

    def introspect(self) -> None:
        """Ask whether a token is good."""
        headers = {"Authorization": _SERVICE}
        form = {"token": self.access_token}
        call(self.application, "POST", f"{_REALM}/introspect", form=form, headers=headers)

    def sign_in(self) -> None:
        """Open the sign-in page and sign in, as a browser does."""
        self._browse("GET")
        self._browse("POST", {"csrf_token": self.csrf, "username": "ada", "password": PASSWORD})

    def _token(self, client: str, **form: str) -> dict[str, Any]:
        headers = {"Authorization": client}
        _, _, body = call(self.application, "POST", f"{_REALM}/token", form=form, headers=headers)
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _browse(self, method: str, form: dict[str, str] | None = None) -> None:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        _, answered, body = call(
            self.application, method, f"{_REALM}/sign-in", form=form, headers=headers
        )
        for name, value in answered:
            if name.lower() == "set-cookie":
                key, _, secret = value.partition(";")[0].partition("=")
                self.cookies[key] = secret
        found = _TOKEN.search(body)
        self.csrf = found.group(1).decode() if found else self.csrf


@contextmanager
def open_product(folder: Path, count: int) -> Iterator[Product]:
    """Set up an installation that hashes as in production, and prepare `count` of everything."""
    start_quiet_log()
    installation = _installation(folder)
    installation.set_up()
    runtime = assemble(load(installation.config, {}))
    user_id = populate(runtime)
    with runtime.begin(STAFF, actor=HOST) as uow:
        create_client(
            uow,
            Registration(
                client_id="service",
                application_type="service",
                secret=_SECRET,
                may_introspect=True,
                id_token_signed_response_alg="RS256",
            ),
        )
    application = create_app(runtime)
    product = Product(application, issue_codes(runtime, user_id, count + 1))
    tokens = product.redeem()
    product.refresh_token = tokens["refresh_token"]
    product.access_token = tokens["access_token"]
    yield product
    runtime.database.close()


def _installation(folder: Path) -> Installation:
    settings: dict[str, dict[str, object]] = {
        "server": {"public_url": f"http://localhost:{PORT}", "listen": f"127.0.0.1:{PORT}"},
        "hashing": {"memory_kib": 19_456, "time_cost": 2},
        "limits": {"sign_in_per_account": "off", "sign_in_per_address": "off"},
    }
    return write_installation(folder, settings=settings)
