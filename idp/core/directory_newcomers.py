"""People whom a directory has and nobody here knows yet, made when they sign in (DECISIONS 23).

Only where `just_in_time` is on and a plan with these settings was applied. The guess is counted
first, as any; then the login is looked up, and its entry asked about the password. The account is
made by what makes those of a run, and only for whom the directory let in. What is a conflict for a
run is a name that nobody has here. So is a login that the directory finds by another spelling: each
spelling would have a count of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

import sqlalchemy as sa

from connectors.port import ConnectorError, LoginAmbiguous
from connectors.records import DirectoryEntry
from idp.config import Connector
from idp.core.accounts import EntryOf
from idp.core.directory_sign_in import (
    DirectoryDown,
    ask_directory,
    find_verifier,
    note_silence,
    refusal_by,
)
from idp.core.guess_turns import (
    Begin,
    Turn,
    count_turn,
    give_turn_back,
    given_back_on_error,
    refuse_turn,
    release_turn,
)
from idp.core.guesses import Guess, Refusal
from idp.core.names import find_key
from idp.core.parts import Parts
from idp.core.runtime import Runtime
from idp.core.sync import people_acts
from idp.core.sync.addresses import Applying
from idp.core.sync.change_rows import DONE
from idp.core.sync.logins import taken_logins
from idp.core.sync.mapping import (
    MappedEntry,
    NoAccount,
    address_hash,
    entry_digest,
    map_entry,
    scope_digest,
)
from idp.core.sync.memberships import affected_groups, join_group
from idp.core.sync.runs import hold_directory
from idp.core.sync.staging import document_of
from idp.core.uniqueness import one_of_a_kind
from idp.core.work import SYSTEM, UnitOfWork
from idp.errors import Conflict
from idp.ids import RealmName
from idp.store.directories import (
    DirectoryChangeRow,
    DirectoryLinkRow,
    DirectoryMemberRow,
    DirectoryRow,
)
from idp.store.users import UserRow


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An entry that has no account yet, of which directory, and when that was asked."""

    name: str
    connector: Connector
    entry: DirectoryEntry
    seen_at: datetime

    @property
    def entry_of(self) -> EntryOf:
        """Give which entry of which directory it is."""
        return EntryOf(self.name, self.entry.stable_id)


class Met(Enum):
    """What came of somebody whom nobody knew: there is an account now, or a refusal on record."""

    KNOWN = auto()
    REFUSED = auto()


def takes_newcomers(parts: Parts, realm: RealmName) -> bool:
    """Tell whether somebody whom nobody knows here may be in a directory of the realm."""
    return any(each.just_in_time for each in parts.config.connectors_of(realm).values())


def take_in(
    runtime: Runtime, realm: RealmName, begin: Begin, guess: Guess, typed: tuple[str, str]
) -> Met | Refusal | DirectoryDown:
    """Make the account of somebody whom a directory of the realm has and lets in.

    Args:
        typed: login and password, as they were typed.

    Returns:
        What came of a guess that was counted; or why it was refused before that.
    """
    with begin() as uow:
        turn = count_turn(uow, guess)
    if isinstance(turn, Refusal):
        return turn
    met = _meet(runtime, realm, begin, turn, typed)
    if isinstance(met, DirectoryDown):
        return met
    refusal = _make(begin, turn, met) if isinstance(met, Newcomer) else met
    if refusal is None:
        return Met.KNOWN
    with begin() as uow:
        if refusal is Refusal.UNKNOWN and _is_known(uow, typed[0]):
            give_turn_back(uow, turn)
            return Met.KNOWN
        refuse_turn(uow, turn, refusal)
    return Met.REFUSED


def _meet(
    runtime: Runtime, realm: RealmName, begin: Begin, turn: Turn, typed: tuple[str, str]
) -> Newcomer | Refusal | DirectoryDown:
    """Find whom a login means, and ask the directory about the password."""
    with given_back_on_error(begin, turn):
        found = _find(runtime, realm, begin, typed[0])
    if isinstance(found, DirectoryDown):
        note_silence(begin, turn)
        return found
    if found is None:
        return Refusal.UNKNOWN
    verifier = find_verifier(runtime, realm, found.entry_of)
    if isinstance(verifier, Refusal):
        return verifier
    told = ask_directory(runtime, begin, verifier, found.entry_of, turn, typed[1])
    if isinstance(told, DirectoryDown):
        return told
    entry, refusal = told.said.entry, refusal_by(told.said)
    if refusal is not None or entry is None:  # no entry where nothing was asked
        return refusal or Refusal.WRONG
    return replace(found, entry=entry, seen_at=told.asked_at)


def _make(begin: Begin, turn: Turn, newcomer: Newcomer) -> Refusal | None:
    """Make an account; None when it is there, though somebody else were faster."""
    try:
        with given_back_on_error(begin, turn), begin() as uow:
            release_turn(uow, turn)
            return None if _make_account(uow, newcomer) else Refusal.UNKNOWN
    except Conflict:
        return None


def _make_account(uow: UnitOfWork, newcomer: Newcomer) -> bool:
    """Make the account of an entry, in the groups that the last run saw it in.

    Raises:
        Conflict: `user.exists`: somebody else made it, or one with its login, at the same time.
    """
    entry, connector = newcomer.entry, newcomer.connector
    mapped = _mapped(uow, newcomer)
    if mapped is None:
        return False
    where = address_hash(entry.address)
    change = DirectoryChangeRow(
        stable_id=entry.stable_id,
        address_hash=where,
        digest=entry_digest(entry, scope_digest(connector)),
        after=document_of(entry, mapped, newcomer.seen_at),
    )
    uow.act_as(SYSTEM)
    hold_directory(uow, newcomer.name)  # no run that is being applied changes lists meanwhile
    with one_of_a_kind("user.exists"):
        people_acts.create(uow, Applying(newcomer.name, ""), [change])
    if change.outcome != DONE:
        return False
    link, member = DirectoryLinkRow, DirectoryMemberRow
    own = sa.select(link.user_id).where(
        link.connector == newcomer.name, link.stable_id == entry.stable_id
    )
    user_id = uow.db.scalars(own).one()
    listing = uow.db.scalars(sa.select(member.group_id).where(member.address_hash == where)).all()
    for group in affected_groups(uow, newcomer.name, "", listing):
        join_group(uow, group, user_id)
    return True


def _find(
    runtime: Runtime, realm: RealmName, begin: Begin, login: str
) -> Newcomer | DirectoryDown | None:
    """Return the one entry of all directories that has a login and may become an account."""
    with begin() as uow:
        directories = _open_directories(uow)
    found: list[Newcomer] = []
    for name, connector in directories.items():
        seen_at = runtime.clock.now()
        try:
            entry = runtime.directories.source(name).find_by_login(login)
        except LoginAmbiguous:
            return None
        except ConnectorError as error:
            runtime.outages.note_failed(name, runtime.clock.now())
            return DirectoryDown(detail=error.reason)
        runtime.outages.note_answered(name)
        if entry is not None:
            found.append(Newcomer(name, connector, entry, seen_at))
    if len(found) != 1:
        return None
    with begin() as uow:
        mapped = _mapped(uow, found[0])
    is_as_typed = mapped is not None and mapped.columns["username_key"] == find_key(login)
    return found[0] if is_as_typed else None


def _open_directories(uow: UnitOfWork) -> Mapping[str, Connector]:
    """Return the directories that take newcomers and of which these settings were applied."""
    rows = uow.db.execute(sa.select(DirectoryRow.name, DirectoryRow.scope_digest))
    applied = {row.name: row.scope_digest for row in rows}
    return {
        name: connector
        for name, connector in uow.runtime.config.connectors_of(uow.realm).items()
        if connector.just_in_time and applied.get(name) == scope_digest(connector)
    }


def _is_known(uow: UnitOfWork, login: str) -> bool:
    """Tell whether somebody has a login since it was looked up here."""
    key = find_key(login)
    return uow.db.scalar(sa.select(UserRow.id).where(UserRow.username_key == key)) is not None


def _mapped(uow: UnitOfWork, newcomer: Newcomer) -> MappedEntry | None:
    """Return what would be stored of an entry; None if it is known, or its login taken."""
    entry, name = newcomer.entry, newcomer.name
    mapped = map_entry(entry, newcomer.connector, stored_email=None)
    if isinstance(mapped, NoAccount):
        return None
    link = DirectoryLinkRow
    known = sa.select(link.user_id).where(link.connector == name, link.stable_id == entry.stable_id)
    login = str(mapped.columns["username_key"])
    is_free = uow.db.scalar(known) is None and not taken_logins(uow, [login])
    return mapped if is_free else None
