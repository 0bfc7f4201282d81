"""A password that a user chose is kept for a while."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from policy.model import Candidate, Kind, Rule, Tightens, Whole
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class MinAge(Rule):
    """A password that the user chose is changed again only after `hours` hours.

    Binds neither a forced change nor a password that somebody else set.
    """

    hours: Annotated[int, Whole(1, 8760, Tightens.UP)]

    name: ClassVar[str] = "min_age"
    code: ClassVar[str] = "password.too_new"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("rule.min_age",)
    kind: ClassVar[Kind] = Kind.CHANGE

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        set_at = candidate.current_set_at
        if candidate.forced or not candidate.current_self_chosen or set_at is None:
            return ()
        if candidate.now - set_at >= timedelta(hours=self.hours):
            return ()
        return (Finding(self.code, {"hours": self.hours}),)

    def describe(self) -> tuple[Finding, ...]:
        return (Finding("rule.min_age", {"hours": self.hours}),)
