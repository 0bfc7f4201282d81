"""One run over a directory: everything, what changed, or only who is there."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

from connectors.ldap import changes
from connectors.ldap.changes import Synchronised
from connectors.ldap.entries import EntryReader, GroupReader
from connectors.ldap.messages import Found, Search
from connectors.ldap.paging import read_pages
from connectors.ldap.session import Session
from connectors.ldap.settings import LdapSettings, Scope
from connectors.ldap.wire import Deadline
from connectors.port import CursorRefused
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


class LdapRead:
    """A run on one server; each reading has a connection of its own.

    Two paged searches on one connection would end each other, silently.
    """

    def __init__(self, settings: LdapSettings, open_session: Callable[[], Session]) -> None:
        self._settings = settings
        self._open = open_session
        self._timeout = settings.connecting.read_timeout
        self._people = EntryReader(settings)
        self._groups = GroupReader(settings, settings.groups) if settings.groups else None
        self._searches = [search_of(settings.people, self._people.attributes)]
        if settings.groups and self._groups:
            self._searches.append(search_of(settings.groups.scope, self._groups.attributes))
        self._scope = changes.fingerprint(*self._searches)
        with closing(open_session()) as session:
            self.cursor: Cursor | None = self._present_cursor(session)

    def entries(self) -> Iterator[DirectoryEntry | RejectedEntry]:
        """Yield every account in scope."""
        for found in self._pages(self._searches[0], self._settings.page_size):
            yield self._people.read(found)

    def groups(self) -> Iterator[DirectoryGroup | RejectedEntry]:
        """Yield every group in scope."""
        if self._groups is not None:
            for found in self._pages(self._searches[1], _GROUPS_ON_A_PAGE):
                yield self._groups.read(found)

    def sweep(self) -> Iterator[Sighting | RejectedEntry]:
        """Yield id and address of every account in scope; asks for nothing else."""
        only_id = (self._settings.dialect.id_attribute,)
        search = search_of(self._settings.people, only_id)
        for found in self._pages(search, self._settings.page_size):
            yield self._people.sight(found)

    def changes(self, since: Cursor) -> DirectoryChanges:
        """Return what changed; a renamed OU is not told for those below it, a sweep finds them.

        Raises:
            CursorRefused: the server cannot tell.
        """
        cookies = changes.read_cursor(since, self._scope, len(self._searches))
        if self.cursor is None:
            reason = "the server does not tell what changed"
            raise CursorRefused(reason)
        with closing(self._open()) as session:
            told = [
                changes.synchronise(session, search, cookie, self._timeout)
                for search, cookie in zip(self._searches, cookies, strict=True)
            ]
        return self._translate(told)

    def _translate(self, told: list[Synchronised]) -> DirectoryChanges:
        people = [self._people.read(found) for found in told[0].changed]
        groups = [
            self._groups.read(found) for each in told[1:] for found in each.changed if self._groups
        ]
        return DirectoryChanges(
            people=_changed([e for e in people if isinstance(e, DirectoryEntry)], told[0]),
            groups=_changed([g for g in groups if isinstance(g, DirectoryGroup)], *told[1:]),
            rejected=tuple(e for e in (*people, *groups) if isinstance(e, RejectedEntry)),
            cursor=changes.write_cursor(self._scope, [each.cookie for each in told]),
        )

    def _pages(self, search: Search, size: int) -> Iterator[Found]:
        with closing(self._open()) as session:
            for page in read_pages(session, search, size=size, timeout=self._timeout):
                yield from page

    def _present_cursor(self, session: Session) -> Cursor | None:
        """Return where changes begin now, before anything is read."""
        deadline = Deadline(self._settings.connecting.deadline)
        found = [changes.present_cookie(session, s.base, deadline) for s in self._searches]
        cookies = [cookie for cookie in found if cookie is not None]
        return changes.write_cursor(self._scope, cookies) if len(cookies) == len(found) else None


def _changed(entries: Iterable[T], told: Synchronised | None = None) -> Changed[T]:
    """Return what was told of one scope; of none that nothing changed."""
    if told is None:
        return Changed()
    return Changed(
        entries=tuple(entries),
        gone=frozenset(told.gone),
        unchanged=frozenset(told.unchanged) if told.is_listing else None,
    )
