"""The mail page: what the server wrote to its mail folder, newest first, links to click."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from pathlib import Path

from flask import Flask, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from idp.demo.site import new_site

_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]")
_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as a person reads it."""

    to: str
    subject: str
    sent_at: str
    text: str

    @property
    def html(self) -> Markup:
        """Give the text with its addresses as links."""
        return Markup("").join(_linked(self.text))


def create_mail_site(folder: Path, url: str, *, elsewhere: str | None) -> Flask:
    """Return the web application of the mail page.

    Args:
        elsewhere: the mail server that mails really go to, when it is not the folder.
    """
    site = new_site(url)

    @site.get("/")
    def show() -> ResponseReturnValue:
        newest = _newest(folder)
        mails = list_mails(folder)
        return render_template("mail.html", mails=mails, newest=newest, elsewhere=elsewhere)

    @site.get("/newest")
    def newest() -> ResponseReturnValue:
        """Tell the page's script whether there is something new."""
        return {"newest": str(_newest(folder))}

    return site


def list_mails(folder: Path) -> list[Mail]:
    """Return the mails in the folder, newest first."""
    files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    return [_read(file) for file in files[:_MOST_SHOWN]]


def _newest(folder: Path) -> int:
    return max((file.stat().st_mtime_ns for file in folder.glob("*.eml")), default=0)


def _read(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    sent_at = message["Date"]
    return Mail(
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        sent_at=_time_of(parsedate_to_datetime(str(sent_at))) if sent_at else "",
        text="" if body is None else str(body.get_content()).strip(),
    )


def _time_of(moment: datetime) -> str:
    return moment.astimezone().strftime("%d %b, %H:%M:%S")


def _linked(text: str) -> Iterator[Markup]:
    end = 0
    for found in _LINK.finditer(text):
        yield escape(text[end : found.start()])
        yield Markup('<a href="{0}">{0}</a>').format(found[0])
        end = found.end()
    yield escape(text[end:])
