"""One run over a directory: everything, what changed, or only who is there."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TypeVar, assert_never

from connectors.ldap.changes import SyncFeed
from connectors.ldap.completion import Completion
from connectors.ldap.cursors import Feed, Told
from connectors.ldap.dialect import CursorKind
from connectors.ldap.entries import EntryReader, GroupReader
from connectors.ldap.messages import Found, Search
from connectors.ldap.names import escape_value
from connectors.ldap.paging import read_pages
from connectors.ldap.session import Session
from connectors.ldap.settings import MEMBER_UID, LdapSettings, Scope
from connectors.ldap.stamps import EntryUsnFeed, Reading, TimeFeed, UsnFeed
from connectors.port import CursorRefused, Now
from connectors.records import (
    Changed,
    Cursor,
    DirectoryChanges,
    DirectoryEntry,
    DirectoryGroup,
    RejectedEntry,
    Sighting,
)

T = TypeVar("T")

_LOGINS_IN_A_FILTER = 100
_GROUPS_ON_A_PAGE = 50
"""Groups may be large, and a page is held in memory."""


def search_of(scope: Scope, attributes: tuple[str, ...]) -> Search:
    """Return the search for what is in a scope."""
    return Search(
        base=scope.base,
        filter=scope.filter,
        scope="one" if scope.is_flat else "subtree",
        attributes=attributes,
    )


def searches_of(settings: LdapSettings) -> list[Search]:
    """Return the search for accounts, and that for groups when they are read."""
    searches = [search_of(settings.people, EntryReader(settings).attributes)]
    if settings.groups:
        reader = GroupReader(settings, settings.groups)
        searches.append(search_of(settings.groups.scope, reader.attributes))
    return searches


def feed_of(settings: LdapSettings, open_session: Callable[[], Session]) -> Feed:
    """Return how the server of these settings tells what changed."""
    searches, timeout = searches_of(settings), settings.connecting.read_timeout
    reading = Reading(open_session=open_session, timeout=timeout)
    match settings.dialect.cursor:
        case CursorKind.SYNC:
            return SyncFeed(searches, open_session, timeout)
        case CursorKind.USN:
            return UsnFeed(searches, reading)
        case CursorKind.ENTRY_USN:
            return EntryUsnFeed(searches, reading)
        case CursorKind.TIME:
            return TimeFeed(searches, reading)
        case never:
            assert_never(never)


class LdapRead:
    """A run on one server; each reading has a connection of its own.

    Two paged searches on one connection would end each other, silently.
    """

    def __init__(
        self, settings: LdapSettings, open_session: Callable[[], Session], now: Now
    ) -> None:
        self._settings = settings
        self._open = open_session
        self._now = now
        self._people = EntryReader(settings)
        self._groups = GroupReader(settings, settings.groups) if settings.groups else None
        self._searches = searches_of(settings)
        self._feed = feed_of(settings, open_session)
        with closing(open_session()) as session:
            self.cursor: Cursor | None = self._feed.present(session)

    def entries(self) -> Iterator[DirectoryEntry | RejectedEntry]:
        """Yield every account in scope."""
        for found in self._pages(self._searches[0], self._settings.page_size):
            yield self._people.read(found, self._now())

    def groups(self) -> Iterator[DirectoryGroup | RejectedEntry]:
        """Yield every group in scope."""
        if self._groups is not None:
            for found in self._pages(self._searches[1], _GROUPS_ON_A_PAGE):
                yield self._groups.read(found)

    def sweep(self) -> Iterator[Sighting | RejectedEntry]:
        """Yield id and address of every account in scope; asks for nothing else."""
        only_ids = tuple(each.name for each in self._settings.dialect.ids)
        search = search_of(self._settings.people, only_ids)
        for found in self._pages(search, self._settings.page_size):
            yield self._people.sight(found)

    def changes(self, since: Cursor) -> DirectoryChanges:
        """Return what changed; a renamed OU is not told for those below it, a sweep finds them.

        Raises:
            CursorRefused: the server cannot tell.
        """
        if self.cursor is None:
            reason = f"the server does not tell what changed: {self._feed.needs}"
            raise CursorRefused(reason)
        told, cursor = self._feed.since(since)
        people = [self._people.read(found, self._now()) for found in self._whole(told[0].changed)]
        changed = [found for each in told[1:] for found in each.changed]
        changed += self._naming([each.login for each in people if isinstance(each, DirectoryEntry)])
        groups = [self._groups.read(found) for found in self._whole(changed) if self._groups]
        return DirectoryChanges(
            people=_changed([e for e in people if isinstance(e, DirectoryEntry)], told[0]),
            groups=_changed(_once(g for g in groups if isinstance(g, DirectoryGroup)), *told[1:]),
            rejected=tuple(e for e in (*people, *groups) if isinstance(e, RejectedEntry)),
            cursor=cursor,
        )

    def _pages(self, search: Search, size: int) -> Iterator[Found]:
        timeout = self._settings.connecting.read_timeout
        with closing(self._open()) as session, self._completion() as completion:
            pages = read_pages(session, search, size=size, timeout=timeout)
            yield from completion.complete(pages)

    def _naming(self, logins: list[str]) -> list[Found]:
        """Return the groups that name people by these logins, whether they changed or not."""
        groups, found = self._settings.groups, list[Found]()
        if groups is None or groups.member_attribute != MEMBER_UID:
            return found
        for start in range(0, len(logins), _LOGINS_IN_A_FILTER):
            some = logins[start : start + _LOGINS_IN_A_FILTER]
            anyone = "".join(f"({MEMBER_UID}={escape_value(login.encode())})" for login in some)
            naming = replace(self._searches[1], filter=f"(&{groups.scope.filter}(|{anyone}))")
            with closing(self._open()) as session:
                timeout = self._settings.connecting.read_timeout
                for page in read_pages(session, naming, size=_GROUPS_ON_A_PAGE, timeout=timeout):
                    found += page
        return found

    def _whole(self, changed: list[Found]) -> list[Found]:
        with self._completion() as completion:
            return list(completion.complete([changed]))

    def _completion(self) -> Completion:
        return Completion(self._settings, self._open)


def _once(groups: Iterable[DirectoryGroup]) -> list[DirectoryGroup]:
    return list({group.stable_id: group for group in groups}.values())


def _changed(entries: Iterable[T], told: Told | None = None) -> Changed[T]:
    """Return what was told of one scope; of none that nothing changed."""
    if told is None:
        return Changed()
    return Changed(
        entries=tuple(entries),
        gone=frozenset(told.gone),
        unchanged=frozenset(told.unchanged) if told.is_listing else None,
    )
