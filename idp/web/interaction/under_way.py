"""What every screen of an authorization request needs: the request, its client, the way back.

A screen never binds a request to a browser; the dispatcher did that before it sent the browser
here.
"""

from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from idp.core.authorizations import AuthorizationRequest, find_request, find_way_back
from idp.core.clients import find_client
from idp.core.work import UnitOfWork
from idp.http.errors import error_page
from idp.http.visit import Visit
from idp.web.routes import see_other, with_issuer


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that is under way in this browser, and the name of who asks."""

    request: AuthorizationRequest
    client_name: str


def find_under_way(visit: Visit, uow: UnitOfWork, request_id: str) -> UnderWay | None:
    """Return the request of this browser, and let forms redirect to its client."""
    request = find_request(uow, request_id, visit.browser, may_bind=False)
    client = None if request is None else find_client(uow, request.client_id)
    if request is None or client is None:
        return None
    visit.form_action.append(request.form_action)
    return UnderWay(request, client.name)


def back_to_dispatcher(visit: Visit, request: AuthorizationRequest) -> ResponseReturnValue:
    """Send the browser to the dispatcher, which knows what comes next."""
    return see_other(visit.url(f"/interaction/{request.id}"))


def request_over(visit: Visit, uow: UnitOfWork, request_id: str) -> ResponseReturnValue:
    """Say that the request is over, and offer to begin again where the client can.

    Spec: OIDC Core 4 (`initiate_login_uri` with `iss`).
    """
    way_back = find_way_back(uow, request_id, visit.browser)
    return error_page(
        400,
        title="This sign-in is over",
        message="It took too long, was finished before, or began in another browser. "
        "Go back to the app and sign in again.",
        retry_url=None if way_back is None else with_issuer(way_back, visit.url()),
    )
