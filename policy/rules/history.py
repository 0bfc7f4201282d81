"""A new password is not one that the user had before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from policy.model import (
    Candidate,
    HistoryMatch,
    HistoryNeed,
    Kind,
    Need,
    PolicyError,
    Rule,
    Span,
    Tightens,
    Whole,
)
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class History(Rule):
    """The password is not among the `last` ones, nor among those replaced `within` a time.

    The current password is not history; `differs_from_current` speaks of that one. The
    finding does not tell which earlier password matched.
    """

    last: Annotated[int | None, Whole(1, 24, Tightens.UP)] = None
    within: Annotated[timedelta | None, Span(timedelta(days=1), timedelta(days=3650))] = None

    name: ClassVar[str] = "history"
    code: ClassVar[str] = "password.used_before"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("rule.history_last", "rule.history_within")
    kind: ClassVar[Kind] = Kind.CHANGE
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HISTORY})

    def __post_init__(self) -> None:
        if self.last is None and self.within is None:
            raise PolicyError("", "needs last or within, or both")

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        if any(self._refuses(match, candidate.now) for match in candidate.history_matches):
            return (Finding(self.code),)
        return ()

    def describe(self) -> tuple[Finding, ...]:
        lines = []
        if self.last is not None:
            lines.append(Finding("rule.history_last", {"last": self.last}))
        if self.within is not None:
            lines.append(Finding("rule.history_within", {"days": self.within.days}))
        return tuple(lines)

    def depth(self) -> HistoryNeed:
        """Return which earlier passwords have to be compared."""
        return HistoryNeed(self.last, self.within)

    def _refuses(self, match: HistoryMatch, now: datetime) -> bool:
        if self.last is not None and match.position <= self.last:
            return True
        return self.within is not None and now - match.replaced_at <= self.within
