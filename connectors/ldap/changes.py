"""What changed since a cursor, by content synchronisation: poll, no connection stays open.

Spec: RFC 4533 3.3 (refreshOnly).
"""

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from connectors.ldap import controls
from connectors.ldap.ber import BerError
from connectors.ldap.controls import EntryState
from connectors.ldap.cursors import Told, fingerprint, read_cursor, refuse, write_cursor
from connectors.ldap.messages import Answer, Found, Search
from connectors.ldap.names import is_within, normalise_dn
from connectors.ldap.results import AnswerRefused, Code, error_of
from connectors.ldap.rootdse import read_entry, read_root
from connectors.ldap.session import Session
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryUnavailable
from connectors.records import Cursor

MOST_BYTES = 32 * 1024 * 1024
"""Of a synchronisation; a million ids of those who are unchanged, or 80,000 changed accounts."""

_KIND = "ldap-sync-1"
_CSN = r"\d{14}\.\d{6}Z#[0-9a-f]{6}#[0-9a-f]{3}#[0-9a-f]{6}"
_COOKIE = re.compile(rf"(?:rid|sid)=[0-9a-f]+,(?:sid=[0-9a-f]+,)?csn={_CSN}(?:;{_CSN})*")
"""What OpenLDAP makes of its change numbers. It takes a broken one for none: then everything would
count as changed, and nothing as gone."""


class SyncFeed:
    """Tells changes by one synchronisation for each search."""

    needs = "no syncprov overlay"

    def __init__(
        self, searches: Sequence[Search], open_session: Callable[[], Session], timeout: float
    ) -> None:
        self._searches = searches
        self._open = open_session
        self._timeout = timeout
        self._scope = fingerprint(*searches)

    def present(self, session: Session) -> Cursor | None:
        """Return where changes begin now."""
        deadline = Deadline(self._timeout)
        found = [_present_cookie(session, s.base, deadline) for s in self._searches]
        cookies = [cookie for cookie in found if cookie is not None]
        if len(cookies) < len(found):
            return None
        return write_cursor(_KIND, self._scope, cookies=cookies)

    def since(self, cursor: Cursor) -> tuple[list[Told], Cursor]:
        """Return what changed since a cursor of one cookie for each search."""
        cookies = read_cursor(cursor, _KIND, self._scope).get("cookies")
        if not isinstance(cookies, list) or len(cookies) != len(self._searches):
            refuse("the settings are not those it was made with")
        if not all(isinstance(cookie, str) and _COOKIE.fullmatch(cookie) for cookie in cookies):
            refuse("it names no moment")
        with closing(self._open()) as session:
            told = [
                _synchronise(session, search, cookie, self._timeout)
                for search, cookie in zip(self._searches, cookies, strict=True)
            ]
        later = write_cursor(_KIND, self._scope, cookies=[each.cookie for each in told])
        return list(told), later


@dataclass(slots=True)
class _Synchronised(Told):
    """What one synchronisation told; `cookie` is where the next one goes on."""

    cookie: str = ""


def _present_cookie(session: Session, base: str, deadline: Deadline) -> str | None:
    """Return the cookie of this moment, or None when the server does not tell it.

    It stands in the `contextCSN` of the tree that `base` lies in: one value for each server that
    takes writes.
    """
    root = read_root(session, ("namingContexts", "supportedControl"), deadline)
    contexts = [value.decode() for value in root.get("namingcontexts", ())]
    place = normalise_dn(base)
    around = [name for name in contexts if is_within(place, normalise_dn(name))]
    if not around or controls.SYNC_REQUEST.encode() not in root.get("supportedcontrol", ()):
        return None
    suffix = max(around, key=len)
    told = read_entry(session, suffix, ("contextCSN",), deadline)
    values = [value.decode() for value in told.get("contextcsn", ())]
    return f"rid=000,csn={';'.join(sorted(values))}" if values else None


def _synchronise(session: Session, search: Search, cookie: str, timeout: float) -> _Synchronised:
    """Return what changed in the scope of a search since a cookie.

    Raises:
        CursorRefused: the server cannot tell any more, or would tell everything.
        DirectoryUnavailable: it did not answer in time, or not completely.
        DirectoryMisconfigured: it refuses the search.
    """
    asked = replace(search, controls=(controls.synchronise(cookie.encode()),))
    try:
        answer = session.search(asked, Deadline(timeout), budget=MOST_BYTES)
    except AnswerRefused:
        refuse("more has changed than is held in memory at a time")
    if answer.code in {Code.SYNC_REFRESH_REQUIRED, Code.UNWILLING}:
        refuse(f"the server wants none (code {answer.code}, {answer.message})")
    if answer.code != Code.SUCCESS:
        raise error_of(answer.code, answer.message, f"changes at {session.server}")
    try:
        return _read(answer, cookie)
    except BerError as error:
        reason = f"changes at {session.server}: {error}"
        raise DirectoryUnavailable(reason) from error


def _read(answer: Answer, old_cookie: str) -> _Synchronised:
    told = _Synchronised(cookie=old_cookie)
    for found in answer.entries:
        _take_entry(told, found)
    for message in answer.messages:
        info = controls.read_sync_info(message)
        (told.gone if info.ids_are_gone else told.unchanged).update(info.ids)
    told.unchanged -= told.gone
    if controls.SYNC_DONE not in answer.controls:
        reason = "no end was told"
        raise BerError(reason)
    done = controls.read_sync_done(answer.controls[controls.SYNC_DONE])
    if done.cookie is not None:
        told.cookie = _read_cookie(done.cookie)
    # Nothing at all, without a cookie, is how a server says that nothing happened; taken for a
    # list of those who remain it would mean that all are gone.
    is_silent = done.cookie is None and not (answer.entries or answer.messages)
    told.is_listing = not done.deletes_told and not is_silent
    return told


def _take_entry(told: _Synchronised, found: Found) -> None:
    value = found.controls.get(controls.SYNC_STATE)
    if value is None:
        refuse("the server answers with entries of no state")
    state, stable_id = controls.read_sync_state(value)
    if state is EntryState.DELETE:
        told.gone.add(stable_id)
    elif state is EntryState.PRESENT:
        told.unchanged.add(stable_id)
    else:
        told.changed.append(found)


def _read_cookie(cookie: bytes) -> str:
    """Return a cookie that goes on; an empty one means that the server did not know the last."""
    text = cookie.decode("utf-8", "replace")
    if not _COOKIE.fullmatch(text):
        refuse("the server did not know it, and told everything")
    return text
