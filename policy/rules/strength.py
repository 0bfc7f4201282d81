"""A password is hard to guess by the measure of an estimator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from policy.model import Candidate, Kind, Need, Rule, Tightens, Whole
from policy.verdict import Finding

_LEAST_LENGTH: Mapping[int, int] = {1: 4, 2: 7, 3: 9, 4: 11}
"""The estimator never needs more than 10 guesses a character, and this many for a score."""


@dataclass(frozen=True, slots=True)
class Strength(Rule):
    """The password has at least the score `min_score` of 0 to 4 by the zxcvbn estimate.

    Each score stands for a number of guesses: 1 for a thousand, 2 for a million, 3 for a hundred
    million, 4 for ten thousand million. The user's own names count as words that are guessed
    first. A password that was not measured counts as 0.

    Spec: Wheeler 2016, "zxcvbn: Low-Budget Password Strength Estimation".
    """

    min_score: Annotated[int, Whole(1, 4, Tightens.UP, loosest=0)]

    name: ClassVar[str] = "strength"
    code: ClassVar[str] = "password.too_weak"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("rule.strength",)
    kind: ClassVar[Kind] = Kind.CONTENT
    needs: ClassVar[frozenset[Need]] = frozenset({Need.STRENGTH})

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        score = candidate.strength or 0
        if score >= self.min_score:
            return ()
        return (Finding(self.code, {"score": score, "min_score": self.min_score}),)

    def describe(self) -> tuple[Finding, ...]:
        return (Finding("rule.strength", {"min_score": self.min_score}),)

    def least_length(self) -> int:
        return _LEAST_LENGTH[self.min_score]
