"""The `claims` parameter: which claims a client asks for one by one.

Spec: OIDC Core 5.5.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.clients import Client
from idp.core.names import is_storable
from idp.core.tokens import ACR
from idp.oidc.claims import SCOPE_OF, names_within
from idp.oidc.errors import InvalidRequestError

NOBODY = ""
"""An expected subject that no user has."""
_PLACES = ("userinfo", "id_token")
_MAX_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What a `claims` parameter asks for, as far as this server and the client's scopes go.

    Attributes:
        names: claim names by place (`userinfo`, `id_token`).
        subject: the `sub` that the answer must be about.
        is_acr_out_of_reach: an essential `acr` that no sign-in here has.
    """

    names: Mapping[str, list[str]]
    subject: str | None = None
    is_acr_out_of_reach: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes that the claims belong to: what a person consents to."""
        return tuple(dict.fromkeys(SCOPE_OF[n] for names in self.names.values() for n in names))

    def document(self) -> dict[str, Any] | None:
        """Return what is stored with the request; None when nothing was asked."""
        return dict(self.names) if any(self.names.values()) else None


def parse_claims_request(text: str, client: Client) -> ClaimsRequest:
    """Return what the parameter asks for; claims that nobody here knows are left out.

    Raises:
        InvalidRequestError: it is not the JSON object that it must be.
    """
    document = _object(text)
    places = {place: _members(document.get(place)) for place in _PLACES}
    names = {place: names_within(asked, client.scopes) for place, asked in places.items()}
    return ClaimsRequest(names, _subject(places), _is_acr_out_of_reach(places))


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("claims is not JSON.") from error
    if not isinstance(document, dict):
        raise InvalidRequestError("claims is not a JSON object.")
    return document


def _members(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        wish is None or isinstance(wish, dict) for wish in value.values()
    ):
        raise InvalidRequestError("claims does not have the form of OIDC Core 5.5.")
    return value


def _subject(places: Mapping[str, dict[str, Any]]) -> str | None:
    for asked in places.values():
        wanted = (asked.get("sub") or {}).get("value")
        if isinstance(wanted, str):
            is_plausible = len(wanted) <= _MAX_SUBJECT and is_storable(wanted)
            return wanted if is_plausible else NOBODY
    return None


def _is_acr_out_of_reach(places: Mapping[str, dict[str, Any]]) -> bool:
    wish = places["id_token"].get("acr") or {}
    wanted = wish.get("values", [wish["value"]] if "value" in wish else None)
    return bool(wish.get("essential")) and isinstance(wanted, list) and ACR not in wanted
