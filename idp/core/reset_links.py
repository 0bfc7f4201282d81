"""The one-time links of a bulk reset: queued without a secret, made when they are sent.

A link is derived from the key file, the message it goes out with and the address it goes to, so it
is stored nowhere, and a mail that has to be sent again carries the same one. Its 24 hours begin
when it is sent.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from idp.core.ports import SecretBox
from idp.core.work import UnitOfWork
from idp.ids import RawToken, hash_token
from idp.store.recovery import RecoveryRequestRow
from idp.store.users import UserRow

CAMPAIGN_LINK = "campaign_link"
"""The kind of such a message, and its template."""

LINK_LIFE = timedelta(hours=24)
_LINK_PURPOSE = "campaign link"


@dataclass(frozen=True, slots=True)
class MailToSend:
    """What to render and to whom; links in the context are secret."""

    to: str
    template: str
    context: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """The user needs no link any more, and why."""

    reason: str


def campaign_messages(
    uow: UnitOfWork, campaign_id: str, generations: Mapping[str, int], reason: str | None
) -> list[dict[str, object]]:
    """Return the outbox rows for these users; a link is for the generation it stands with."""
    return [
        {
            "realm": uow.realm,
            "id": uow.new_id(),
            "kind": CAMPAIGN_LINK,
            "payload": uow.runtime.box.encrypt(
                json.dumps(
                    {
                        "template": CAMPAIGN_LINK,
                        "user_id": user_id,
                        "campaign_id": campaign_id,
                        "generation": generation,
                        "reason": reason,
                    }
                ).encode(),
                purpose="outbox",
            ),
            "available_at": uow.now,
            "created_at": uow.now,
        }
        for user_id, generation in generations.items()
    ]


def make_campaign_mail(
    uow: UnitOfWork, message_id: str, payload: Mapping[str, Any]
) -> MailToSend | NotNeeded:
    """Make the link live for 24 hours from now and return the mail that carries it."""
    user = uow.db.get(UserRow, (uow.realm, payload["user_id"]), with_for_update={"key_share": True})
    reason = _why_not(user, payload["generation"])
    if user is None or user.email is None or reason is not None:
        return NotNeeded(reason or "the user has no address any more")
    link = _link(uow.runtime.box, message_id, user.email)
    _keep_link(uow, message_id, payload, link)
    config = uow.runtime.config
    issuer = config.issuer(uow.realm)
    return MailToSend(
        to=user.email,
        template=CAMPAIGN_LINK,
        context={
            "realm": {"name": uow.realm, "display_name": config.realm(uow.realm).display_name},
            "username": user.username,
            "name": user.given_name or user.name,
            "link": f"{issuer}/reset-password/{link}",
            "hours": int(LINK_LIFE.total_seconds() // 3600),
            "forgot_url": f"{issuer}/forgot-password",
            "reason": payload["reason"],
        },
    )


def _why_not(user: UserRow | None, generation: int) -> str | None:
    if user is None or user.status != "active" or user.locked_at is not None:
        return "the account is not open"
    if user.credential_generation != generation:
        return "the user has another password already"
    return None


def _link(box: SecretBox, message_id: str, email: str) -> RawToken:
    """Derive the link; after a change of address another one, for the old mailbox may have this."""
    mac = box.mac(f"{message_id}\n{email}".encode(), purpose=_LINK_PURPOSE)
    return RawToken(base64.urlsafe_b64encode(mac).decode().rstrip("="))


def _keep_link(
    uow: UnitOfWork, message_id: str, payload: Mapping[str, Any], link: RawToken
) -> None:
    row = uow.db.get(RecoveryRequestRow, (uow.realm, message_id))
    if row is None:
        row = RecoveryRequestRow(
            id=message_id,
            user_id=payload["user_id"],
            generation=payload["generation"],
            campaign_id=payload["campaign_id"],
            created_at=uow.now,
            code_tries=0,
        )
        uow.db.add(row)
    row.link_hash = hash_token(link)
    row.expires_at = uow.now + LINK_LIFE
