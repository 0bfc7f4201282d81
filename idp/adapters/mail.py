"""Mail to the next server, or to a folder."""

import contextlib
import hashlib
import os
import re
import secrets
import smtplib
import ssl
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from urllib.parse import unquote, urlsplit

from idp.config import is_loopback
from idp.core.ports import MailRefused, MailTemporary

TIMEOUT_S = 10
_PORTS = {"smtp": 25, "smtps": 465}
_PERMANENT = range(500, 600)
_NAME_BYTES = 16
_LINE_BREAK = re.compile(r"\0|\r(?!\n[ \t])|(?<!\r)\n(?![ \t])|\r\n(?![ \t])")
"""A NUL or a line break that does not merely fold the header (RFC 5322 2.2.3)."""


def open_mailer(url: str) -> "SmtpMailer | FolderMailer":
    """Return the mailer of `mail.url`: smtp://, smtps:// or file:DIR."""
    if url.startswith("file:"):
        return FolderMailer(Path(urlsplit(url).path))
    return SmtpMailer(url)


class SmtpMailer:
    """Hands each message to one SMTP server over a connection of its own.

    TLS is used when the scheme is smtps or the server offers STARTTLS, and its certificate is
    verified. Credentials go over TLS or loopback only.

    Spec: RFC 5321; RFC 3207; RFC 8314.
    """

    def __init__(
        self, url: str, *, timeout: float = TIMEOUT_S, tls: ssl.SSLContext | None = None
    ) -> None:
        """Take the server's address.

        Args:
            url: smtp://USER:PASSWORD@HOST:PORT or smtps://…; user and password are optional.
            timeout: seconds that each answer of the server may take.
            tls: whom to trust; the system's authorities when absent.
        """
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._timeout = timeout
        self._tls = tls or ssl.create_default_context()

    def send(self, message: EmailMessage) -> None:
        """Hand `message` to the server; its Message-ID goes out as it is.

        Raises:
            MailTemporary: the server was not reached, was too slow or said 4xx; or what is wrong
                is not the message (TLS, the sign-in, the sender).
            MailRefused: the server said 5xx to a recipient or to the content.
        """
        _refuse_injection(message)
        with _translating(), contextlib.closing(self._connect()) as server:
            self._begin(server)
            refused = server.send_message(message)
            # Taken is taken: how the server says goodbye must not lead to a second copy.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
        if refused:
            # The others have it: sending again would send to them twice.
            raise MailRefused(_told(refused.values()))

    def check(self) -> None:
        """Return when the server lets this product in; nothing is sent.

        Raises:
            MailTemporary: the server was not reached, or refuses.
        """
        with _translating(), contextlib.closing(self._connect()) as server:
            self._begin(server)
            server.noop()

    def _begin(self, server: smtplib.SMTP) -> None:
        """Greet, and change to TLS and sign in where that is to be."""
        server.ehlo_or_helo_if_needed()
        is_private = self._is_tls or is_loopback(self._host)
        if not self._is_tls and server.has_extn("starttls"):
            server.starttls(context=self._tls)
            is_private = True
        if not self._user:
            return
        if not is_private:
            reason = "the server offers no TLS, so the password was not sent"
            raise MailTemporary(reason)
        server.login(self._user, self._password)

    def _connect(self) -> smtplib.SMTP:
        if self._is_tls:
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=self._tls
            )
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout)


class FolderMailer:
    """Writes each message as an .eml file; sending the same Message-ID again replaces it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self) -> None:
        """Return when the folder, or the one it will be made in, can be written to.

        Raises:
            MailTemporary: it cannot.
        """
        folder = next(path for path in (self._folder, *self._folder.parents) if path.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            reason = f"{folder} cannot be written to"
            raise MailTemporary(reason)

    def send(self, message: EmailMessage) -> None:
        """Write `message`, whole or not at all; the folder is made when it is missing.

        Raises:
            MailTemporary: the folder cannot be written to.
        """
        _refuse_injection(message)
        identity = str(message["Message-ID"] or secrets.token_hex(_NAME_BYTES))
        name = hashlib.sha256(identity.encode()).hexdigest()[: 2 * _NAME_BYTES]
        draft = self._folder / f".{name}.{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Links to reset passwords are in here: for this user only.
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes(policy=SMTP_POLICY))
            draft.replace(self._folder / f"{name}.eml")
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise MailTemporary(str(error)) from error


@contextlib.contextmanager
def _translating() -> Iterator[None]:
    """Turn what smtplib raises into the two outcomes that the outbox knows."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        is_final = all(code in _PERMANENT for code in codes)
        outcome = MailRefused if is_final else MailTemporary
        raise outcome(_told(error.recipients.values())) from error
    except smtplib.SMTPResponseException as error:
        is_final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code in _PERMANENT
        outcome = MailRefused if is_final else MailTemporary
        raise outcome(_told([(error.smtp_code, error.smtp_error)])) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused(str(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailTemporary(str(error)) from error


def _refuse_injection(message: EmailMessage) -> None:
    """Refuse a message in which a header would break out of its line (H-03)."""
    for name, value in message.raw_items():
        if _LINE_BREAK.search(f"{name}{value}"):
            reason = f"the header {name!r} holds a line break"
            raise MailRefused(reason)


def _told(answers: Iterable[tuple[int, bytes | str]]) -> str:
    return "; ".join(
        f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
        for code, text in answers
    )
