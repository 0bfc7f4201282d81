"""Changes of accounts that a directory owns, applied: each only if it is still the one reviewed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from idp.core.directory_accounts import GONE, EntryState, take_state
from idp.core.events import Event, EventCode
from idp.core.passwords import SetBy
from idp.core.sync.addresses import Applying, arrive, follow, make_room
from idp.core.sync.change_rows import CHANGED, DONE
from idp.core.sync.logins import local_emails, taken_logins
from idp.core.users.changes import note_changed
from idp.core.work import UnitOfWork
from idp.ids import UserId, new_subject
from idp.store.directories import (
    DirectoryChangeRow,
    DirectoryLinkRow,
    DirectoryRunRow,
)
from idp.store.users import UNUSABLE, CredentialRow, UserRow

TAKEN = "skipped:login_taken"


def take_away(uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow) -> str:
    """Put an account out of use whose entry is gone."""
    link = _link_as_reviewed(uow, change)
    if link is None:
        return CHANGED
    if not take_state(uow, UserId(link.user_id), GONE, seen_at=_read_at(uow, applying, change)):
        return CHANGED
    link.run_id = applying.run_id
    link.digest = ""  # a returning entry is looked at anew
    return DONE


def update(uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow) -> str:
    """Bring an account up to what its entry says."""
    link = _link_as_reviewed(uow, change)
    if link is None:
        return CHANGED
    user = uow.db.get_one(UserRow, (uow.realm, link.user_id))
    columns: Mapping[str, Any] = change.after["columns"]
    key = columns["username_key"]
    is_taken = key != user.username_key and not _free_name(uow, applying, key)
    if is_taken:  # everything else counts all the same, above all a disable
        columns = {name: columns[name] for name in columns if not name.startswith("username")}
    differs = [name for name, value in columns.items() if getattr(user, name) != value]
    for name in differs:
        setattr(user, name, columns[name])
    note_changed(uow, user, [name for name in differs if not name.endswith("_key")])
    arrive(uow, applying, link.address_hash, change.address_hash or "")
    if link.gone_since is not None or link.address_hash != change.address_hash:
        link.run_id = applying.run_id
    link.login = change.after["login"]
    link.digest = "" if is_taken else change.digest or ""
    link.address_hash = change.address_hash or ""
    link.erased_at = None
    uow.db.flush()
    seen_at = _read_at(uow, applying, change)
    if not take_state(uow, UserId(user.id), _state(change.after), seen_at=seen_at):
        link.digest = ""  # to be looked at anew
    return TAKEN if is_taken else DONE


def create(uow: UnitOfWork, applying: Applying, changes: Sequence[DirectoryChangeRow]) -> None:
    """Make the accounts of entries that are new; one INSERT for each kind of row."""
    taken = taken_logins(uow, [change.after["columns"]["username_key"] for change in changes])
    known = _known(uow, applying, [change.stable_id for change in changes])
    ids: list[tuple[DirectoryChangeRow, str]] = []
    for change in changes:
        key = change.after["columns"]["username_key"]
        if change.stable_id in known:
            change.outcome = CHANGED
        elif key in taken and not _free_name(uow, applying, key):
            change.outcome = TAKEN
        else:
            change.outcome = DONE
            taken.add(key)
            ids.append((change, uow.new_id()))
    make_room(uow, applying, [change.address_hash or "" for change, _ in ids])
    for change, user_id in ids:
        uow.db.append(UserRow, **_user(uow, applying, change, user_id))
    uow.db.flush()
    for change, user_id in ids:
        uow.db.append(CredentialRow, **_credential(uow, change, user_id))
        uow.db.append(DirectoryLinkRow, **_link(uow, applying, change, user_id))
        told = {"username": change.after["columns"]["username"], "status": _status(change)}
        uow.record(Event(code=EventCode.USER_CREATED, subject_id=user_id, params=told))
    uow.db.flush()


def move(uow: UnitOfWork, applying: Applying, moved: Sequence[sa.Row[*tuple[Any, ...]]]) -> None:
    """Note that accounts lie somewhere else, and are otherwise as they were."""
    aside = make_room(uow, applying, [row.new for row in moved])
    follow(uow, applying, {aside.get(row.old, row.old): row.new for row in moved})
    uow.db.execute(
        sa.update(DirectoryLinkRow),
        [
            {
                "realm": uow.realm,
                "user_id": row.user_id,
                "address_hash": row.new,
                "run_id": applying.run_id,
            }
            for row in moved
        ],
    )


def _link_as_reviewed(uow: UnitOfWork, change: DirectoryChangeRow) -> DirectoryLinkRow | None:
    user_id = change.subject_id or ""
    uow.db.get(
        UserRow,
        (uow.realm, user_id),
        with_for_update={"key_share": True},
        populate_existing=True,
    )
    link = uow.db.get(
        DirectoryLinkRow,
        (uow.realm, user_id),
        with_for_update=True,
        populate_existing=True,
    )
    return link if link is not None and link.digest == change.digest_before else None


def _state(document: Mapping[str, Any]) -> EntryState:
    return EntryState(
        is_enabled=document["is_enabled"],
        must_change=document["must_change"],
        password_set_at=_moment(document["password_set_at"]),
    )


def _read_at(uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow) -> datetime:
    """Return when the directory said what a change is made of; of who is missing, not before."""
    told = _moment(change.after.get("read_at"))
    return told or uow.db.get_one(DirectoryRunRow, (uow.realm, applying.run_id)).started_at


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _known(uow: UnitOfWork, applying: Applying, ids: Sequence[str]) -> set[str]:
    query = sa.select(DirectoryLinkRow.stable_id).where(
        DirectoryLinkRow.connector == applying.connector, DirectoryLinkRow.stable_id.in_(ids)
    )
    return set(uow.db.scalars(query))


def _free_name(uow: UnitOfWork, applying: Applying, key: str) -> bool:
    """Tell whether a login may be given away now, and take it from who has it until this run.

    Only somebody of this directory loses it, who is gone or gets another one in this run.
    """
    if local_emails(uow, [key]):
        return False
    holder = uow.db.scalars(
        sa.select(UserRow).where(UserRow.username_key == key).with_for_update(key_share=True)
    ).one_or_none()
    if holder is None:
        return True
    if holder.connector != applying.connector or not _gives_up(uow, applying, holder.id, key):
        return False
    holder.username = f"{holder.username[:200]} ({holder.id})"
    holder.username_key = f"{key[:200]} ({holder.id})"
    uow.db.flush()
    return True


def _gives_up(uow: UnitOfWork, applying: Applying, user_id: str, key: str) -> bool:
    link = uow.db.get(DirectoryLinkRow, (uow.realm, user_id))
    if link is not None and link.gone_since is not None:
        return True
    change = DirectoryChangeRow
    query = sa.select(change.after).where(
        change.run_id == applying.run_id,
        change.subject_id == user_id,
        change.op.in_(("update", "enable", "disable")),
        change.outcome.is_(None),
    )
    after = uow.db.scalars(query).first()
    return after is not None and after["columns"]["username_key"] != key


def _status(change: DirectoryChangeRow) -> str:
    return "active" if change.after["is_enabled"] else "inactive"


def _user(
    uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow, user_id: str
) -> dict[str, object]:
    empty = dict.fromkeys(
        (
            *("email", "email_key", "given_name", "family_name", "name"),
            *("phone_number", "locale", "zoneinfo"),
        )
    )
    return {
        **empty,
        **change.after["columns"],
        "id": user_id,
        "sub": new_subject(),
        "email_verified": False,
        "connector": applying.connector,
        "status": _status(change),
        "epoch": 1,
        "credential_epoch": 1,
        "credential_generation": 1,
        "version": 1,
        "created_at": uow.now,
        "updated_at": uow.now,
    }


def _credential(uow: UnitOfWork, change: DirectoryChangeRow, user_id: str) -> dict[str, object]:
    return {
        "user_id": user_id,
        "hash": UNUSABLE,
        "set_at": _moment(change.after["password_set_at"]) or uow.now,
        "set_by": SetBy.DIRECTORY.value,
        "must_change": change.after["must_change"],
    }


def _link(
    uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow, user_id: str
) -> dict[str, object]:
    return {
        "user_id": user_id,
        "connector": applying.connector,
        "stable_id": change.stable_id,
        "login": change.after["login"],
        "address_hash": change.address_hash,
        "digest": change.digest,
        "is_disabled": not change.after["is_enabled"],
        "is_removed": False,
        "checked_at": _read_at(uow, applying, change),
        "run_id": applying.run_id or None,
    }
