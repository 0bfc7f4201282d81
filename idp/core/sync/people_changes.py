"""What a run would change among the accounts that a directory owns."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from idp.core.sync.change_rows import BATCH, Rows, Tally, change_row, last_key
from idp.core.sync.logins import local_emails
from idp.core.sync.runs import Reading
from idp.core.sync.sightings import same_entry
from idp.core.sync.staging import GONE, REJECTED, SEEN, USER
from idp.core.work import UnitOfWork
from idp.store.directories import DirectoryChangeRow, DirectoryLinkRow, DirectoryStageRow
from idp.store.users import CredentialRow, UserRow

_NOT_SHOWN = ("username_key", "email_key")
_FREE = ""
"""Stands for "a login that becomes free in this run"."""


def _links_without(
    uow: UnitOfWork, reading: Reading, after: str
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return links whose entry a listing of everybody did not name."""
    link, stage = DirectoryLinkRow, DirectoryStageRow
    named = sa.exists().where(
        stage.realm == link.realm,
        stage.run_id == reading.run_id,
        stage.kind.in_((USER, SEEN, REJECTED)),
        stage.stable_id == link.stable_id,
    )
    return uow.db.execute(_open_links(reading, after).where(sa.not_(named))).all()


def _open_links(reading: Reading, after: str) -> sa.Select[*tuple[Any, ...]]:
    link = DirectoryLinkRow
    return (
        sa.select(link.stable_id, link.user_id, link.login, link.digest)
        .where(link.connector == reading.name, link.gone_since.is_(None), link.stable_id > after)
        .order_by(link.stable_id)
        .limit(BATCH)
    )


def _gone_rows(rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> Rows:
    return [
        change_row(
            "gone", row.stable_id, row.login, subject_id=row.user_id, digest_before=row.digest
        )
        for row in rows
    ]


def missing_people(
    uow: UnitOfWork, reading: Reading, after: str, _tally: Tally
) -> tuple[Rows, str | None]:
    """Find whose entry a listing of everybody did not name."""
    rows = _links_without(uow, reading, after)
    return _gone_rows(rows), last_key(rows)


def named_gone_people(
    uow: UnitOfWork, reading: Reading, after: str, tally: Tally
) -> tuple[Rows, str | None]:
    """Find who left by name; with a complete list of who stayed, also who is on neither."""
    stage = DirectoryStageRow
    has_list = sa.select(stage.stable_id).where(stage.run_id == reading.run_id, stage.kind == SEEN)
    if uow.db.scalar(has_list.limit(1)) is not None:
        return missing_people(uow, reading, after, tally)
    named = sa.select(stage.stable_id).where(stage.run_id == reading.run_id, stage.kind == GONE)
    rows = uow.db.execute(
        _open_links(reading, after).where(DirectoryLinkRow.stable_id.in_(named))
    ).all()
    return _gone_rows(rows), last_key(rows)


def changed_people(
    uow: UnitOfWork, reading: Reading, after: str, tally: Tally
) -> tuple[Rows, str | None]:
    """Find who is different, as far as this run mapped it anew."""
    stage, link = DirectoryStageRow, DirectoryLinkRow
    query = (
        sa.select(stage, link, UserRow, CredentialRow.must_change)
        .join(link, same_entry())
        .join(UserRow, sa.and_(UserRow.realm == link.realm, UserRow.id == link.user_id))
        .outerjoin(
            CredentialRow,
            sa.and_(CredentialRow.realm == link.realm, CredentialRow.user_id == link.user_id),
        )
        .where(
            stage.run_id == reading.run_id,
            stage.kind == USER,
            stage.login_key.is_not(None),
            link.connector == reading.name,
            stage.stable_id > after,
        )
        .order_by(stage.stable_id)
        .limit(BATCH)
    )
    found = uow.db.execute(query).all()
    rows = [_difference(staged, entry, user, must, tally) for staged, entry, user, must in found]
    uow.db.flush()
    uow.db.expunge_all()
    return rows, found[-1][0].stable_id if len(found) == BATCH else None


def _difference(
    staged: DirectoryStageRow,
    link: DirectoryLinkRow,
    user: UserRow,
    must_change: bool | None,  # noqa: FBT001 - a column
    tally: Tally,
) -> dict[str, object]:
    document: Mapping[str, Any] = staged.document
    columns: Mapping[str, Any] = document["columns"]
    differs = [name for name, value in columns.items() if getattr(user, name) != value]
    shown = [name for name in differs if name not in _NOT_SHOWN]
    before: dict[str, object] = {name: getattr(user, name) for name in shown}
    after: dict[str, object] = {name: columns[name] for name in shown}
    if bool(must_change) != document["must_change"]:
        before["must_change"], after["must_change"] = bool(must_change), document["must_change"]
    op = "update"
    if link.is_disabled == document["is_enabled"]:
        op = "enable" if document["is_enabled"] else "disable"
    tally.counts["lost_email"] += int(user.email is not None and columns.get("email") is None)
    tally.counts["renamed"] += int("username_key" in differs)
    tally.counts["left_out"] += int(bool(document["left_out"]))
    return change_row(
        op,
        staged.stable_id,
        document["login"],
        subject_id=link.user_id,
        address_hash=staged.address_hash,
        digest=staged.digest,
        digest_before=link.digest,
        before=before,
        after={**document, "shown": after},
    )


def new_people(
    twins: Collection[str], uow: UnitOfWork, reading: Reading, after: str, tally: Tally
) -> tuple[Rows, str | None]:
    """Find who is new, and whether the login is free or becomes so.

    Args:
        twins: the logins of this run that no entry may have, as of `find_twins`.
    """
    stage, link = DirectoryStageRow, DirectoryLinkRow
    known = sa.exists().where(
        link.realm == stage.realm,
        link.connector == reading.name,
        link.stable_id == stage.stable_id,
    )
    query = (
        sa.select(
            stage.stable_id, stage.address_hash, stage.digest, stage.login_key, stage.document
        )
        .where(
            stage.run_id == reading.run_id,
            stage.kind == USER,
            stage.login_key.is_not(None),
            stage.stable_id > after,
            sa.not_(known),
        )
        .order_by(stage.stable_id)
        .limit(BATCH)
    )
    found = uow.db.execute(query).all()
    holders = _holders(uow, reading, [row.login_key for row in found])
    rows = []
    for row in found:
        holder = holders.get(row.login_key)
        reason = "two entries have this login" if row.login_key in twins else None
        if holder is not None and holder != _FREE:
            reason = holder
        tally.counts["replaced"] += int(holder == _FREE)
        tally.counts["left_out"] += int(bool(row.document["left_out"]))
        rows.append(
            change_row(
                "conflict" if reason else "create",
                row.stable_id,
                row.document["login"],
                address_hash=row.address_hash,
                digest=row.digest,
                after=row.document,
                reason=reason,
            )
        )
    return rows, last_key(found)


def _holders(uow: UnitOfWork, reading: Reading, keys: Sequence[str]) -> dict[str, str]:
    """Return of each login that somebody has why it is taken, or `_FREE` if it becomes free."""
    link, change = DirectoryLinkRow, DirectoryChangeRow
    leaving = sa.exists().where(
        change.realm == UserRow.realm,
        change.run_id == reading.run_id,
        change.subject_id == UserRow.id,
        change.op == "gone",
    )
    query = (
        sa.select(
            UserRow.username_key,
            UserRow.connector,
            sa.or_(link.gone_since.is_not(None), leaving).label("is_free"),
        )
        .outerjoin(link, sa.and_(link.realm == UserRow.realm, link.user_id == UserRow.id))
        .where(UserRow.username_key.in_(keys))
    )
    renamed = _renamed_away(uow, reading, keys)
    found: dict[str, str] = {}
    for row in uow.db.execute(query):
        if row.connector == reading.name and (row.is_free or row.username_key in renamed):
            found[row.username_key] = _FREE
        elif row.connector is None:
            found[row.username_key] = "a local account has this login"
        else:
            found[row.username_key] = "another account has this login"
    for key in local_emails(uow, keys):
        found[key] = found.get(key) or "a local account has this login as its e-mail address"
    return found


def _renamed_away(uow: UnitOfWork, reading: Reading, keys: Sequence[str]) -> set[str]:
    """Return those of the logins whose holder gets another one in this run."""
    change = DirectoryChangeRow
    query = (
        sa.select(UserRow.username_key, change.after)
        .join(change, sa.and_(change.realm == UserRow.realm, change.subject_id == UserRow.id))
        .where(
            change.run_id == reading.run_id,
            UserRow.username_key.in_(keys),
            change.op.in_(("update", "enable", "disable")),
        )
    )
    return {key for key, after in uow.db.execute(query) if after["columns"]["username_key"] != key}


def find_twins(uow: UnitOfWork, reading: Reading) -> frozenset[str]:
    """Return the logins that several entries of this run have."""
    stage = DirectoryStageRow
    query = (
        sa.select(stage.login_key)
        .where(stage.run_id == reading.run_id, stage.kind == USER, stage.login_key.is_not(None))
        .group_by(stage.login_key)
        .having(sa.func.count() > 1)
    )
    return frozenset(key for key in uow.db.scalars(query) if key is not None)


def rejected_people(
    uow: UnitOfWork, reading: Reading, after: str, _tally: Tally
) -> tuple[Rows, str | None]:
    """Tell which entries were no accounts, and why."""
    stage = DirectoryStageRow
    found = uow.db.execute(
        sa.select(stage.stable_id, stage.document)
        .where(stage.run_id == reading.run_id, stage.kind == REJECTED, stage.stable_id > after)
        .order_by(stage.stable_id)
        .limit(BATCH)
    ).all()
    rows = [
        change_row(
            "rejected", row.stable_id, row.document["login"], reason=row.document["reason"][:256]
        )
        for row in found
    ]
    return rows, last_key(found)
