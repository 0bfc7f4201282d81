"""A directory of somebody else's, as a connector may be written: people who move, in groups.

It tells what changed, and like Active Directory it does not call a group changed because somebody
in it lies somewhere else now. Without `follows` its groups go on listing the old address instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.records import (
    Address,
    Changed,
    Cursor,
    DirectoryChanges,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryReport,
    Sighting,
)
from connectors.verdicts import Verdict, Verification

Listed = dict[str, set[str]]
"""Groups by id with their members: ids, or addresses of a directory that does not follow."""


class MovingDirectory:
    """People and groups by id with the addresses where they lie.

    Attributes:
        lists: who is in which group.
    """

    def __init__(self, *, follows: bool = True) -> None:
        self.people: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.lists: Listed = {}
        self._follows = follows
        self._touched: list[str] = []

    def put(self, person: str, address: str, *groups: str) -> None:
        """Add somebody, or have somebody lie somewhere else, and list them in groups."""
        self.people[person] = address
        self._touched.append(person)
        for group in groups:
            self.lists[group].add(person if self._follows else address)
            self._touched.append(group)

    def carry(self, person: str, address: str) -> None:
        """Have somebody lie somewhere else as what is around them moves: no change of theirs."""
        self.people[person] = address

    def put_group(self, group: str, address: str, name: str | None = None) -> None:
        """Add a group, or have it lie somewhere else."""
        self.places[group] = address
        self.names[group] = name or self.names.get(group, group)
        self.lists.setdefault(group, set())
        self._touched.append(group)

    def nest(self, inner: str, outer: str) -> None:
        """List a group in another one."""
        self.lists[outer].add(inner if self._follows else self.places[inner])
        self._touched.append(outer)

    def drop(self, one: str) -> None:
        """Take somebody, or a group, out; groups that listed them do not count as changed."""
        self.people.pop(one, None)
        if self.places.pop(one, None) is not None:
            del self.lists[one]
        if self._follows:
            for members in self.lists.values():
                members.discard(one)
        self._touched.append(one)

    def hide(self, person: str) -> None:
        """Let somebody be out of sight, though groups list them still."""
        del self.people[person]
        self._touched.append(person)

    def members(self, group: str) -> set[str]:
        """Return who is in a group, or in a group inside of it."""
        seen, waiting = {group}, [group]
        while waiting:
            inside = {one for one in self._listed(waiting.pop()) if one in self.places} - seen
            seen |= inside
            waiting += inside
        return {one for each in seen for one in self._listed(each) if one in self.people}

    def source(self, _name: str) -> "MovingDirectory":
        """Return itself: a world may have it in the place of its directories."""
        return self

    @contextmanager
    def read(self) -> Iterator["MovingDirectory"]:
        """Begin a run."""
        yield self

    @property
    def cursor(self) -> Cursor:
        """Give where incremental reads go on."""
        return Cursor(str(len(self._touched)))

    def entries(self) -> Iterator[DirectoryEntry]:
        """Yield everybody."""
        return map(self._entry, list(self.people))

    def sweep(self) -> Iterator[Sighting]:
        """Yield where everybody is."""
        return (Sighting(one, Address(at)) for one, at in self.people.items())

    def changes(self, since: Cursor) -> DirectoryChanges:
        """Return what was touched since."""
        touched = dict.fromkeys(self._touched[int(since) :])
        gone = frozenset(one for one in touched if one not in self.people | self.places)
        return DirectoryChanges(
            people=Changed(
                entries=tuple(self._entry(one) for one in touched if one in self.people), gone=gone
            ),
            groups=Changed(
                entries=tuple(self._group(one) for one in touched if one in self.places), gone=gone
            ),
            cursor=self.cursor,
        )

    def find_by_login(self, login: str) -> DirectoryEntry | None:
        """Look up a login."""
        return self.find_by_id(login)

    def find_by_id(self, stable_id: str) -> DirectoryEntry | None:
        """Look up an id."""
        return self._entry(stable_id) if stable_id in self.people else None

    def verify(self, stable_id: str, _password: bytes) -> Verification:
        """Let everybody in who is there, whatever the password."""
        entry = self.find_by_id(stable_id)
        verdict = Verdict.UNKNOWN if entry is None else Verdict.RIGHT
        return Verification(verdict=verdict, entry=entry)

    def check(self) -> DirectoryReport:
        """Tell that it is there."""
        return DirectoryReport(vendor="memory", server="here")

    def close(self) -> None:
        """Hold nothing open, so close nothing."""

    def _entry(self, person: str) -> DirectoryEntry:
        return DirectoryEntry(stable_id=person, login=person, address=Address(self.people[person]))

    def groups(self) -> Iterator[DirectoryGroup]:
        """Yield every group."""
        return map(self._group, list(self.places))

    def _group(self, group: str) -> DirectoryGroup:
        lying = self.people | self.places
        members = self.lists[group]
        listed = {lying[one] for one in members if one in lying} if self._follows else members
        return DirectoryGroup(
            stable_id=group,
            name=self.names[group],
            address=Address(self.places[group]),
            members=tuple(map(Address, sorted(listed))),
        )

    def _listed(self, group: str) -> set[str]:
        if self._follows:
            return self.lists[group]
        lying = {at: one for one, at in (self.people | self.places).items()}
        return {lying[at] for at in self.lists[group] if at in lying}
