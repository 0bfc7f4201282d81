"""Cursors: what of them is ours, and of the same searches."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from connectors.ldap.messages import Found, Search
from connectors.ldap.session import Session
from connectors.port import CursorRefused
from connectors.records import Cursor


@dataclass(slots=True)
class Told:
    """What one search told of its scope.

    Attributes:
        changed: entries that are new or changed.
        gone: ids that left the scope.
        unchanged: ids that are as they were; all of them when `is_listing`.
        is_listing: whoever is neither changed nor unchanged has left the scope.
    """

    changed: list[Found] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    is_listing: bool = False


class Feed(Protocol):
    """How a server tells what changed in the scopes of some searches.

    Attributes:
        needs: what a server lacks that has no cursor.
    """

    needs: str

    def present(self, session: Session) -> Cursor | None:
        """Return the cursor of this moment, or None when the server does not tell it."""
        ...

    def since(self, cursor: Cursor) -> tuple[list[Told], Cursor]:
        """Return what changed in the scope of each search, and where the next time goes on.

        Raises:
            CursorRefused: it cannot be told.
        """
        ...


def fingerprint(*searches: Search) -> str:
    """Return what stands for the scope of searches: a cursor of one is none of another."""
    told = json.dumps([[s.base, s.filter, s.scope, sorted(s.attributes)] for s in searches])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def write_cursor(kind: str, scope: str, **parts: object) -> Cursor:
    """Return a cursor of a kind, for a scope."""
    return Cursor(json.dumps({"kind": kind, "scope": scope, **parts}))


def read_cursor(cursor: Cursor, kind: str, scope: str) -> dict[str, object]:
    """Return the parts of a cursor.

    Raises:
        CursorRefused: it is none of ours, or of other searches.
    """
    try:
        document = json.loads(cursor)
        told = (document["kind"], document["scope"])
    except (ValueError, TypeError, KeyError):
        refuse("it is no cursor of this connector")
    if told != (kind, scope):
        refuse("the settings are not those it was made with")
    return dict(document)


def refuse(why: str) -> NoReturn:
    """Raise that a cursor cannot be used."""
    reason = f"the cursor cannot be used: {why}"
    raise CursorRefused(reason)
