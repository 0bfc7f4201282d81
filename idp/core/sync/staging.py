"""What a run reads, written down a batch at a time; nothing of it counts before the run is over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from connectors.records import DirectoryEntry, DirectoryGroup, RejectedEntry, Sighting
from idp.core.sync.mapping import (
    MappedEntry,
    NoAccount,
    address_hash,
    entry_digest,
    group_digest,
    map_entry,
)
from idp.core.sync.runs import Reading, keep_alive
from idp.core.work import UnitOfWork
from idp.store.directories import (
    DirectoryGroupRow,
    DirectoryLinkRow,
    DirectoryStageMemberRow,
)
from idp.store.directory_stage import write_staged
from idp.store.users import UserRow

T = TypeVar("T")

BATCH = 1000
_MEMBERS_AT_ONCE = 10_000
USER, GROUP, SEEN, REJECTED = "user", "group", "seen", "rejected"
GONE, GONE_GROUP, SEEN_GROUP = "gone", "gone_group", "seen_group"
WITHOUT_ID = "address "
"""What the id of an entry begins with that told none."""
NOTHING = "-"
"""The digest of what was only named."""


def stage_people(
    reading: Reading,
    found: Iterable[DirectoryEntry | RejectedEntry],
    *,
    asked_at: datetime | None = None,
) -> int:
    """Write down accounts, mapped unless they are as they were; return how many.

    Args:
        asked_at: when the directory was asked for them, where `found` does not ask as it goes.
    """
    count = 0
    now = reading.runtime.clock.now
    # A batch may begin with what is left of a page that was asked for with the one before.
    earlier = latest = now()
    for batch in _batches(found):
        with reading.runtime.begin(reading.realm) as uow:
            keep_alive(uow, reading, len(batch))
            entries = {e.stable_id: e for e in batch if isinstance(e, DirectoryEntry)}
            known = _known_people(uow, reading, list(entries))
            read_at = asked_at or earlier
            rows = [
                _person(reading, entry, known.get(id_), read_at) for id_, entry in entries.items()
            ]
            rows += [_rejected(entry) for entry in batch if isinstance(entry, RejectedEntry)]
            count += _write(uow, reading, rows)
        earlier, latest = latest, now()
    return count


def stage_groups(reading: Reading, found: Iterable[DirectoryGroup | RejectedEntry]) -> int:
    """Write down groups, with their members unless they are as they were; return how many rows."""
    count = 0
    for batch in _batches(found, size=50):
        with reading.runtime.begin(reading.realm) as uow:
            keep_alive(uow, reading)
            groups = {g.stable_id: g for g in batch if isinstance(g, DirectoryGroup)}
            known = _known_groups(uow, reading, list(groups))
            count += _write(uow, reading, [_group(group) for group in groups.values()])
            for group in groups.values():
                if known.get(group.stable_id) != group_digest(group):
                    count += _write_members(uow, reading, group)
    return count


def stage_sightings(reading: Reading, found: Iterable[Sighting | RejectedEntry]) -> int:
    """Write down who is there, and where; return how many."""
    count = 0
    for batch in _batches(found):
        with reading.runtime.begin(reading.realm) as uow:
            keep_alive(uow, reading, len(batch))
            rows = [
                _row(SEEN, one.stable_id, address_hash(one.address))
                if isinstance(one, Sighting)
                else _rejected(one)
                for one in batch
            ]
            count += _write(uow, reading, rows)
    return count


def stage_ids(reading: Reading, kind: str, ids: Iterable[str]) -> int:
    """Write down ids that were named without anything else: `SEEN`, `GONE` and those of groups.

    Returns:
        How many.
    """
    count = 0
    for batch in _batches(ids):
        with reading.runtime.begin(reading.realm) as uow:
            keep_alive(uow, reading)
            count += _write(uow, reading, [_row(kind, stable_id, NOTHING) for stable_id in batch])
    return count


def _batches(found: Iterable[T], *, size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(found)
    while batch := list(islice(iterator, size)):
        yield batch


def _known_people(
    uow: UnitOfWork, reading: Reading, ids: Sequence[str]
) -> dict[str, sa.Row[*tuple[Any, ...]]]:
    query = (
        sa.select(
            DirectoryLinkRow.stable_id,
            DirectoryLinkRow.digest,
            DirectoryLinkRow.gone_since,
            UserRow.email,
        )
        .join(
            UserRow,
            sa.and_(
                UserRow.realm == DirectoryLinkRow.realm, UserRow.id == DirectoryLinkRow.user_id
            ),
        )
        .where(DirectoryLinkRow.connector == reading.name, DirectoryLinkRow.stable_id.in_(ids))
    )
    return {row.stable_id: row for row in uow.db.execute(query)}


def _known_groups(uow: UnitOfWork, reading: Reading, ids: Sequence[str]) -> dict[str, str]:
    query = sa.select(DirectoryGroupRow.stable_id, DirectoryGroupRow.digest).where(
        DirectoryGroupRow.connector == reading.name, DirectoryGroupRow.stable_id.in_(ids)
    )
    return {row.stable_id: row.digest for row in uow.db.execute(query)}


def _person(
    reading: Reading,
    entry: DirectoryEntry,
    known: sa.Row[*tuple[Any, ...]] | None,
    read_at: datetime,
) -> dict[str, object]:
    digest = entry_digest(entry, reading.scope)
    where = address_hash(entry.address)
    if known is not None and known.digest == digest and known.gone_since is None:
        return _row(USER, entry.stable_id, where, digest=digest)
    stored_email = None if known is None else known.email
    mapped = map_entry(entry, reading.connector, stored_email=stored_email)
    if isinstance(mapped, NoAccount):
        told = {"reason": mapped.reason, "login": entry.login[:256]}
        return _row(REJECTED, entry.stable_id, where, document=told)
    document = document_of(entry, mapped, read_at)
    key = str(mapped.columns["username_key"])
    return _row(USER, entry.stable_id, where, digest=digest, login_key=key, document=document)


def document_of(entry: DirectoryEntry, mapped: MappedEntry, read_at: datetime) -> dict[str, object]:
    """Return what would be stored of an account, and when it was read."""
    set_at = entry.password_set_at
    return {
        "columns": dict(mapped.columns),
        "login": entry.login[:256],
        "left_out": list(mapped.left_out),
        "is_enabled": entry.is_enabled,
        "must_change": entry.must_change,
        "password_set_at": set_at.isoformat() if set_at else None,
        "read_at": read_at.isoformat(),
    }


def _group(group: DirectoryGroup) -> dict[str, object]:
    return _row(
        GROUP,
        group.stable_id,
        address_hash(group.address),
        digest=group_digest(group),
        document={"name": group.name},
    )


def _rejected(entry: RejectedEntry) -> dict[str, object]:
    where = address_hash(entry.address)
    told = {"reason": entry.reason, "login": ""}
    return _row(REJECTED, entry.stable_id or f"{WITHOUT_ID}{where}", where, document=told)


def _row(
    kind: str,
    stable_id: str,
    where: str,
    *,
    digest: str = NOTHING,
    login_key: str | None = None,
    document: Mapping[str, object] | None = None,
) -> dict[str, object]:
    return {
        "kind": kind,
        "stable_id": stable_id,
        "address_hash": where,
        "digest": digest,
        "login_key": login_key,
        "document": dict(document or {}),
    }


def _write(uow: UnitOfWork, reading: Reading, rows: Sequence[Mapping[str, object]]) -> int:
    """Write rows and return how many; of two with one kind and id, the last counts."""
    last = {(row["kind"], row["stable_id"]): row for row in rows}
    write_staged(uow.db, uow.realm, reading.run_id, list(last.values()))
    return len(last)


def _write_members(uow: UnitOfWork, reading: Reading, group: DirectoryGroup) -> int:
    row = DirectoryStageMemberRow
    uow.db.execute(
        sa.delete(row).where(row.run_id == reading.run_id, row.stable_id == group.stable_id),
        execution_options={"synchronize_session": False},
    )
    found = {address_hash(member) for member in group.members}
    for members in _batches(found, size=_MEMBERS_AT_ONCE):
        for member in members:
            uow.db.append(
                row, run_id=reading.run_id, stable_id=group.stable_id, address_hash=member
            )
        uow.db.flush()
    return len(found)
