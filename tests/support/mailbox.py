"""A mail server on the loopback interface that can also misbehave."""

import asyncio
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum, auto

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import LOOPBACK, free_port

_TAKEN = "250 OK"
_SILENCE_SECONDS = 0.05


class Behaviour(Enum):
    """What the server does with those who want to hand over mail."""

    ACCEPT = auto()
    REFUSE = auto()
    """Nobody listens: connections are refused."""
    TARPIT = auto()
    """Greets, then never answers."""
    TRY_LATER = auto()
    """Answers 451 to the message: temporary."""
    REJECT = auto()
    """Answers 550 to the recipient: for ever."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it was handed over."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def text(self) -> str:
        """Give the plain text of the message."""
        body = self.message.get_body(("plain",))
        if body is None:
            raise AssertionError("the message has no plain text part")
        content: str = body.get_content()
        return content


class SmtpServer:
    """A mail server whose behaviour a test may switch at any time."""

    def __init__(self) -> None:
        self.port = free_port()
        self._behaviour = Behaviour.ACCEPT
        self._deliveries: list[Delivery] = []
        self._arrived = threading.Condition()
        self._controller: Controller | None = None
        self._listen()

    @property
    def url(self) -> str:
        """Give the address as `mail.url` in the configuration takes it."""
        return f"smtp://{LOOPBACK}:{self.port}"

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Give everything that was accepted so far, oldest first."""
        with self._arrived:
            return tuple(self._deliveries)

    def behave(self, behaviour: Behaviour) -> None:
        """Treat everybody in this way from now on."""
        self._behaviour = behaviour
        if behaviour is Behaviour.REFUSE:
            self.stop()
        elif self._controller is None:
            self._listen()

    def list_mail_to(self, address: str) -> tuple[Delivery, ...]:
        """Return what was accepted for `address` so far, oldest first."""
        return tuple(d for d in self.deliveries if address in d.recipients)

    def mail_to(self, address: str, *, number: int = 1, seconds: float = 10.0) -> Delivery:
        """Return the mail with this `number` (from 1) to `address`, waiting for it to arrive."""
        with self._arrived:
            if self._arrived.wait_for(lambda: len(self._to(address)) >= number, seconds):
                return self._to(address)[number - 1]
        others = sorted({to for d in self.deliveries for to in d.recipients})
        reason = f"no mail {number} to {address} within {seconds:g} s; only {others}"
        raise AssertionError(reason)

    def stop(self) -> None:
        """Listen no longer."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def _to(self, address: str) -> list[Delivery]:
        return [d for d in self._deliveries if address in d.recipients]

    def _listen(self) -> None:
        self._controller = Controller(self, hostname=LOOPBACK, port=self.port)
        self._controller.start()

    # What aiosmtpd calls; the names are its own.

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Greet back, or keep silent for as long as the server is a tar pit."""
        del server, envelope
        while self._behaviour is Behaviour.TARPIT:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(_SILENCE_SECONDS)
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or reject it for ever."""
        del server, session, options
        if self._behaviour is Behaviour.REJECT:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return _TAKEN

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take the message, or ask to come back later."""
        del server, session
        if self._behaviour is Behaviour.TRY_LATER:
            return "451 4.3.0 try again later"
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
        with self._arrived:
            self._deliveries.append(
                Delivery(str(envelope.mail_from), tuple(envelope.rcpt_tos), message)
            )
            self._arrived.notify_all()
        return _TAKEN
