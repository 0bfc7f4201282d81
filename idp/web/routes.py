"""How pages are registered: no page can forget to check a form for forgery."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

import flask
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from idp.http.csrf import check_csrf
from idp.http.forms import check_form
from idp.http.visit import Visit, current_visit

Page = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address of a realm. `show` answers GET and changes nothing, `submit` answers POST.

    `is_secret` marks an address that holds a one-time token: the browser tells it to nobody.
    """

    path: str
    show: Page | None = None
    submit: Page | None = None
    is_secret: bool = False


def register(blueprint: Blueprint, routes: Iterable[Route]) -> None:
    """Add routes to a blueprint; each page gets the visit and the variables of its path."""
    for route in routes:
        if route.show is not None:
            _add(blueprint, route, "GET", route.show)
        if route.submit is not None:
            _add(blueprint, route, "POST", route.submit)


def _add(blueprint: Blueprint, route: Route, method: str, page: Page) -> None:
    def view(realm: str, **variables: str) -> ResponseReturnValue:
        visit = current_visit()
        assert realm == visit.realm  # noqa: S101 - the guards began the visit with it
        visit.is_address_secret = route.is_secret
        if method == "POST":
            check_form()
            check_csrf(visit, _fresh_form(visit, route))
        return page(visit, **variables)

    name = f"{method.lower()} {route.path}".replace(".", "_")
    blueprint.add_url_rule(route.path, endpoint=name, view_func=view, methods=[method])


def _fresh_form(visit: Visit, route: Route) -> str:
    """Return the address of the page with the form that was posted here."""
    if route.show is None:
        return visit.url("/account")
    return visit.url(quote(flask.request.path.removeprefix(f"/realms/{visit.realm}")))


def see_other(address: str) -> BaseResponse:
    """Send the browser on to `address` by GET (303: a posted password is never posted again)."""
    return flask.redirect(address, code=303)


def page(status: int, template: str, **context: object) -> Response:
    """Return a rendered page."""
    return flask.make_response(flask.render_template(template, **context), status)
