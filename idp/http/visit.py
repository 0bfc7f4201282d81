"""One HTTP request in one realm: where it came from, its cookies, its units of work."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import flask

from idp.core.runtime import Runtime
from idp.core.sessions import SignedIn, find_signed_in
from idp.core.work import ANONYMOUS, Actor, Trace, UnitOfWork
from idp.http.cookies import Cookies
from idp.ids import RawToken, RealmName, new_raw_token


@dataclass(slots=True)
class Visit:
    """One request; its cookies are read when somebody asks for them (few machines send any).

    Attributes:
        form_action: the origins that the answer to a form of this page may redirect to.
        is_address_secret: the address holds a one-time token, which the browser tells nobody.
    """

    runtime: Runtime
    realm: RealmName
    trace: Trace
    form_action: list[str] = field(default_factory=list)
    is_address_secret: bool = False
    _cookies: Cookies | None = field(default=None, init=False)
    _browser: RawToken | None = field(default=None, init=False)

    @property
    def cookies(self) -> Cookies:
        """The cookies; what a view changes is put on the answer, whatever it is."""
        if self._cookies is None:
            self._cookies = Cookies(self.realm, flask.request.cookies)
        return self._cookies

    @property
    def browser(self) -> RawToken:
        """The random secret that binds forms and flows to this browser."""
        if self._browser is None:
            self._browser = self.cookies.browser or new_raw_token()
        return self._browser

    @property
    def is_browser_new(self) -> bool:
        """Tell whether the browser brought no such secret."""
        return self.cookies.browser is None

    @contextmanager
    def work(self, *, write: bool = True, actor: Actor = ANONYMOUS) -> Iterator[UnitOfWork]:
        """Open a unit of work for this request; an answer commits, an exception rolls back."""
        with self.runtime.begin(self.realm, write=write, actor=actor, trace=self.trace) as uow:
            yield uow

    def signed_in(self, uow: UnitOfWork) -> SignedIn | None:
        """Return who this browser is signed in as, and name that user as the unit's actor."""
        secret = self.cookies.session
        found = find_signed_in(uow, secret) if secret else None
        if found is not None:
            uow.act_as(Actor("user", found.account.user_id))
        return found

    def url(self, path: str = "") -> str:
        """Return the absolute public address of `path` in this realm; never from the request."""
        return self.runtime.config.issuer(self.realm) + path

    def keep_browser(self) -> None:
        """Make sure the binding cookie is set on the answer."""
        if self.is_browser_new:
            self.cookies.set_browser(self.browser)

    def write_cookies(self, response: flask.Response) -> None:
        """Put on the answer what was changed."""
        if self._cookies is not None:
            self._cookies.write(response)


def begin_visit(runtime: Runtime, realm: RealmName, address: str | None) -> Visit:
    """Read the current Flask request as a visit of `realm` and keep it for the request."""
    visit = Visit(
        runtime=runtime,
        realm=realm,
        trace=Trace(
            request_id=request_id(),
            address=address,
            user_agent=flask.request.headers.get("User-Agent"),
        ),
    )
    flask.g.visit = visit
    return visit


def current_visit() -> Visit:
    """Return the visit of the request that is being answered."""
    return cast("Visit", flask.g.visit)


def find_visit() -> Visit | None:
    """Return the visit, or None outside a realm."""
    return cast("Visit | None", flask.g.get("visit"))


def request_id() -> str:
    """Return the id of this request, for the log, the audit trail and error pages."""
    if "request_id" not in flask.g:
        flask.g.request_id = uuid.uuid4().hex
    return cast("str", flask.g.request_id)
