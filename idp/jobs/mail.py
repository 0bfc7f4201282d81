"""Mails from the outbox: what each kind of message becomes, and the message that goes out."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from idp.config import Config
from idp.core.mails import MAIL
from idp.core.policy_notices import POLICY_NOTICE, make_policy_notice
from idp.core.recovery_mails import RECOVERY, make_recovery_mail
from idp.core.reset_links import CAMPAIGN_LINK, MailToSend, NotNeeded, make_campaign_mail
from idp.core.work import UnitOfWork

Compose = Callable[[UnitOfWork, str, Mapping[str, Any]], MailToSend | NotNeeded]


def _read_mail(_uow: UnitOfWork, _message_id: str, payload: Mapping[str, Any]) -> MailToSend:
    return MailToSend(payload["to"], payload["template"], payload["context"])


_LONGEST_LINE = 998  # RFC 5322 2.1.1

MESSAGES: Mapping[str, Compose] = {
    MAIL: _read_mail,
    CAMPAIGN_LINK: make_campaign_mail,
    RECOVERY: make_recovery_mail,
    POLICY_NOTICE: make_policy_notice,
}
"""Each kind of outgoing message and what makes a mail of it, in a writing unit of work."""


def write_message(config: Config, message_id: str, mail: MailToSend, now: datetime) -> EmailMessage:
    """Return the mail as it goes out; a repeat of the same message has the same Message-ID.

    Raises:
        ValueError: an address or a subject that cannot stand in a header.

    Spec: RFC 5322 3.6.4; RFC 3834 5.
    """
    subject, body = render(mail)
    host = urlsplit(config.server.public_url).hostname or "localhost"
    name, address = parseaddr(config.mail.sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{message_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, cte=_encoding_of(body))
    return message


def _encoding_of(body: str) -> str | None:
    """Return how a body travels: plainly if it may, so that links stay whole in an .eml file."""
    is_plain = body.isascii() and all(len(line) <= _LONGEST_LINE for line in body.splitlines())
    return "7bit" if is_plain else None


def render(mail: MailToSend) -> tuple[str, str]:
    """Return the subject and the plain text of a mail."""
    template = _environment().get_template(f"mail/{mail.template}.txt")
    module = template.make_module(dict(mail.context))
    subject = " ".join(str(module.subject).split())  # type: ignore[attr-defined]
    return subject, str(module).strip() + "\n"


@cache
def _environment() -> Environment:
    folder = files("idp") / "web" / "templates"
    return Environment(
        loader=FileSystemLoader(str(folder)),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text, where escaping would show
        trim_blocks=False,
    )
