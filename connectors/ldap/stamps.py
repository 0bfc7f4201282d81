"""What changed since a cursor, by a stamp that each entry bears: a number, or a time.

Who left the scope bears none, so a sweep finds out; Active Directory also shows what was deleted to
an account that may see it. A stamp means something on one server only.

Spec: MS-ADTS 3.1.1.1.9 (uSNChanged), 3.1.1.4.1.10 (deleted objects); RFC 4512 3.4.2
(modifyTimestamp).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta

from connectors.ldap import controls
from connectors.ldap.cursors import Told, fingerprint, read_cursor, refuse, write_cursor
from connectors.ldap.dialect import read_guid
from connectors.ldap.messages import Found, Search
from connectors.ldap.paging import read_pages
from connectors.ldap.results import Code
from connectors.ldap.rootdse import read_entry, read_root
from connectors.ldap.session import Session
from connectors.ldap.values import Attributes, first, read_integer, read_time, write_time
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryMisconfigured
from connectors.records import Cursor

MOST_ENTRIES = 50_000
"""That may have changed; with more, a full read is as good and holds one page in memory."""
OVERLAP = timedelta(seconds=60)
"""Changes of this time before the cursor are told again: times have a resolution of a second, and
a change may be stamped before it can be seen."""

NUMBERS_AGAIN = 50
"""Changes of so many numbers before the cursor are told again: a 389 server counts a change before
it can be seen."""

_PAGE = 500
_DELETED = "cn=Deleted Objects,"
_NAME = "netscapemdsuffix"
"""What a 389 server calls itself by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a feed reads: opens connections to the run's server; seconds that a page may take."""

    open_session: Callable[[], Session]
    timeout: float

    def read(self, search: Search) -> Iterator[Found]:
        """Yield what a search finds, in pages, and refuse too much of it."""
        count = 0
        with closing(self.open_session()) as session:
            for page in read_pages(session, search, size=_PAGE, timeout=self.timeout):
                count += len(page)
                if count > MOST_ENTRIES:
                    refuse("more has changed than is held in memory at a time")
                yield from page

    def changed(self, search: Search, clause: str) -> Told:
        """Return what is in the scope of a search and bears a stamp that `clause` asks for."""
        narrowed = replace(search, filter=f"(&{clause}{search.filter})")
        return Told(changed=list(self.read(narrowed)))


class UsnFeed:
    """Tells changes of one domain controller by their numbers.

    Its cursor is refused by another controller, and by one that was restored from a backup: that
    begins a new invocation, in which old numbers mean something else.
    """

    needs = "the account cannot read dsServiceName, invocationId and highestCommittedUSN"
    _kind = "ldap-usn-1"

    def __init__(self, searches: Sequence[Search], reading: Reading) -> None:
        self._searches = searches
        self._reading = reading
        self._scope = fingerprint(*searches)

    def present(self, session: Session) -> Cursor | None:
        """Return the highest number that this controller has given, with its identity."""
        root = self._root(session)
        moment = self._moment(session, root)
        return None if moment is None else write_cursor(self._kind, self._scope, **moment)

    def since(self, cursor: Cursor) -> tuple[list[Told], Cursor]:
        """Return what bears a higher number than the cursor."""
        parts = read_cursor(cursor, self._kind, self._scope)
        with closing(self._reading.open_session()) as session:
            root = self._root(session)
            moment = self._moment(session, root)
        if moment is None or any(parts.get(key) != moment[key] for key in ("server", "invocation")):
            refuse("it is of another domain controller, or of this one before it was restored")
        clause = f"(uSNChanged>={_number_of(parts, moment) + 1})"
        told = [self._reading.changed(search, clause) for search in self._searches]
        gone = self._deleted(root, clause)
        for each in told:
            each.gone |= gone
        return told, write_cursor(self._kind, self._scope, **moment)

    def _root(self, session: Session) -> Attributes:
        names = ("dsServiceName", "highestCommittedUSN", "defaultNamingContext")
        return read_root(session, names, Deadline(self._reading.timeout))

    def _moment(self, session: Session, root: Attributes) -> dict[str, object] | None:
        service = (first(root, "dsServiceName") or b"").decode("utf-8", "replace")
        number = read_integer(first(root, "highestCommittedUSN"))
        if not service or number is None:
            return None
        own = read_entry(session, service, ("invocationId",), Deadline(self._reading.timeout))
        invocation = first(own, "invocationId")
        if invocation is None:
            return None
        return {"server": service, "invocation": invocation.hex(), "usn": number}

    def _deleted(self, root: Attributes, clause: str) -> set[str]:
        """Return ids of what was deleted, as far as the account is shown any."""
        context = (first(root, "defaultNamingContext") or b"").decode("utf-8", "replace")
        search = Search(
            base=_DELETED + context,
            filter=f"(&(isDeleted=TRUE){clause})",
            attributes=("objectGUID",),
            controls=(controls.show_deleted(),),
        )
        try:
            found = list(self._reading.read(search))
        except DirectoryMisconfigured:
            return set()
        ids = (first(each.attributes, "objectGUID") for each in found)
        return {read_guid(value) for value in ids if value is not None}


class _OneServerFeed(ABC):
    """Tells changes of one 389 server by a stamp of its own.

    Attributes:
        needs: see `Feed`.
    """

    needs: str
    _kind: str

    def __init__(self, searches: Sequence[Search], reading: Reading) -> None:
        self._searches = searches
        self._reading = reading
        self._scope = fingerprint(*searches)

    def present(self, session: Session) -> Cursor | None:
        """Return the stamp that a change would bear now, with the server's name."""
        moment = self._moment(session)
        return None if moment is None else write_cursor(self._kind, self._scope, **moment)

    def since(self, cursor: Cursor) -> tuple[list[Told], Cursor]:
        """Return what was stamped since the cursor, and what was a little before."""
        parts = read_cursor(cursor, self._kind, self._scope)
        with closing(self._reading.open_session()) as session:
            moment = self._moment(session)
        if moment is None or parts.get("server") != moment["server"]:
            refuse("it is of another server")
        clause = self._clause(parts, moment)
        told = [self._reading.changed(search, clause) for search in self._searches]
        return told, write_cursor(self._kind, self._scope, **moment)

    @abstractmethod
    def _moment(self, session: Session) -> Mapping[str, object] | None:
        """Return the parts of a cursor of now; None when the server does not tell them."""

    @abstractmethod
    def _clause(self, parts: Mapping[str, object], moment: Mapping[str, object]) -> str:
        """Return the filter for what bears a stamp since a cursor that this server gave."""


class EntryUsnFeed(_OneServerFeed):
    """Tells changes of one 389 server by the numbers of its USN plug-in.

    What another server of the same data passed on has one as well, of when it came.
    """

    needs = "it tells no lastusn: its USN plug-in is off, or counts for each suffix by itself"
    _kind = "ldap-entryusn-1"

    def _moment(self, session: Session) -> Mapping[str, object] | None:
        root = read_root(session, ("lastusn", _NAME), Deadline(self._reading.timeout))
        number = read_integer(first(root, "lastusn"))
        return None if number is None else {"server": _name_of(root, session), "usn": number}

    def _clause(self, parts: Mapping[str, object], moment: Mapping[str, object]) -> str:
        return f"(entryUSN>={max(0, _number_of(parts, moment) + 1 - NUMBERS_AGAIN)})"


class TimeFeed(_OneServerFeed):
    """Tells changes of one server by the times that it stamps on them."""

    needs = "the account cannot read the time in cn=monitor"
    _kind = "ldap-time-1"

    def _moment(self, session: Session) -> Mapping[str, object] | None:
        deadline = Deadline(self._reading.timeout)
        clock = read_clock(session, deadline)
        name = _name_of(read_root(session, (_NAME,), deadline), session)
        return None if clock is None else {"server": name, "time": clock.decode("ascii")}

    def _clause(self, parts: Mapping[str, object], moment: Mapping[str, object]) -> str:
        then, now = (read_time(str(each.get("time")).encode()) for each in (parts, moment))
        if then is None or now is None or then > now:
            refuse("it names no moment that this server has seen")
        return f"(modifyTimestamp>={write_time(then - OVERLAP)})"


def _number_of(parts: Mapping[str, object], moment: Mapping[str, object]) -> int:
    """Return the number in a cursor, which the server must have given by now."""
    number, now = parts.get("usn"), moment["usn"]
    if not isinstance(number, int) or not isinstance(now, int) or not 0 <= number <= now:
        refuse("it names no number that this server has given")
    return number


def _name_of(root: Attributes, session: Session) -> str:
    return (first(root, _NAME) or str(session.server).encode()).decode("utf-8")


def read_clock(session: Session, deadline: Deadline) -> bytes | None:
    """Return the time that a 389 server shows in its monitor, as far as the account may read it."""
    search = Search(base="cn=monitor", scope="base", attributes=("currentTime",))
    answer = session.search(search, deadline)
    found = answer.entries if answer.code == Code.SUCCESS else ()
    return first(found[0].attributes, "currentTime") if found else None
