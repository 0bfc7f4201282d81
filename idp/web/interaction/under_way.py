"""What every screen of an authorization request needs: the request, its client, the way back.

A screen never binds a request to a browser; the dispatcher did that before it sent the browser
here.
"""

from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from idp.core.authorizations import AuthorizationRequest, find_client_of, find_request
from idp.core.clients import Client
from idp.core.work import UnitOfWork
from idp.http.visit import Visit
from idp.web.routes import see_other


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that is under way in this browser, and who asks."""

    request: AuthorizationRequest
    client: Client

    @property
    def client_name(self) -> str:
        """The name of who asks, for people."""
        return self.client.name


def find_under_way(visit: Visit, uow: UnitOfWork, request_id: str) -> UnderWay | None:
    """Return the request of this browser, and let forms redirect to its client."""
    request = find_request(uow, request_id, visit.browser, may_bind=False)
    client = None if request is None else find_client_of(uow, request)
    if request is None or client is None:
        return None
    visit.form_action.append(request.form_action)
    return UnderWay(request, client)


def back_to_dispatcher(visit: Visit, request: AuthorizationRequest) -> ResponseReturnValue:
    """Send the browser to the dispatcher, which knows what comes next."""
    return see_other(visit.url(f"/interaction/{request.id}"))
