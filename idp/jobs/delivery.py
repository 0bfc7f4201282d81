"""Delivering the outbox: each message on its own, at least once, until somebody takes it."""

import logging
import threading
from datetime import timedelta

from idp.core.outbox import (
    LEASE,
    fail_message,
    finish_message,
    open_payload,
    put_back_message,
    retry_message,
    take_outgoing,
)
from idp.core.ports import MailRefused, MailTemporary
from idp.core.reset_links import NotNeeded
from idp.core.runtime import Runtime
from idp.core.work import SYSTEM
from idp.errors import IdpError
from idp.jobs.mail import MESSAGES, write_message
from idp.store.queues import TakenMessage

_SLOWEST_SEND = timedelta(seconds=30)

_log = logging.getLogger(__name__)


class Delivery:
    """One worker's side of the outbox."""

    def __init__(self, runtime: Runtime, owner: str) -> None:
        self._runtime = runtime
        self._owner = owner

    def deliver_some(self, stop: threading.Event) -> int:
        """Try the next few messages that are due; return how many were taken."""
        begun_at = self._runtime.clock.now()
        taken = take_outgoing(self._runtime, self._owner, MESSAGES)
        for message in taken:
            is_late = self._runtime.clock.now() > begun_at + LEASE - _SLOWEST_SEND
            if is_late or stop.is_set():
                with self._runtime.begin(message.realm, actor=SYSTEM) as uow:
                    put_back_message(uow, message, self._owner)
            else:
                self._deliver(message)
        return len(taken)

    def _deliver(self, message: TakenMessage) -> None:
        try:
            outcome = self._send(message)
        except MailRefused as error:
            self._give_up(message, str(error) or "refused")
        except MailTemporary as error:
            self._put_off(message, str(error) or "not taken now")
        except IdpError as error:
            self._put_off(message, f"{error.code} {error.detail or ''}".strip())
        except Exception as error:  # noqa: BLE001 - one message must not stop the others
            _log.exception("message %s cannot be sent", message.id)
            self._put_off(message, type(error).__name__)
        else:
            with self._runtime.begin(message.realm, actor=SYSTEM) as uow:
                finish_message(uow, message.id, self._owner, outcome)

    def _send(self, message: TakenMessage) -> str:
        runtime = self._runtime
        payload = open_payload(runtime.box, message)
        with runtime.begin(message.realm, actor=SYSTEM) as uow:
            mail = MESSAGES[message.kind](uow, message.id, payload)
        if isinstance(mail, NotNeeded):
            return f"not needed: {mail.reason}"
        now = runtime.clock.now()
        runtime.mailer.send(write_message(runtime.config, message.id, mail, now))
        return "sent"

    def _give_up(self, message: TakenMessage, reason: str) -> None:
        with self._runtime.begin(message.realm, actor=SYSTEM) as uow:
            fail_message(uow, message, self._owner, reason)

    def _put_off(self, message: TakenMessage, reason: str) -> None:
        with self._runtime.begin(message.realm, actor=SYSTEM) as uow:
            retry_message(uow, message, self._owner, reason)
