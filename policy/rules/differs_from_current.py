"""A new password is not the current one."""

from dataclasses import dataclass
from typing import ClassVar

from policy.model import Candidate, Kind, Need, Rule
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class DiffersFromCurrent(Rule):
    """The password is not the one that the user has now."""

    name: ClassVar[str] = "differs_from_current"
    code: ClassVar[str] = "password.same_as_current"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("rule.differs_from_current",)
    kind: ClassVar[Kind] = Kind.CHANGE
    needs: ClassVar[frozenset[Need]] = frozenset({Need.CURRENT})

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        return (Finding(self.code),) if candidate.matches_current else ()
