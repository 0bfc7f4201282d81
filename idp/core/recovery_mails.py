"""The mail with which an owner gets back in: queued without a look, made when it is sent.

Whoever asks at the page has a message queued, for any address alike, so neither the answer nor its
time tells whether somebody has it. Who has it is found out when the message goes out. Links and
codes are derived from the key file and the message, so they are stored hashed only and a mail
that has to be sent again carries the same ones. Their life begins when they are sent.
"""

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.core.accounts import Account, list_by_email
from idp.core.directory_sign_in import find_connector
from idp.core.events import Event, EventCode
from idp.core.mails import WayBack, WayElsewhere, recovery_mail
from idp.core.names import find_key, mailbox_of
from idp.core.recovery_codes import code_from, mac_of_code, show_code
from idp.core.recovery_requests import drop_oldest, new_request
from idp.core.reset_links import MailToSend, NotNeeded
from idp.core.work import Message, Trace, UnitOfWork
from idp.ids import RawToken, UserId, hash_token
from idp.store.recovery import RecoveryRequestRow

RECOVERY = "recovery"
"""The kind of such a message, and its template."""

_MOST_ACCOUNTS = 20
"""Accounts of one address that a mail names."""


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody asked for a way back to whatever accounts an address has."""

    email: str
    mailbox: str
    email_mac: str
    browser_hash: str
    asked_at: datetime
    trace: Trace


def queue_recovery_mail(uow: UnitOfWork, email: str, email_mac: str, browser_hash: str) -> None:
    """Put the order for a recovery mail into the outbox."""
    key = find_key(email) or ""
    payload = {
        "template": RECOVERY,
        "email": key,
        "mailbox": mailbox_of(email) if key else "",
        "email_mac": email_mac,
        "browser_hash": browser_hash,
        "asked_at": uow.now.isoformat(),
        "request_id": uow.trace.request_id,
        "address": uow.trace.address,
    }
    uow.enqueue(Message(kind=RECOVERY, payload=payload))


def make_recovery_mail(
    uow: UnitOfWork, message_id: str, payload: Mapping[str, Any]
) -> MailToSend | NotNeeded:
    """Give every account of the address a link and a code, and return the mail that names them.

    Accounts that are closed are left out, and those that got another password since somebody
    asked: that would have ended a link too. One of a directory is only told where its password is.
    """
    order = _read(payload)
    uow.trace = order.trace
    found = list_by_email(uow, order.email, limit=_MOST_ACCOUNTS)
    accounts = [a for a in _of_one_mailbox(found, order) if _may_get_one(a, order)]
    life = uow.runtime.config.realm(uow.realm).lifetimes.reset_link
    ways = [_way_of(uow, message_id, account, order) for account in accounts]
    drop_oldest(uow, [account.user_id for account in accounts])
    if not ways:
        _record(uow, order, None)
        return NotNeeded("nobody to be let back in has this address")
    return recovery_mail(uow, str(accounts[0].owner.email), ways, life)


def _of_one_mailbox(found: Sequence[Account], order: Order) -> Sequence[Account]:
    """Leave the accounts that one person reads the mail of.

    Addresses that look up alike need not be one mailbox: `strasse.example` and `straße.example`
    can belong to two people, and a mail to one of them must not open the account of the other.
    """
    boxes = {mailbox_of(str(account.owner.email)) for account in found}
    if len(boxes) == 1:
        return found
    return [a for a in found if mailbox_of(str(a.owner.email)) == order.mailbox]


def _may_get_one(account: Account, order: Order) -> bool:
    set_at = account.password.set_at if account.password else None
    return account.is_open and (set_at is None or set_at <= order.asked_at)


def _way_of(
    uow: UnitOfWork, message_id: str, account: Account, order: Order
) -> WayBack | WayElsewhere:
    if account.entry is None:
        return _give_way_back(uow, message_id, account, order)
    _record(uow, order, account.user_id)
    connector = find_connector(uow.runtime, uow.realm, account.entry.connector)
    return WayElsewhere(account.owner, connector.change_password_at if connector else None)


def _give_way_back(uow: UnitOfWork, message_id: str, account: Account, order: Order) -> WayBack:
    secret = _secret(uow, message_id, account)
    link = RawToken(base64.urlsafe_b64encode(secret).decode().rstrip("="))
    request_id = str(uuid.UUID(bytes=_secret(uow, f"{message_id} id", account)[:16]))
    code = code_from(_secret(uow, f"{message_id} code", account))
    row = uow.db.get(RecoveryRequestRow, (uow.realm, request_id))
    if row is None:
        row = new_request(uow, account.user_id, generation=account.generation)
        row.id = request_id
        row.browser_hash = order.browser_hash
        row.code_mac = mac_of_code(uow, request_id, order.browser_hash, code)
        uow.db.add(row)
        _record(uow, order, account.user_id)
    row.link_hash = hash_token(link)
    row.expires_at = uow.now + uow.runtime.config.realm(uow.realm).lifetimes.reset_link
    return WayBack(account.owner, link, show_code(code))


def _secret(uow: UnitOfWork, message: str, account: Account) -> bytes:
    """Derive a secret; after a change of address another one, for the old mailbox may have this."""
    whose = f"{account.user_id}\n{account.owner.email}"
    return uow.runtime.box.mac(f"{uow.realm}\n{message}\n{whose}".encode(), purpose=RECOVERY)


def _read(payload: Mapping[str, Any]) -> Order:
    return Order(
        email=payload["email"],
        mailbox=payload.get("mailbox", payload["email"]),  # not in one of an earlier version
        email_mac=payload["email_mac"],
        browser_hash=payload["browser_hash"],
        asked_at=datetime.fromisoformat(payload["asked_at"]),
        trace=Trace(payload["request_id"], payload["address"]),
    )


def _record(uow: UnitOfWork, order: Order, user_id: UserId | None) -> None:
    uow.record(
        Event(
            code=EventCode.PASSWORD_RESET_REQUESTED,
            subject_id=user_id,
            params={"email_mac": order.email_mac},
        )
    )
