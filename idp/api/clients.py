"""Registered clients: `/realms/{realm}/clients`. Members are named like those of RFC 7591.

Spec: RFC 7591 2, 3.2.1.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from idp.api.access import CLIENTS, READ
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.etags import etag_of
from idp.api.paging import cut, read_cursor, write_cursor
from idp.api.schema import Body, NextCursor, PageQuery, View
from idp.core import client_admin
from idp.core.client_admin import ClientCreated, ClientView
from idp.core.client_metadata import read_metadata, write_metadata
from idp.core.client_registration import Registration
from idp.core.roles import require_recent_sign_in
from idp.core.scopes import ADMIN_SCOPES
from idp.core.work import UnitOfWork

_MOST = 50
_NULLABLE = frozenset({"allowed_groups", "backchannel_logout_uri", "initiate_login_uri", "jwks"})
_ALLOWED = "Groups whose members alone may use it; none: nobody may; null: everybody."
Texts = Annotated[list[str], Field(max_length=_MOST)]
PkceRule = Literal["required", "optional"]


class Client(View):
    """A registered client, as `idp client show --json` writes it; never its secret."""

    client_id: str
    client_name: str
    application_type: Annotated[str, Field(description="`web`, `spa`, `native` or `service`.")]
    token_endpoint_auth_method: str
    grant_types: list[str]
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    backchannel_logout_uri: str | None = None
    initiate_login_uri: str | None = None
    scope: Annotated[str, Field(description="Scopes, with blanks between them.")]
    spa_origins: list[str]
    id_token_signed_response_alg: str
    jwks: dict[str, Any] | None = None
    pkce: PkceRule
    consent: Annotated[bool, Field(description="Whether people are asked what it may have.")]
    introspect: Annotated[bool, Field(description="Whether it may introspect tokens.")]
    allowed_groups: Annotated[list[str] | None, Field(description=_ALLOWED)] = None
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: list[str] | None = None
    software_id: str | None = None
    software_version: str | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class ClientWithSecret(Client):
    """A client, with its secret if one was made just now: this is the only time it is shown."""

    client_secret: str | None = None


class ClientPage(View):
    """One page of clients, by id."""

    items: list[Client]
    next_cursor: NextCursor


class ClientMembers(Body):
    """What may be said about a client; what is left out is as usual for its type, or stays."""

    client_name: str = ""
    application_type: str = "web"
    token_endpoint_auth_method: str = ""
    grant_types: Texts = Field(default_factory=list)
    redirect_uris: Texts = Field(default_factory=list)
    post_logout_redirect_uris: Texts = Field(default_factory=list)
    backchannel_logout_uri: str | None = None
    initiate_login_uri: str | None = None
    scope: str = ""
    spa_origins: Texts = Field(default_factory=list)
    id_token_signed_response_alg: str = "RS256"  # noqa: S105 - an algorithm
    jwks: dict[str, Any] | None = None
    pkce: PkceRule = "required"
    consent: bool = True
    introspect: bool = False
    allowed_groups: Annotated[Texts | None, Field(description=_ALLOWED)] = None
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: Texts = Field(default_factory=list)
    software_id: str = ""
    software_version: str = ""
    response_types: Texts = Field(default_factory=list)
    subject_type: str = "public"
    client_secret: Annotated[
        str, Field(repr=False, description="A secret of one's own; not shown again.")
    ] = ""

    def said(self) -> dict[str, Any]:
        """Return what was said, under the names of `Registration`.

        Raises:
            InvalidInput: `client.invalid`.
        """
        members = self.model_dump(exclude_unset=True)
        taken_away = {name for name in _NULLABLE & members.keys() if members[name] is None}
        rest = {name: value for name, value in members.items() if name not in taken_away}
        return {**dict.fromkeys(taken_away), **read_metadata(rest).members}


class NewClient(ClientMembers):
    """A client to be registered."""

    client_id: str


class ClientChanges(ClientMembers):
    """What to change about a client; members that are left out stay."""


class NewSecret(Body):
    """A secret to replace the old one; left out, one is made and shown once."""

    client_secret: Annotated[str | None, Field(repr=False)] = None


def list_clients(call: Call, query: PageQuery) -> Answer:
    """List clients."""
    after = None if query.cursor is None else str(*read_cursor(query.cursor, str))
    with call.work(write=False) as uow:
        found = client_admin.list_clients(uow, after=after, limit=query.limit + 1)
    page, cursor = cut(
        found, query.limit, lambda client: write_cursor(client.registration.client_id)
    )
    items = [Client(**_shown(client)) for client in page]
    return Answer(ClientPage(items=items, next_cursor=cursor))


def create_client(call: Call, body: NewClient) -> Answer:
    """Register a client; its secret is in this answer and nowhere else."""
    registration = Registration(**body.said())
    with call.work() as uow:
        _require_power(call, uow, registration)
        created = client_admin.create_client(uow, registration)
    return _with_secret(created, Location=call.address(f"clients/{registration.client_id}"))


def get_client(call: Call, client_id: str) -> Answer:
    """Read a client."""
    with call.work(write=False) as uow:
        client = client_admin.get_client(uow, client_id)
    return Answer(Client(**_shown(client)), {"ETag": etag_of(client.version)})


def update_client(call: Call, client_id: str, body: ClientChanges) -> Answer:
    """Change a client."""
    version = call.expected_version()
    with call.work() as uow:
        before = client_admin.get_client(uow, client_id)
        _require_power(call, uow, before.registration)
        changes = body.said()
        if "further" in changes:
            changes["further"] = {**before.registration.further, **changes["further"]}
        changed = client_admin.update_client(uow, client_id, changes, expected_version=version)
        _require_power(call, uow, changed.client.registration)
    return _with_secret(changed)


def rotate_secret(call: Call, client_id: str, body: NewSecret) -> Answer:
    """Replace a client's secret; the old one stops working at once."""
    with call.work() as uow:
        client = client_admin.get_client(uow, client_id)
        call.check_version(client.version)
        _require_power(call, uow, client.registration)
        return _with_secret(client_admin.rotate_client_secret(uow, client_id, body.client_secret))


def remove_client(call: Call, client_id: str) -> Answer:
    """Remove a client; its tokens, consents and secret are worthless from now on."""
    with call.work() as uow:
        client = client_admin.get_client(uow, client_id)
        call.check_version(client.version)
        _require_power(call, uow, client.registration)
        client_admin.remove_client(uow, client_id)
    return Answer()


def _require_power(call: Call, uow: UnitOfWork, registration: Registration) -> None:
    """Return when the caller may have to do with a client that may administer, or it may not.

    Whoever has the secret of such a client is an administrator, for longer than a session.

    Raises:
        Forbidden: `admin.scope_not_held`.
        SignInTooOld: a person typed the password too long ago.
    """
    scopes = frozenset(registration.asked_scopes).intersection(ADMIN_SCOPES)
    if scopes:
        call.caller.require_scopes_held(scopes)
        require_recent_sign_in(call.caller.actor, uow.now)


def _shown(client: ClientView) -> dict[str, Any]:
    return {
        **write_metadata(client),
        "version": client.version,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    }


def _with_secret(created: ClientCreated, **headers: str) -> Answer:
    shown = ClientWithSecret(**_shown(created.client), client_secret=created.secret)
    return Answer(shown, {"ETag": etag_of(shown.version), **headers})


_ALL = "/realms/<name:realm>/clients"
_ONE = f"{_ALL}/<name:client_id>"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ALL,
        act=list_clients,
        any_of=(READ, CLIENTS),
        query=PageQuery,
        answer=ClientPage,
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        act=create_client,
        any_of=(CLIENTS,),
        body=NewClient,
        answer=ClientWithSecret,
        status=201,
        gives_etag=True,
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        act=get_client,
        any_of=(READ, CLIENTS),
        answer=Client,
        gives_etag=True,
    ),
    Endpoint(
        method="PATCH",
        path=_ONE,
        act=update_client,
        any_of=(CLIENTS,),
        body=ClientChanges,
        answer=ClientWithSecret,
        if_match="required",
        gives_etag=True,
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/rotate-secret",
        act=rotate_secret,
        any_of=(CLIENTS,),
        body=NewSecret,
        answer=ClientWithSecret,
        if_match="taken",
        gives_etag=True,
    ),
    Endpoint(method="DELETE", path=_ONE, act=remove_client, any_of=(CLIENTS,), if_match="taken"),
)
