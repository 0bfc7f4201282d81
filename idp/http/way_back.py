"""The way back to an app whose sign-in cannot go on here."""

from urllib.parse import urlencode

from flask import Response

from idp.core.authorizations import find_way_back
from idp.core.work import UnitOfWork
from idp.http.errors import error_page
from idp.http.visit import Visit


def sign_in_over(visit: Visit, uow: UnitOfWork, request_id: str) -> Response:
    """Say that an authorization request is over, and offer to begin again where its client can.

    Spec: OIDC Core 4 (`initiate_login_uri` with `iss`).
    """
    address = find_way_back(uow, request_id, visit.browser)
    return error_page(
        400,
        title="This sign-in is over",
        message="It took too long, was finished before, or began in another browser. "
        "Go back to the app and sign in again.",
        retry_url=None if address is None else with_issuer(address, visit.url()),
    )


def with_issuer(address: str, issuer: str) -> str:
    """Return a client's `initiate_login_uri` with the issuer that asks it to begin.

    Spec: OIDC Core 4 (third-party initiated login).
    """
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode({'iss': issuer})}"
