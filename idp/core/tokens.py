"""What a code, a refresh token or a client's own wish stands for, once every check has passed.

`codes` and `families` prove an `Authorization` each in one short transaction: one SELECT, the
checks, the gate, one compare-and-set (DECISIONS 1-3). Signing is the mint's work, after the commit.
A refusal is a value, so that its event is committed; it spends nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from idp.core.claim_facts import ClaimFacts, get_claim_facts
from idp.core.client_proofs import (
    ClientProof,
    ClientRefused,
    authenticate_client,
    find_proved_client,
)
from idp.core.clients import Client
from idp.core.decisions import decide
from idp.core.events import Event, EventCode
from idp.core.gate import Cleared, Reason, Refused, account_of
from idp.core.key_ring import KeyRing, key_ring
from idp.core.links import issue_action_link
from idp.core.scopes import USER_SCOPES
from idp.core.work import UnitOfWork
from idp.ids import FamilyId, RawToken, SessionId, UserId
from idp.store import hot, hot_writes

ACR = "urn:timetrak:acr:password"
"""The authentication context of a sign-in with a password (RFC 9068 2.2.1, OIDC Core 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A user's authorization for a client, proved and cleared by the gate.

    Attributes:
        scopes: of this answer. auth_time: of the sign-in, however often it was refreshed.
        id_claims: what the client asked to find in the ID token itself; `facts` holds the values.
        nonce: None on a refresh.
    """

    cleared: Cleared
    client: Client
    ring: KeyRing
    now: datetime
    family_id: FamilyId
    session_id: SessionId
    scopes: tuple[str, ...]
    auth_time: datetime
    amr: tuple[str, ...]
    acr: str | None
    nonce: str | None
    refresh_token: RawToken | None = field(repr=False)
    id_claims: tuple[str, ...] = ()
    facts: ClaimFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthorization:
    """What a client may do for itself."""

    client: Client
    ring: KeyRing
    now: datetime
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRefused:
    """No token. `reason` is the gate's, if it was the gate that refused (CONTRACT 4).

    `error` is the OAuth code; `action` the secret of the address where the user can finish the
    change, for `password_change_required` only.
    """

    client: Client
    error: str = "invalid_grant"
    description: str = "The grant is not valid, or not any more."
    reason: Reason | None = None
    action: RawToken | None = field(default=None, repr=False)


def grant_client(
    uow: UnitOfWork, proof: ClientProof, scopes: tuple[str, ...] | None
) -> ClientAuthorization | ClientRefused | GrantRefused:
    """Return what a client may do for itself; all it is registered for when `scopes` is None.

    Spec: RFC 6749 4.4.
    """
    row = hot.client_facts(uow.db, uow.realm, proof.client_id)
    client = authenticate_client(uow, proof, None if row is None else row.client_version)
    if row is None or isinstance(client, ClientRefused):
        return ClientRefused()
    if "client_credentials" not in client.grant_types:
        return not_registered(uow, client, "client_credentials")
    own = [scope for scope in sorted(client.scopes) if scope not in USER_SCOPES]
    asked = tuple(own) if scopes is None else scopes
    if not set(own).issuperset(asked):
        return refuse(uow, client, "scope", error="invalid_scope")
    return ClientAuthorization(
        client=client, ring=key_ring(uow, row.keys_version), now=uow.now, scopes=asked
    )


def refuse_unread(uow: UnitOfWork, proof: ClientProof) -> ClientRefused | GrantRefused:
    """Refuse a refresh token that this realm never wrote; the client is authenticated first."""
    client = find_proved_client(uow, proof)
    return client if isinstance(client, ClientRefused) else refuse(uow, client, "unknown")


def ask_gate(
    uow: UnitOfWork,
    client: Client,
    row: Row[Any],
    *,
    birth_epoch: int,
    family_id: str,
    is_unchecked: bool = False,
) -> Cleared | GrantRefused:
    """Ask the gate about the account in `row`, one of `hot.refresh_facts` or `hot.redeem_facts`.

    Args:
        is_unchecked: its directory was not asked for longer than it may be.
    """
    account = account_of(uow, row, is_kept_out=row.is_kept_out)
    if is_unchecked:
        account = replace(account, is_unchecked=True)
    ended = row.session_ended_at is not None
    gate = decide(uow, account, birth_epoch=birth_epoch, session_ended=ended, client_id=client.id)
    if isinstance(gate, Cleared):
        return gate
    uow.record(
        Event(
            code=EventCode.TOKEN_REFUSED,
            subject_id=account.user_id,
            client_id=client.id,
            params={"reason": gate.reason.value, "family_id": family_id, **_explained(gate)},
        )
    )
    action = None
    if gate.reason is Reason.PASSWORD_CHANGE_REQUIRED:
        action = issue_action_link(
            uow,
            user_id=account.user_id,
            client_id=client.id,
            family_id=FamilyId(family_id),
            epoch=account.epoch,
        )
    return GrantRefused(
        client=client, description=_describe(gate), reason=gate.reason, action=action
    )


def refuse(
    uow: UnitOfWork,
    client: Client,
    reason: str,
    *,
    error: str = "invalid_grant",
    user_id: str | None = None,
    code: EventCode = EventCode.TOKEN_REFUSED,
) -> GrantRefused:
    """Note why a grant was refused; the client is told only `error`."""
    uow.record(Event(code=code, subject_id=user_id, client_id=client.id, params={"reason": reason}))
    return GrantRefused(client=client, error=error, description=_ERROR_WORDS[error])


def not_registered(uow: UnitOfWork, client: Client, grant_type: str) -> GrantRefused:
    """Refuse a grant type that the client is not registered for."""
    return refuse(uow, client, f"not registered for {grant_type}", error="unauthorized_client")


def end_family(
    uow: UnitOfWork, client: Client, row: Row[Any], code: EventCode, *, reason: str
) -> GrantRefused:
    """End the family in `row` because what it was begun or renewed with came a second time."""
    hot_writes.revoke_family(uow.db, uow.realm, family_id=row.family_id, at=uow.now, reason=reason)
    uow.record(
        Event(
            code=code,
            subject_id=row.user_id,
            client_id=client.id,
            params={"family_id": row.family_id},
        )
    )
    return GrantRefused(client=client)


def id_claims_of(
    uow: UnitOfWork, user_id: UserId, request: Mapping[str, Any] | None
) -> tuple[tuple[str, ...], ClaimFacts | None]:
    """Return the claims asked for in the ID token itself, and the facts for them if any."""
    names = tuple((request or {}).get("id_token", ()))
    if not names:
        return (), None
    return names, get_claim_facts(uow, user_id, with_groups="groups" in names)


def still_registered(client: Client, scope: str) -> tuple[str, ...]:
    """Return the scopes in `scope` that the client is registered for to this day."""
    return tuple(part for part in scope.split() if part in client.scopes)


def _describe(gate: Refused) -> str:
    if gate.reason is Reason.SIGN_IN_REQUIRED and gate.verdict is None:
        return "The directory could not be asked about the account for too long; sign in again."
    return _WORDS[gate.reason]


def _explained(gate: Refused) -> dict[str, object]:
    if gate.verdict is None:
        return {}
    return {"findings": [finding.code for finding in gate.verdict.findings]}


_ERROR_WORDS: Mapping[str, str] = {
    "invalid_grant": "The grant is not valid, or not any more.",
    "invalid_scope": "The scope goes beyond what this client was granted.",
    "unauthorized_client": "This client is not registered for this grant type.",
}

_WORDS: Mapping[Reason, str] = {
    Reason.ACCOUNT_DISABLED: "The account is disabled.",
    Reason.ACCOUNT_LOCKED: "The account is locked.",
    Reason.CREDENTIAL_CHANGED: "The password was changed or reset; sign in again.",
    Reason.SESSION_ENDED: "The session was ended; sign in again.",
    Reason.APP_NOT_ALLOWED: "The account is in none of the groups that may use this app.",
    Reason.SIGN_IN_REQUIRED: "The password policy changed; sign in again.",
    Reason.PASSWORD_CHANGE_REQUIRED: "The password must be changed; open idp_action_uri.",
}
