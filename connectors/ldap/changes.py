"""What changed since a cursor, by content synchronisation: poll, no connection stays open.

Spec: RFC 4533 3.3 (refreshOnly).
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from connectors.ldap import controls
from connectors.ldap.ber import BerError
from connectors.ldap.controls import EntryState
from connectors.ldap.messages import Answer, Found, Search
from connectors.ldap.names import is_within, normalise_dn
from connectors.ldap.results import AnswerRefused, Code, error_of
from connectors.ldap.session import Session
from connectors.ldap.wire import Deadline
from connectors.port import CursorRefused, DirectoryUnavailable
from connectors.records import Cursor

MOST_BYTES = 32 * 1024 * 1024
"""Of a synchronisation; a million ids of those who are unchanged, or 80,000 changed accounts."""

_KIND = "ldap-sync-1"
_CSN = r"\d{14}\.\d{6}Z#[0-9a-f]{6}#[0-9a-f]{3}#[0-9a-f]{6}"
_COOKIE = re.compile(rf"(?:rid|sid)=[0-9a-f]+,(?:sid=[0-9a-f]+,)?csn={_CSN}(?:;{_CSN})*")
"""What OpenLDAP makes of its change numbers. It takes a broken one for none: then everything would
count as changed, and nothing as gone."""


@dataclass(slots=True)
class Synchronised:
    """What one synchronisation told.

    Attributes:
        changed: entries that are new or changed.
        gone: ids that left the scope.
        unchanged: ids that are as they were; all of them when `is_listing`.
        is_listing: whoever is neither changed nor unchanged has left the scope.
        cookie: where the next one goes on.
    """

    cookie: str
    changed: list[Found] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    is_listing: bool = False


def fingerprint(*searches: Search) -> str:
    """Return what stands for the scope of searches: a cursor of one is none of another."""
    told = json.dumps([[s.base, s.filter, s.scope, sorted(s.attributes)] for s in searches])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def write_cursor(scope: str, cookies: Iterable[str]) -> Cursor:
    """Return a cursor of one cookie for each search of a scope."""
    return Cursor(json.dumps({"kind": _KIND, "scope": scope, "cookies": list(cookies)}))


def read_cursor(cursor: Cursor, scope: str, count: int) -> list[str]:
    """Return the cookies of a cursor.

    Raises:
        CursorRefused: it is none of ours, or of other searches.
    """
    try:
        document = json.loads(cursor)
        kind, told, cookies = (document[key] for key in ("kind", "scope", "cookies"))
    except (ValueError, TypeError, KeyError):
        _refuse("it is no cursor of this connector")
    if (kind, told) != (_KIND, scope) or not isinstance(cookies, list) or len(cookies) != count:
        _refuse("the settings are not those it was made with")
    if not all(isinstance(cookie, str) and _COOKIE.fullmatch(cookie) for cookie in cookies):
        _refuse("it names no moment")
    return cookies


def present_cookie(session: Session, base: str, deadline: Deadline) -> str | None:
    """Return the cookie of this moment, or None when the server does not tell it.

    It stands in the `contextCSN` of the tree that `base` lies in: one value for each server that
    takes writes.
    """
    root = _root_dse(session, deadline)
    contexts = [value.decode() for value in root.get("namingcontexts", ())]
    place = normalise_dn(base)
    around = [name for name in contexts if is_within(place, normalise_dn(name))]
    if not around or controls.SYNC_REQUEST.encode() not in root.get("supportedcontrol", ()):
        return None
    suffix = max(around, key=len)
    asked = Search(base=suffix, scope="base", attributes=("contextCSN",))
    answer = session.search(asked, deadline)
    if answer.code != Code.SUCCESS:
        raise error_of(answer.code, answer.message, f"reading {suffix!r} at {session.server}")
    values = [
        v.decode() for found in answer.entries for v in found.attributes.get("contextcsn", ())
    ]
    return f"rid=000,csn={';'.join(sorted(values))}" if values else None


def synchronise(session: Session, search: Search, cookie: str, timeout: float) -> Synchronised:
    """Return what changed in the scope of a search since a cookie.

    Raises:
        CursorRefused: the server cannot tell any more, or would tell everything.
        DirectoryUnavailable: it did not answer in time, or not completely.
        DirectoryMisconfigured: it refuses the search.
    """
    asked = Search(
        base=search.base,
        filter=search.filter,
        scope=search.scope,
        attributes=search.attributes,
        controls=(controls.synchronise(cookie.encode()),),
    )
    try:
        answer = session.search(asked, Deadline(timeout), budget=MOST_BYTES)
    except AnswerRefused:
        _refuse("more has changed than is held in memory at a time")
    if answer.code in {Code.SYNC_REFRESH_REQUIRED, Code.UNWILLING}:
        _refuse(f"the server wants none (code {answer.code}, {answer.message})")
    if answer.code != Code.SUCCESS:
        raise error_of(answer.code, answer.message, f"changes at {session.server}")
    try:
        return _read(answer, cookie)
    except BerError as error:
        reason = f"changes at {session.server}: {error}"
        raise DirectoryUnavailable(reason) from error


def _read(answer: Answer, old_cookie: str) -> Synchronised:
    told = Synchronised(old_cookie)
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


def _take_entry(told: Synchronised, found: Found) -> None:
    value = found.controls.get(controls.SYNC_STATE)
    if value is None:
        _refuse("the server answers with entries of no state")
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
        _refuse("the server did not know it, and told everything")
    return text


def _root_dse(session: Session, deadline: Deadline) -> dict[str, tuple[bytes, ...]]:
    asked = Search(base="", scope="base", attributes=("namingContexts", "supportedControl"))
    answer = session.search(asked, deadline)
    if answer.code != Code.SUCCESS:
        raise error_of(answer.code, answer.message, f"reading the root of {session.server}")
    return {name: tuple(v) for found in answer.entries for name, v in found.attributes.items()}


def _refuse(why: str) -> NoReturn:
    reason = f"the cursor cannot be used: {why}"
    raise CursorRefused(reason)
