"""Mails, composed for the outbox: to whom, which template, and what it says.

The payload of a message of kind `mail` is `{"to", "template", "context"}`; `template` names a file
in `templates/mail` and `context` holds what the head of that file asks for, as plain JSON. It is
rendered when it is sent. Links stand in it in clear, which is why the outbox is encrypted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from idp.core.accounts import EntryOf, Owner
from idp.core.reset_links import MailToSend
from idp.core.work import Message, UnitOfWork
from idp.ids import RawToken

MAIL = "mail"
"""The kind of an outbox message that is a mail."""

How = Literal["self", "recovery", "administrator"]


@dataclass(frozen=True, slots=True)
class WayBack:
    """One account's way to a new password: its link, and the code to type instead."""

    owner: Owner
    link: RawToken
    code: str


@dataclass(frozen=True, slots=True)
class WayElsewhere:
    """An account whose password a directory keeps: an address or a sentence, if there is one."""

    owner: Owner
    where: str | None


def recovery_mail(
    uow: UnitOfWork, to: str, ways: Iterable[WayBack | WayElsewhere], life: timedelta
) -> MailToSend:
    """Return the one mail that names each account of an address with its own link and code."""
    accounts = [_way(uow, way) for way in ways]
    context = {"realm": _realm(uow), "accounts": accounts, "minutes": _minutes(life)}
    return MailToSend(to, "recovery", context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """What awaits a user: from `until` on a change is asked, or only that the password be checked.

    `because` is the end of a sentence.
    """

    until: datetime
    is_change: bool
    because: str
    is_reminder: bool


def policy_notice_mail(uow: UnitOfWork, owner: Owner, to: str, deadline: Deadline) -> MailToSend:
    """Return the mail that tells a user what a stricter policy will ask, and when."""
    context = {
        "realm": _realm(uow),
        "username": owner.username,
        "name": owner.given_name or owner.name,
        "until": _moment(deadline.until, owner),
        "is_change": deadline.is_change,
        "because": deadline.because,
        "is_reminder": deadline.is_reminder,
        "change_url": _address(uow, "/account/password"),
    }
    return MailToSend(to, "policy_notice", context)


def mail_reset_link(uow: UnitOfWork, owner: Owner, link: RawToken, life: timedelta) -> None:
    """Send the link with which an administrator lets a user choose a password."""
    _enqueue_to(
        uow,
        owner,
        "reset_link",
        link=_address(uow, f"/reset-password/{link}"),
        hours=_hours(life),
    )


def mail_password_changed(
    uow: UnitOfWork, owner: Owner, how: How, entry: EntryOf | None = None
) -> None:
    """Tell a user that the password is another one now, and what to do about it if need be.

    Args:
        entry: whose password it is, when a directory keeps it.
    """
    _enqueue_to(
        uow,
        owner,
        "password_changed",
        how=how,
        changed_at=_moment(uow.now, owner),
        **_where_to_change(uow, entry),
        **_origin(uow, how),
    )


def mail_shared_secret_changed(uow: UnitOfWork, owner: Owner, not_me: RawToken) -> None:
    """Tell a user that somebody left the shared password behind, with a link that locks."""
    _enqueue_to(
        uow,
        owner,
        "shared_secret_changed",
        changed_at=_moment(uow.now, owner),
        not_me_url=_address(uow, f"/not-me/{not_me}"),
        **_origin(uow, "self"),
    )


def mail_account_locked(
    uow: UnitOfWork,
    owner: Owner,
    cause: Literal["administrator", "not_me", "attempts"],
    entry: EntryOf | None = None,
) -> None:
    """Tell a user that the account is locked, or that failed attempts have stopped its password.

    Args:
        entry: see `mail_password_changed`.
    """
    _enqueue_to(uow, owner, "account_locked", cause=cause, **_where_to_change(uow, entry))


def mail_email_changed(uow: UnitOfWork, owner: Owner) -> None:
    """Tell the address that an account had until now (`owner.email`) that it has another one."""
    _enqueue_to(uow, owner, "email_changed", changed_at=_moment(uow.now, owner))


def _way(uow: UnitOfWork, way: WayBack | WayElsewhere) -> dict[str, object]:
    if isinstance(way, WayElsewhere):
        return {"username": way.owner.username, "link": None, "where": way.where}
    link = _address(uow, f"/reset-password/{way.link}")
    return {"username": way.owner.username, "link": link, "code": way.code}


def _enqueue_to(uow: UnitOfWork, owner: Owner, template: str, **context: object) -> None:
    if owner.email is None:
        return
    name = owner.given_name or owner.name
    _enqueue(uow, owner.email, template, username=owner.username, name=name, **context)


def _enqueue(uow: UnitOfWork, to: str, template: str, **context: object) -> None:
    payload = {"to": to, "template": template, "context": {"realm": _realm(uow), **context}}
    uow.enqueue(Message(kind=MAIL, payload=payload))


def _realm(uow: UnitOfWork) -> dict[str, str]:
    return {"name": uow.realm, "display_name": uow.runtime.config.realm(uow.realm).display_name}


def _address(uow: UnitOfWork, path: str) -> str:
    return uow.runtime.config.issuer(uow.realm) + path


def _where_to_change(uow: UnitOfWork, entry: EntryOf | None) -> dict[str, object]:
    """Return our page, or where the directory lets its people change their passwords."""
    if entry is None:
        return {"forgot_url": _address(uow, "/forgot-password")}
    connector = uow.runtime.config.connectors_of(uow.realm).get(entry.connector)
    return {"forgot_url": None, "where": connector.change_password_at if connector else None}


def _origin(uow: UnitOfWork, how: How) -> dict[str, object]:
    """Return where a change came from; an administrator's place is not the user's affair."""
    return {"address": None if how == "administrator" else uow.trace.address}


def _moment(moment: datetime, owner: Owner) -> str:
    local = moment.astimezone(_zone(owner.zoneinfo))
    return f"{local.day} {local:%B %Y at %H:%M %Z}"


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):  # not a zone, or none that this machine knows
        return UTC


def _minutes(life: timedelta) -> int:
    return max(1, int(life.total_seconds() // 60))


def _hours(life: timedelta) -> int:
    return max(1, int(life.total_seconds() // 3600))
