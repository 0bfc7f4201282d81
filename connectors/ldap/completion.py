"""What a server leaves to further questions: the rest of long lists, and who a member's login is.

Spec: MS-ADTS 3.1.1.3.1.3.3 (range retrieval); RFC 2307 2.2 (memberUid).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType

from connectors.ldap.messages import Found, Search, is_cut
from connectors.ldap.names import escape_value
from connectors.ldap.paging import read_pages
from connectors.ldap.rootdse import ask
from connectors.ldap.session import LARGE, Session
from connectors.ldap.settings import MEMBER_UID, LdapSettings, Scope
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryUnavailable

_RANGE = re.compile(r"(?P<name>.+);range=(?P<first>\d+)-(?P<last>\d+|\*)")
_LOGINS_IN_A_FILTER = 100


class Completion:
    """Completes entries as they come, on a connection of its own that is opened when needed.

    Not on that of a paged search: another search there may end it, silently.
    """

    def __init__(self, settings: LdapSettings, open_session: Callable[[], Session]) -> None:
        self._settings = settings
        self._open = open_session
        self._session: Session | None = None

    def __enter__(self) -> "Completion":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            self._session.close()

    def complete(self, pages: Iterable[Sequence[Found]]) -> Iterator[Found]:
        """Yield entries whole, each with the addresses of its members.

        Raises:
            DirectoryUnavailable: the rest of an entry did not come.
            DirectoryMisconfigured: the server refuses to tell it.
        """
        for page in pages:
            for found in page:
                yield self._with_addresses(self._whole(found))

    def _whole(self, found: Found) -> Found:
        if not any(is_cut(name) for name in found.attributes):
            return found
        return join_ranges(self._own(), found, Deadline(self._timeout))

    def _with_addresses(self, found: Found) -> Found:
        groups = self._settings.groups
        logins = found.attributes.get(MEMBER_UID.lower())
        if not logins or groups is None or groups.member_attribute != MEMBER_UID:
            return found
        members = resolve_logins(self._own(), self._settings.people, logins, self._timeout)
        return replace(found, attributes={**found.attributes, MEMBER_UID.lower(): members})

    @property
    def _timeout(self) -> float:
        return self._settings.connecting.read_timeout

    def _own(self) -> Session:
        if self._session is None:
            self._session = self._open()
        return self._session


def join_ranges(session: Session, found: Found, deadline: Deadline) -> Found:
    """Return an entry with its long lists whole; every answer on the way must be a success.

    Raises:
        DirectoryUnavailable: the rest did not come, so there is no entry.
        DirectoryMisconfigured: the server refuses to tell it.
    """
    whole = {name: values for name, values in found.attributes.items() if not is_cut(name)}
    for cut in filter(is_cut, found.attributes):
        name, values = cut.partition(";")[0], list(found.attributes[cut])
        last = _last_of(cut, 0)
        while last is not None:
            key, more = _next_range(session, found.dn, name, last + 1, deadline)
            values += more
            last = _last_of(key, last + 1)
        whole[name] = tuple(values)
    return replace(found, attributes=whole)


def _next_range(
    session: Session, dn: str, name: str, start: int, deadline: Deadline
) -> tuple[str, Sequence[bytes]]:
    search = Search(base=dn, scope="base", attributes=(f"{name};range={start}-*",))
    answer = ask(session, search, deadline, budget=LARGE)
    cut = [
        (key, values)
        for entry in answer.entries
        for key, values in entry.attributes.items()
        if key.startswith(f"{name};range=")
    ]
    if len(cut) != 1:
        reason = f"{dn!r} at {session.server}: the rest of its {name} was not told"
        raise DirectoryUnavailable(reason)
    return cut[0]


def _last_of(key: str, start: int) -> int | None:
    """Return the number of the last value of a range, None when it is the last of all.

    Raises:
        DirectoryUnavailable: it does not begin where it must, or goes backwards.
    """
    found = _RANGE.fullmatch(key)
    if found is None or int(found["first"]) != start:
        reason = f"a list of values goes on with {key!r} instead of value {start}"
        raise DirectoryUnavailable(reason)
    if found["last"] == "*":
        return None
    if int(found["last"]) < start:
        reason = f"a list of values does not go on: {key!r}"
        raise DirectoryUnavailable(reason)
    return int(found["last"])


def resolve_logins(
    session: Session, people: Scope, logins: Sequence[bytes], timeout: float
) -> tuple[bytes, ...]:
    """Return the names of the accounts in scope that have these logins (`uid`), as members."""
    members: list[bytes] = []
    for start in range(0, len(logins), _LOGINS_IN_A_FILTER):
        some = logins[start : start + _LOGINS_IN_A_FILTER]
        anyone = "".join(f"(uid={escape_value(login)})" for login in some)
        search = Search(
            base=people.base,
            filter=f"(&{people.filter}(|{anyone}))",
            scope="one" if people.is_flat else "subtree",
        )
        for page in read_pages(session, search, size=_LOGINS_IN_A_FILTER * 2, timeout=timeout):
            members += [found.dn.encode() for found in page]
    return tuple(members)
