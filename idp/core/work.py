"""The unit of work: one transaction of one realm, with its events and its outgoing messages.

The change, its audit event and its messages commit together or not at all. An answer commits, an
exception rolls back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from idp.core.events import Event
from idp.core.parts import Parts
from idp.ids import RealmName, new_id
from idp.store.audit import AuditEventRow
from idp.store.jobs import OutboxRow
from idp.store.session import RealmSession

_MAX_TEXT = 2048

ActorKind = Literal["anonymous", "user", "client", "host", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `host` is the command line, `system` a job.

    Who may not give roles cannot change who is in a group that does. `signed_in_at` is when an
    administrator typed the password; None for whoever is not asked for one.
    """

    kind: ActorKind
    id: str | None = None
    may_give_roles: bool = True
    signed_in_at: datetime | None = None


ANONYMOUS = Actor("anonymous")
HOST = Actor("host")
SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a request came from."""

    request_id: str | None = None
    address: str | None = None
    user_agent: str | None = None


NO_TRACE = Trace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that leaves the house after the commit; `payload` is JSON and is encrypted."""

    kind: str
    payload: Mapping[str, object]
    available_at: datetime | None = None


@dataclass(slots=True)
class UnitOfWork:
    """One open transaction of one realm.

    Attributes:
        db: the realm-filtered session.
        now: the moment this unit began; every time it writes is this one.
    """

    runtime: Parts
    realm: RealmName
    db: RealmSession
    now: datetime
    actor: Actor
    trace: Trace
    events: list[Event] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def new_id(self) -> str:
        """Return a UUIDv7 of this unit's moment."""
        return new_id(int(self.now.timestamp() * 1000))

    def act_as(self, actor: Actor) -> None:
        """Name the actor once it has been authenticated."""
        self.actor = actor

    def record(self, event: Event) -> None:
        """Write an audit event in this transaction."""
        self.events.append(event)
        self.db.append(
            AuditEventRow,
            id=self.new_id(),
            code=event.code.value,
            at=self.now,
            actor_kind=self.actor.kind,
            actor_id=self.actor.id,
            subject_id=event.subject_id,
            client_id=event.client_id,
            address=self.trace.address,
            request_id=self.trace.request_id,
            params={key: _bounded(value) for key, value in event.params.items()},
        )

    def enqueue(self, message: Message) -> None:
        """Put a message into the outbox in this transaction."""
        self.db.add(
            OutboxRow(
                id=self.new_id(),
                kind=message.kind,
                payload=self.runtime.box.encrypt(
                    json.dumps(dict(message.payload)).encode(), purpose="outbox"
                ),
                available_at=message.available_at or self.now,
                created_at=self.now,
            )
        )


def _bounded(value: object) -> object:
    return value[:_MAX_TEXT] if isinstance(value, str) else value
