"""A new password is not the current one, nor very like it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from policy.model import Candidate, Kind, Need, Rule, Tightens, Whole, direction_of, edit_distance
from policy.verdict import Direction, Finding


@dataclass(frozen=True, slots=True)
class DiffersFromCurrent(Rule):
    """The password is not the one that the user has now.

    With `min_distance`, so many characters must be inserted, deleted or replaced to get from one
    to the other, capitals and small letters being the same; nor may it be that near to the
    current one read backwards. That is known only where the current password was typed: after a
    forgotten password, and when an administrator sets one, only the same password is refused.
    """

    min_distance: Annotated[int | None, Whole(1, 64, Tightens.UP)] = None

    name: ClassVar[str] = "differs_from_current"
    code: ClassVar[str] = "password.same_as_current"
    codes: ClassVar[tuple[str, ...]] = (code, "password.too_similar")
    lines: ClassVar[tuple[str, ...]] = ("rule.differs_from_current", "rule.min_distance")
    kind: ClassVar[Kind] = Kind.CHANGE
    needs: ClassVar[frozenset[Need]] = frozenset({Need.CURRENT})

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        if candidate.matches_current:
            return (Finding(self.code),)
        if self._is_too_similar(candidate):
            return (Finding("password.too_similar", self._told()),)
        return ()

    def describe(self) -> tuple[Finding, ...]:
        same = Finding("rule.differs_from_current")
        if self.min_distance is None:
            return (same,)
        return same, Finding("rule.min_distance", self._told())

    def direction(self, old: Self | None) -> Direction | None:
        return Direction.STRICTER if old is None else direction_of(old, self)

    def least_length(self) -> int:
        # Two passwords of fewer characters are never that far from each other.
        return self.min_distance or 0

    def _told(self) -> dict[str, int | str]:
        return {} if self.min_distance is None else {"min_distance": self.min_distance}

    def _is_too_similar(self, candidate: Candidate) -> bool:
        least, current = self.min_distance, candidate.current_password
        if least is None or current is None:
            return False
        new, old = candidate.password.casefold(), current.casefold()
        return any(edit_distance(form, new) < least for form in (old, old[::-1]))
