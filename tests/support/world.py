"""A whole runtime over a real database: both realms, a policy, real adapters, cheap hashes.

`open_world` gives a `World`: the runtime, a clock that moves when told to, and short ways to put
users, sessions and policies in place and to read what happened.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import sqlalchemy as sa

from idp.adapters.breaches import BreachLists
from idp.adapters.common_passwords import CommonPasswordList
from idp.adapters.directories import DirectorySources
from idp.adapters.hashing import PasswordHasher
from idp.adapters.secretbox import KeyFileBox
from idp.adapters.strength import ZxcvbnMeter
from idp.clock import FakeClock
from idp.config import Config
from idp.core.names import name_key
from idp.core.policies import default_enforcement
from idp.core.policy_versions import asks_for_groups
from idp.core.recovery_mails import RECOVERY, make_recovery_mail
from idp.core.reset_links import NotNeeded
from idp.core.runtime import Runtime
from idp.core.sessions import begin_session
from idp.core.work import SYSTEM, Trace, UnitOfWork
from idp.ids import RawToken, RealmName, SessionId, UserId, new_subject
from idp.store.audit import AuditEventRow
from idp.store.jobs import OutboxRow
from idp.store.policies import PolicyVersionRow
from idp.store.realms import RealmRow
from idp.store.session import Database
from idp.store.users import CredentialRow, UserRow
from policy.model import PolicyVersion
from policy.parse import digest, parse

STAFF = RealmName("staff")
PORTAL = RealmName("portal")
PUBLIC_URL = "http://localhost:8080"
PASSWORD = "correct horse battery"
"""What users of `World.add_user` have when the test does not care."""

ORDINARY_POLICY: Mapping[str, object] = {
    "enforcement": "noncompliant",
    "rules": {"length": {"min": 8, "max": 256}, "differs_from_current": {}},
}
_KEY_ID, _KEY = b"\x00\x00\x00\x01", b"k" * 32


@dataclass
class CollectedMail:
    """A mail server far away that takes everything."""

    messages: list[EmailMessage] = field(default_factory=list)

    def send(self, message: EmailMessage) -> None:
        """Take one message."""
        self.messages.append(message)


@dataclass
class RecordedPause:
    """A clock beside the wall that only waiting moves, and a wait that takes no time."""

    waits: list[float] = field(default_factory=list)

    def seconds(self) -> float:
        """Return how long was waited."""
        return sum(self.waits)

    def wait(self, seconds: float) -> None:
        """Note a wait."""
        self.waits.append(seconds)


@dataclass
class World:
    """One running product, seen from inside."""

    runtime: Runtime
    clock: FakeClock
    mail: CollectedMail

    def begin(
        self, realm: RealmName = STAFF, *, write: bool = True
    ) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work as the system."""
        return self.runtime.begin(realm, write=write, actor=SYSTEM)

    def advance(self, **step: float) -> None:
        """Move the clock on, e.g. `advance(minutes=5)`."""
        self.clock.advance(timedelta(**step))

    def publish_policy(self, document: Mapping[str, object], *, realm: RealmName = STAFF) -> int:
        """Make `document` the realm's next policy version and return its number."""
        with self.begin(realm) as uow:
            row = uow.db.get_one(RealmRow, realm)
            number: int = row.policy_version + 1
            row.policy_version = number
            policy = _add_policy(uow, number, document)
            row.policy_by_group = asks_for_groups(uow, policy, before=number - 1)
            return number

    def add_user(
        self,
        username: str,
        password: str | None = PASSWORD,
        *,
        realm: RealmName = STAFF,
        user: Mapping[str, object] | None = None,
        credential: Mapping[str, object] | None = None,
    ) -> UserId:
        """Add an account whose password the current policy accepted; return its id.

        Args:
            password: None for an account without a credential.
            user: columns of `UserRow` that differ, e.g. `{"email": None}`.
            credential: columns of `CredentialRow` that differ, e.g. `{"must_change": True}`.
        """
        stored = None if password is None else self.runtime.hasher.hash(password)
        with self.begin(realm) as uow:
            user_id = uow.new_id()
            uow.db.add(UserRow(**_user_columns(uow, user_id, username) | dict(user or {})))
            uow.db.flush()
            if stored is not None:
                columns: dict[str, object] = {
                    "user_id": user_id,
                    "hash": stored,
                    "set_at": uow.now,
                    "set_by": "self",
                    "judged_under": uow.db.get_one(RealmRow, realm).policy_version,
                }
                uow.db.add(CredentialRow(**columns | dict(credential or {})))
        return UserId(user_id)

    def change_user(self, user_id: str, *, realm: RealmName = STAFF, **columns: object) -> None:
        """Set columns of an account, as an administrator elsewhere would."""
        with self.begin(realm) as uow:
            uow.db.execute(sa.update(UserRow).where(UserRow.id == user_id).values(**columns))

    def change_credential(
        self, user_id: str, *, realm: RealmName = STAFF, **columns: object
    ) -> None:
        """Set columns of a credential."""
        with self.begin(realm) as uow:
            uow.db.execute(
                sa.update(CredentialRow).where(CredentialRow.user_id == user_id).values(**columns)
            )

    def user(self, user_id: str, *, realm: RealmName = STAFF) -> UserRow:
        """Return an account as it is stored now."""
        with self.begin(realm, write=False) as uow:
            row: UserRow = uow.db.get_one(UserRow, (realm, user_id))
            return row

    def credential(self, user_id: str, *, realm: RealmName = STAFF) -> CredentialRow:
        """Return a credential as it is stored now."""
        with self.begin(realm, write=False) as uow:
            row: CredentialRow = uow.db.get_one(CredentialRow, (realm, user_id))
            return row

    def begin_session(
        self, user_id: UserId, *, realm: RealmName = STAFF
    ) -> tuple[SessionId, RawToken]:
        """Sign a user in without the sign-in page; return the `sid` and the cookie's secret."""
        epoch = self.user(user_id, realm=realm).epoch
        with self.begin(realm) as uow:
            return begin_session(uow, user_id, epoch=epoch)

    def events(self, *, realm: RealmName = STAFF) -> list[AuditEventRow]:
        """Return the audit trail of a realm, oldest first."""
        with self.begin(realm, write=False) as uow:
            return list(
                uow.db.scalars(
                    sa.select(AuditEventRow).order_by(AuditEventRow.at, _as_written(uow))
                )
            )

    def event_codes(self, *, realm: RealmName = STAFF) -> list[str]:
        """Return the codes of the audit trail, oldest first."""
        return [row.code for row in self.events(realm=realm)]

    def outbox(self, *, realm: RealmName = STAFF, kind: str = "mail") -> list[dict[str, Any]]:
        """Return the opened payloads of what waits in the outbox, oldest first.

        Recovery mails that were asked for are made now, as a worker does when it sends them.
        """
        box = self.runtime.box
        with self.begin(realm) as uow:
            rows = uow.db.scalars(
                sa.select(OutboxRow)
                .where(OutboxRow.done_at.is_(None))
                .order_by(OutboxRow.created_at, _as_written(uow))
            ).all()
            for row in rows:
                if row.kind == RECOVERY:
                    _make_recovery_mail(uow, row)
            return [
                json.loads(box.decrypt(row.payload, purpose="outbox"))
                for row in rows
                if row.kind == kind and row.done_at is None
            ]

    def count(self, row: type[Any], *, realm: RealmName = STAFF) -> int:
        """Return how many rows of a kind the realm has."""
        with self.begin(realm, write=False) as uow:
            return len(list(uow.db.scalars(sa.select(row))))


@contextmanager
def open_world(
    database_url: str,
    clock: FakeClock | None = None,
    *,
    policy: Mapping[str, object] = ORDINARY_POLICY,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[World]:
    """Give a world over a fresh, migrated database; everything is closed at the end.

    Args:
        policy: version 1 of both realms.
        settings: sections of the configuration that differ, e.g.
            `{"limits": {"sign_in_per_account": "3/PT15M"}}`.
    """
    world = make_world(database_url, clock or FakeClock(), policy=policy, settings=settings)
    try:
        yield world
    finally:
        world.runtime.directories.close()
        world.runtime.database.close()


def make_world(
    database_url: str,
    clock: FakeClock,
    *,
    policy: Mapping[str, object] = ORDINARY_POLICY,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> World:
    """Return a world whose realms are in place; the caller closes its database."""
    mail = CollectedMail()
    runtime = make_runtime(database_url, clock, mailer=mail, settings=settings)
    for name, realm in runtime.config.realms.items():
        with runtime.begin(RealmName(name), actor=SYSTEM) as uow:
            if uow.db.get(RealmRow, name) is None:
                uow.db.add(RealmRow(name=name, display_name=realm.display_name, created_at=uow.now))
                uow.db.flush()
                _add_policy(uow, 1, policy)
    return World(runtime, clock, mail)


def make_runtime(
    database_url: str,
    clock: FakeClock,
    *,
    mailer: CollectedMail | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> Runtime:
    """Return a runtime with real adapters, except for the mail server and the clock."""
    config = make_config(database_url, settings)
    box = KeyFileBox({_KEY_ID: _KEY})
    database = Database(config.database.url.reveal())
    return Runtime(
        config=config,
        directories=DirectorySources(config.connectors, box, clock, database),
        pause=RecordedPause(),
        database=database,
        clock=clock,
        hasher=PasswordHasher(
            memory_kib=config.hashing.memory_kib,
            time_cost=config.hashing.time_cost,
            parallelism=config.hashing.parallelism,
            max_concurrent=config.hashing.max_concurrent,
            max_waiting=config.hashing_waiters,
        ),
        box=box,
        common_passwords=CommonPasswordList(),
        strength_meter=ZxcvbnMeter(),
        breached_passwords=BreachLists(url=config.breaches.url, file=config.breaches.file),
        mailer=mailer or CollectedMail(),
    )


def make_config(
    database_url: str, settings: Mapping[str, Mapping[str, object]] | None = None
) -> Config:
    """Return a configuration for tests: loopback, cheap argon2."""
    document: dict[str, dict[str, object]] = {
        "server": {"public_url": PUBLIC_URL},
        "database": {"url": database_url},
        "mail": {"url": "smtp://localhost:25", "sender": "TimeTrak <id@example.com>"},
        "hashing": {
            "memory_kib": 8,
            "time_cost": 1,
            "parallelism": 1,
            "max_concurrent": 4,
            "max_waiting": 1000,
        },
    }
    for section, values in (settings or {}).items():
        document[section] = document.get(section, {}) | dict(values)
    return Config.model_validate(document)


def trace_from(address: str) -> Trace:
    """Return the trace of a request from a network address."""
    return Trace(request_id="test", address=address, user_agent="Test/1.0")


def _make_recovery_mail(uow: UnitOfWork, row: OutboxRow) -> None:
    """Do what a worker does with an order for a recovery mail, up to handing it over."""
    box = uow.runtime.box
    order = json.loads(box.decrypt(row.payload, purpose="outbox"))
    mail = make_recovery_mail(uow, row.id, order)
    if isinstance(mail, NotNeeded):
        row.done_at = uow.now
        return
    made = {"to": mail.to, "template": mail.template, "context": dict(mail.context)}
    row.kind = "mail"
    row.payload = box.encrypt(json.dumps(made).encode(), purpose="outbox")


def _as_written(uow: UnitOfWork) -> sa.ColumnElement[Any]:
    """Order rows of one moment, for the clock stands still, by where the database put them."""
    is_sqlite = uow.runtime.database.is_sqlite
    return sa.literal_column("rowid" if is_sqlite else "ctid")


def _add_policy(uow: UnitOfWork, number: int, document: Mapping[str, object]) -> PolicyVersion:
    policy = parse(
        document,
        number=number,
        default_enforcement=default_enforcement(uow.realm),
        rules=uow.runtime.rules,
    )
    uow.db.add(
        PolicyVersionRow(
            number=number,
            document=dict(document),
            digest=digest(policy),
            origin="init",
            created_at=uow.now,
        )
    )
    return policy


def _user_columns(uow: UnitOfWork, user_id: str, username: str) -> dict[str, object]:
    email = f"{username.lower()}@example.com"
    return {
        "id": user_id,
        "sub": new_subject(),
        "username": username,
        "username_key": name_key(username),
        "email": email,
        "email_key": email,
        "email_verified": True,
        "created_at": uow.now,
        "updated_at": uow.now,
    }
