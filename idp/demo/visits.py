"""Who is at an app: one visit per browser, found by a cookie; kept in memory only."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.demo.relying_party import Begun, SignedIn

_MOST_VISITS = 1000
_MOST_BEGUN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What an app tells once, at the top of its next page.

    Attributes:
        kind: `good` or `bad`.
        code: what the server said, for developers.
        action: where its button leads, and what stands on it.
    """

    kind: str
    title: str
    text: str
    code: str | None = None
    action: tuple[str, str] | None = None
    shown: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Visit:
    """What an app remembers of one browser."""

    begun: "OrderedDict[str, Begun]" = field(default_factory=OrderedDict)
    signed_in: SignedIn | None = None
    leaving: str | None = None
    notice: Notice | None = None

    def remember(self, begun: Begun) -> None:
        """Keep a sign-in under way; of too many tabs the oldest is forgotten."""
        self.begun[begun.state] = begun
        while len(self.begun) > _MOST_BEGUN:
            self.begun.popitem(last=False)

    def take_notice(self) -> Notice | None:
        """Return what is to be told, once."""
        notice, self.notice = self.notice, None
        return notice


class Visits:
    """The visits of one app; of too many the one that is the longest ago is forgotten."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str | None) -> Visit | None:
        """Return the visit of a cookie, or None."""
        with self._lock:
            visit = self._visits.get(key or "")
            if visit is not None and key is not None:
                self._visits.move_to_end(key)
            return visit

    def add(self, visit: Visit) -> str:
        """Keep a visit and return the value of its cookie."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._visits[key] = visit
            while len(self._visits) > _MOST_VISITS:
                self._visits.popitem(last=False)
        return key

    def remove(self, key: str | None) -> None:
        """Forget a visit."""
        with self._lock:
            self._visits.pop(key or "", None)
