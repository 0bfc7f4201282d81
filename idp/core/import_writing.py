"""The rows of a file written: one batch is one transaction."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from idp.core.directory_groups import refuse_directory_groups
from idp.core.group_names import find_group_ids
from idp.core.groups import add_members, create_group, group_names, set_groups
from idp.core.import_matching import Known, Match, match_rows
from idp.core.import_rows import ImportRow
from idp.core.names import name_key
from idp.core.passwords import PreparedPassword, SetBy, Setting, store_prepared
from idp.core.profiles import Problems
from idp.core.users.changes import (
    change_columns,
    flush_user,
    note_changed,
    refuse_directory_logins,
    require_own_columns,
)
from idp.core.users.creation import add_default_name, add_user, give_first_password
from idp.core.users.states import deactivate_user, lock_user, reactivate_user, unlock_user
from idp.core.users.views import UserStatus, status_of
from idp.core.work import UnitOfWork
from idp.errors import Conflict
from idp.ids import UserId
from idp.store.users import UserRow


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """A row that may be written, with its password if it has one to bring."""

    row: ImportRow
    prepared: PreparedPassword | None = field(repr=False)


@dataclass(slots=True)
class Written:
    """What became of a batch: `counts` by `created updated unchanged passwords_kept`."""

    counts: Counter[str] = field(default_factory=Counter)
    new_groups: list[str] = field(default_factory=list)


def write_rows(uow: UnitOfWork, ready: Sequence[ReadyRow]) -> Written:
    """Write rows: new users, and what is different about known ones.

    Raises:
        IdpError: one of the rows cannot be written; the unit of work is over.
    """
    written = Written()
    group_ids = _make_groups(uow, ready, written)
    matches = match_rows(uow, [one.row for one in ready], to_write=True)
    refuse_directory_logins(uow, set(map(_new_email, ready, matches)))
    new: list[tuple[UserId, ReadyRow]] = []
    known: list[tuple[Known, ReadyRow]] = []
    for one, match in zip(ready, matches, strict=True):
        match match:
            case None:
                new.append((_add(uow, one.row), one))
            case Known():
                known.append((match, one))
            case str():
                raise Conflict("import.ambiguous", reason=match)
            case _:
                assert_never(match)
    _finish_new(uow, new, group_ids)
    written.counts["created"] = len(new)
    _change_known(uow, known, written.counts)
    return written


def _make_groups(uow: UnitOfWork, ready: Sequence[ReadyRow], written: Written) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in (name for one in ready for name in one.row.groups or ()):
        names.setdefault(name_key(name), name)
    if not names:
        return {}
    ids = find_group_ids(uow, names)
    for key, name in names.items():
        if key not in ids:
            ids[key] = create_group(uow, name).id
            written.new_groups.append(name)
    return ids


def _new_email(one: ReadyRow, match: Match) -> str | None:
    """Return the key of an address that an account of ours does not have yet."""
    if not isinstance(match, Known):
        return one.row.email_key
    is_other = match.user.connector is None and match.user.email_key != one.row.email_key
    return one.row.email_key if is_other else None


def _add(uow: UnitOfWork, row: ImportRow) -> UserId:
    columns, problems = dict(row.columns), Problems()
    add_default_name(uow.realm, columns, problems)
    problems.refuse()
    return add_user(uow, columns, status=row.status or UserStatus.ACTIVE)


def _finish_new(
    uow: UnitOfWork, new: Sequence[tuple[UserId, ReadyRow]], group_ids: dict[str, str]
) -> None:
    flush_user(uow)
    joining: defaultdict[str, list[UserId]] = defaultdict(list)
    for user_id, one in new:
        give_first_password(uow, user_id, one.prepared, _setting(one.row))
        for name in one.row.groups or ():
            joining[group_ids[name_key(name)]].append(user_id)
    refuse_directory_groups(uow, joining)
    add_members(uow, joining)
    uow.db.flush()


def _change_known(
    uow: UnitOfWork, known: Sequence[tuple[Known, ReadyRow]], counts: Counter[str]
) -> None:
    groups = group_names(uow, [match.user.id for match, _ in known]) if known else {}
    for match, one in known:
        user_id = UserId(match.user.id)
        require_own_columns(match.user, one.row.columns)
        changed = change_columns(uow, match.user, one.row.columns)
        is_other = _is_other(one.row.groups, groups.get(user_id, ()))
        if is_other and set_groups(uow, user_id, one.row.groups or ()):
            changed.append("groups")
        note_changed(uow, match.user, changed)
        has_moved = _set_status(uow, match.user, one.row.status)
        if match.is_waiting and one.prepared is not None:
            store_prepared(uow, user_id, one.prepared, _setting(one.row))
            has_moved = True
        counts["updated" if changed or has_moved else "unchanged"] += 1
        counts["passwords_kept"] += match.has_password and one.row.has_password


def _is_other(said: tuple[str, ...] | None, present: tuple[str, ...]) -> bool:
    return said is not None and set(map(name_key, said)) != set(map(name_key, present))


def _set_status(uow: UnitOfWork, user: UserRow, status: UserStatus | None) -> bool:
    if status is None or status is status_of(user):
        return False
    user_id = UserId(user.id)
    if status is UserStatus.INACTIVE:
        deactivate_user(uow, user_id)
        return True
    if status is UserStatus.LOCKED:
        lock_user(uow, user_id)
    elif user.locked_at is not None:
        unlock_user(uow, user_id)
    reactivate_user(uow, user_id)
    return True


def _setting(row: ImportRow) -> Setting:
    return Setting(source=SetBy.IMPORT, must_change=row.must_change)
