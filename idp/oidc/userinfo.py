"""The userinfo endpoint: what the scopes of an access token say about its user.

Spec: OIDC Core 5.3.
"""

from typing import Any

from flask import Response

from idp.core.access_tokens import AccessToken, find_access_token
from idp.core.claim_facts import get_claim_facts
from idp.core.scopes import OPENID
from idp.core.work import UnitOfWork
from idp.http.visit import current_visit
from idp.oidc.bearer import bearer_token
from idp.oidc.claims import SCOPE_OF, claims_of, names_within
from idp.oidc.cors import allow_origin
from idp.oidc.errors import BearerError, error_answer, json_answer


def userinfo() -> Response:
    """Answer `/userinfo`."""
    visit = current_visit()
    raw = bearer_token()
    with visit.work(write=False) as uow:
        token = find_access_token(uow, raw, audience=visit.url())
        if token is None:
            description = "The access token is not valid, or not any more."
            raise BearerError("invalid_token", description, 401)
        if OPENID not in token.scopes or token.account is None:
            refused = BearerError("insufficient_scope", "The scope openid is needed.", 403)
            return allow_origin(error_answer(refused), token.client)
        document = {"sub": token.subject, **_claims(uow, token)}
    return allow_origin(json_answer(document), token.client)


def _claims(uow: UnitOfWork, token: AccessToken) -> dict[str, Any]:
    assert token.account is not None  # noqa: S101 - the caller looked
    asked = (token.claims_request or {}).get("userinfo", ())
    names = names_within(asked, token.client.scopes)
    if not names and not token.scopes & set(SCOPE_OF.values()):
        return {}
    with_groups = "groups" in token.scopes or "groups" in names
    facts = get_claim_facts(uow, token.account.user_id, with_groups=with_groups)
    return claims_of(facts, scopes=token.scopes, names=names)
