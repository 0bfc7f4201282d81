"""Outgoing messages: taken under a lease, tried until they are out, never lost.

Each message is settled in a transaction of its own, so one that cannot be delivered holds up no
other. Its payload is wiped once it is out: links in it are secret.
"""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from idp.core.events import Event, EventCode
from idp.core.job_leases import backoff
from idp.core.ports import SecretBox
from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from idp.errors import ConfigError
from idp.store.jobs import OutboxRow
from idp.store.queues import Lease, TakenMessage, take_messages

LEASE = timedelta(minutes=2)
"""Longer than handing over one batch takes, with the mail server at its slowest."""

GIVE_UP_AFTER = timedelta(days=2)
_FIRST_DELAY = timedelta(seconds=10)
_MAX_DELAY = timedelta(hours=1)
_MAX_OUTCOME = 512
_BATCH = 10


def take_outgoing(runtime: Runtime, owner: str, kinds: Collection[str]) -> list[TakenMessage]:
    """Take the next few messages that are due, of any realm."""
    now = runtime.clock.now()
    return take_messages(runtime.database, Lease(owner, now, now + LEASE), kinds, limit=_BATCH)


def open_payload(box: SecretBox, message: TakenMessage) -> Mapping[str, Any]:
    """Return what a message says.

    Raises:
        ConfigError: the key it was sealed with is not in the key file.
    """
    payload: Mapping[str, Any] = json.loads(box.decrypt(message.payload, purpose="outbox"))
    return payload


def finish_message(uow: UnitOfWork, message_id: str, owner: str, outcome: str) -> None:
    """Settle a message for good: it is out, or no longer needed."""
    row = _held(uow, message_id, owner)
    if row is not None:
        _settle(uow, row, outcome)


def fail_message(uow: UnitOfWork, message: TakenMessage, owner: str, reason: str) -> None:
    """Settle a message that will never be taken, and say so in the audit trail."""
    row = _held(uow, message.id, owner)
    if row is not None:
        _give_up(uow, row, message, reason)


def retry_message(uow: UnitOfWork, message: TakenMessage, owner: str, reason: str) -> None:
    """Put a message back for later, with a growing wait; give up after `GIVE_UP_AFTER`."""
    row = _held(uow, message.id, owner)
    if row is None:
        return
    due_at = uow.now + backoff(message.attempts, _FIRST_DELAY, _MAX_DELAY)
    if due_at > row.created_at + GIVE_UP_AFTER:
        _give_up(uow, row, message, reason)
        return
    row.outcome = reason[:_MAX_OUTCOME]
    row.available_at = due_at
    _let_go(row)


def put_back_message(uow: UnitOfWork, message: TakenMessage, owner: str) -> None:
    """Give back a message that was taken but not tried."""
    row = _held(uow, message.id, owner)
    if row is not None:
        row.attempts -= 1
        _let_go(row)


def _held(uow: UnitOfWork, message_id: str, owner: str) -> OutboxRow | None:
    row = uow.db.get(OutboxRow, (uow.realm, message_id), with_for_update=True)
    if row is None or row.lease_owner != owner or row.done_at is not None:
        return None
    return row


def _give_up(uow: UnitOfWork, row: OutboxRow, message: TakenMessage, reason: str) -> None:
    _settle(uow, row, f"failed: {reason}")
    try:
        payload = open_payload(uow.runtime.box, message)
    except ConfigError:
        payload = {}
    user_id = payload.get("user_id")
    uow.record(
        Event(
            code=EventCode.MAIL_FAILED,
            subject_id=None if user_id is None else str(user_id),
            params={
                "message_id": message.id,
                "template": str(payload.get("template", message.kind)),
                "attempts": message.attempts,
                "reason": reason,
            },
        )
    )


def _settle(uow: UnitOfWork, row: OutboxRow, outcome: str) -> None:
    row.done_at = uow.now
    row.outcome = outcome[:_MAX_OUTCOME]
    row.payload = b""
    _let_go(row)


def _let_go(row: OutboxRow) -> None:
    row.lease_owner = None
    row.lease_until = None
