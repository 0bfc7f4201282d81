"""One entry, found by what somebody typed or by what never changes."""

from dataclasses import dataclass, replace

from connectors.ldap.completion import join_ranges
from connectors.ldap.entries import EntryReader
from connectors.ldap.messages import Found
from connectors.ldap.names import escape_value
from connectors.ldap.pool import Pool
from connectors.ldap.results import Code, error_of
from connectors.ldap.runs import search_of
from connectors.ldap.session import Session
from connectors.ldap.settings import LdapSettings
from connectors.ldap.wire import Deadline
from connectors.names import is_name
from connectors.port import LoginAmbiguous, Now
from connectors.records import DirectoryEntry

_TWO = 2


@dataclass(frozen=True, slots=True)
class Located:
    """An account and its name as the server spells it, to be used at once and not stored."""

    dn: str
    entry: DirectoryEntry


class Lookups:
    """Finds single entries in the scope of the settings."""

    def __init__(self, settings: LdapSettings, pool: Pool, now: Now) -> None:
        self._settings = settings
        self._pool = pool
        self._now = now
        self._reader = EntryReader(settings)

    def by_login(self, login: str, deadline: Deadline) -> Located | None:
        """Return whom a typed login means, or None; nonsense is not even asked for.

        Raises:
            LoginAmbiguous: it means several.
        """
        if not is_name(login):
            return None
        return self._find(self._settings.login_attribute, login.encode(), deadline)

    def by_id(self, stable_id: str, deadline: Deadline) -> Located | None:
        """Return the entry with an id, or None."""
        for attribute in self._settings.dialect.ids:
            try:
                value = attribute.write(stable_id)
            except ValueError:
                continue
            return self._find(attribute.name, value, deadline)
        return None

    def _find(self, attribute: str, value: bytes, deadline: Deadline) -> Located | None:
        people = self._settings.people
        search = replace(
            search_of(people, self._reader.attributes),
            filter=f"(&{people.filter}({attribute}={escape_value(value)}))",
            size_limit=_TWO,
        )

        def look(session: Session, part: Deadline) -> tuple[Found, ...]:
            answer = session.search(search, part)
            has_more = answer.code == Code.SIZE_LIMIT and len(answer.entries) >= _TWO
            if answer.code != Code.SUCCESS and not has_more:
                raise error_of(answer.code, answer.message, f"look-up at {session.server}")
            return tuple(join_ranges(session, each, part) for each in answer.entries[:_TWO])

        found = self._pool.run(look, deadline)
        if len(found) >= _TWO:
            reason = f"several entries have the {attribute} that was looked up"
            raise LoginAmbiguous(reason)
        if not found:
            return None
        entry = self._reader.read(found[0], self._now())
        return Located(found[0].dn, entry) if isinstance(entry, DirectoryEntry) else None
