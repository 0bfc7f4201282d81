"""Raw entries as accounts and groups of the port. A bad value costs the value, not the account."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from connectors.ldap.messages import Found, is_cut
from connectors.ldap.names import BadNameError, normalise_dn
from connectors.ldap.settings import Groups, LdapSettings
from connectors.names import is_name
from connectors.port import DirectoryUnavailable
from connectors.records import Address, DirectoryEntry, DirectoryGroup, RejectedEntry, Sighting

_MOST_CHARACTERS = 1024
_MOST_VALUES = 100
_BIT_SUFFIX = re.compile(r"#'[01]*'B$")
"""The optional part of a uniqueMember that is no name (RFC 4517 3.3.21)."""


class _Unusable(ValueError):  # noqa: N818 - named for what it is
    """What is wrong with an entry as a whole."""


class EntryReader:
    """Makes accounts of entries.

    Attributes:
        attributes: what to ask the server for, by name: never all of them.
    """

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        dialect = settings.dialect
        sources = (source for named in settings.attributes.values() for source in named)
        asked = (
            *(each.name for each in dialect.ids),
            settings.login_attribute,
            settings.member_of,
            *dialect.state_attributes,
            *sources,
        )
        self.attributes = tuple({name.lower(): name for name in asked}.values())

    def read(self, found: Found, now: datetime) -> DirectoryEntry | RejectedEntry:
        """Return the account that an entry is, or why it is none."""
        _refuse_ranges(found)
        stable_id: str | None = None
        try:
            stable_id = read_id(found, self._settings)
            address, login = _read_address(found), self._read_login(found)
            state = self._settings.dialect.read_state(found.attributes, now)
        except ValueError as error:
            return RejectedEntry(Address(found.dn), str(error), stable_id)
        warnings: list[str] = []
        attributes = {
            target: values
            for target, sources in self._settings.attributes.items()
            if (values := _first_with_values(found, sources, warnings))
        }
        member_of = found.attributes.get(self._settings.member_of.lower(), ())
        groups = _read_addresses(member_of, warnings)
        return DirectoryEntry(
            stable_id=stable_id,
            login=login,
            address=address,
            attributes=attributes,
            groups=groups,
            is_enabled=state.is_enabled,
            is_locked=state.is_locked,
            must_change=state.must_change,
            password_set_at=state.password_set_at,
            warnings=tuple(warnings),
        )

    def sight(self, found: Found) -> Sighting | RejectedEntry:
        """Return id and address of an entry, or why it has none; its id is seen all the same."""
        stable_id: str | None = None
        try:
            stable_id = read_id(found, self._settings)
            return Sighting(stable_id, _read_address(found))
        except _Unusable as error:
            return RejectedEntry(Address(found.dn), str(error), stable_id)

    def _read_login(self, found: Found) -> str:
        """Return the smallest of the usable logins: their order on the wire is not stable."""
        values = found.attributes.get(self._settings.login_attribute.lower(), ())
        texts = [text for value in values if _is_text(text := _decode(value))]
        logins = sorted(filter(is_name, texts))
        if not logins:
            reason = f"it has no usable {self._settings.login_attribute}"
            raise _Unusable(reason)
        return logins[0]


class GroupReader:
    """Makes groups of entries; `attributes` is what to ask the server for."""

    def __init__(self, settings: LdapSettings, groups: Groups) -> None:
        self._settings = settings
        self._groups = groups
        self.attributes = (
            *(each.name for each in settings.dialect.ids),
            groups.name_attribute,
            groups.member_attribute,
        )

    def read(self, found: Found) -> DirectoryGroup | RejectedEntry:
        """Return the group that an entry is, or why it is none."""
        _refuse_ranges(found)
        stable_id: str | None = None
        try:
            stable_id = read_id(found, self._settings)
            address, name = _read_address(found), self._read_name(found)
        except _Unusable as error:
            return RejectedEntry(Address(found.dn), str(error), stable_id)
        members = found.attributes.get(self._groups.member_attribute.lower(), ())
        return DirectoryGroup(
            stable_id=stable_id,
            name=name,
            address=address,
            members=_read_addresses(members, []),
        )

    def _read_name(self, found: Found) -> str:
        attribute = self._groups.name_attribute
        names = _clean(found.attributes.get(attribute.lower(), ()), [], attribute)
        if not names:
            reason = f"it has no usable {attribute}"
            raise _Unusable(reason)
        return names[0]


def read_id(found: Found, settings: LdapSettings) -> str:
    """Return an entry's stable id.

    Raises:
        ValueError: it has none, several, or one that is none.
    """
    ids = settings.dialect.ids
    own = next((each for each in ids if found.attributes.get(each.name.lower())), ids[0])
    values = found.attributes.get(own.name.lower(), ())
    if len(values) != 1:
        reason = f"it has {len(values)} values of {own.name} instead of one"
        raise _Unusable(reason)
    try:
        return own.read(values[0])
    except ValueError as error:
        reason = f"its {own.name} is none"
        raise _Unusable(reason) from error


def _read_address(found: Found) -> Address:
    if not _is_text(found.dn):
        reason = "its distinguished name is no text"
        raise _Unusable(reason)
    try:
        return normalise_dn(found.dn)
    except BadNameError as error:
        reason = f"its distinguished name cannot be read: {error}"
        raise _Unusable(reason) from error


def _read_addresses(values: Iterable[bytes], warnings: list[str]) -> tuple[Address, ...]:
    addresses: set[Address] = set()
    for value in values:
        try:
            addresses.add(normalise_dn(_BIT_SUFFIX.sub("", _decode(value))))
        except BadNameError:
            warnings.append("a group or member is no distinguished name")
    return tuple(sorted(addresses - {Address("")}))


def _first_with_values(
    found: Found, sources: Iterable[str], warnings: list[str]
) -> tuple[str, ...]:
    for source in sources:
        values = _clean(found.attributes.get(source.lower(), ()), warnings, source)
        if values:
            return values
    return ()


def _clean(values: Iterable[bytes], warnings: list[str], source: str) -> tuple[str, ...]:
    """Return values as people may see them: NFC, no control characters, trimmed, sorted."""
    kept: set[str] = set()
    for value in values:
        text = _decode(value)
        if not _is_text(text) or len(text) > _MOST_CHARACTERS:
            warnings.append(f"a value of {source} is no text, or too long")
            continue
        visible = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
        kept.add(unicodedata.normalize("NFC", visible).strip())
    if len(kept) > _MOST_VALUES:
        warnings.append(f"{source} has more than {_MOST_VALUES} values")
    return tuple(sorted(kept - {""})[:_MOST_VALUES])


def _decode(value: bytes) -> str:
    """Return the text of a value; what is no UTF-8 becomes U+FFFD."""
    return value.decode("utf-8", "replace")


def _is_text(decoded: str) -> bool:
    return "\ufffd" not in decoded


def _refuse_ranges(found: Found) -> None:
    """Raise when a long list of values is cut: half a group must not pass for a whole."""
    cut = [name for name in found.attributes if is_cut(name)]
    if cut:
        reason = f"the server cut a long list of values ({cut[0]}), which was not put together"
        raise DirectoryUnavailable(reason)
