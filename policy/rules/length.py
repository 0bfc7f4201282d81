"""How long a password must and may be."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from policy.model import MAX_LENGTH, Candidate, Kind, PolicyError, Rule, Tightens, Whole
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class Length(Rule):
    """The password has between `min` and `max` code points.

    Spec: NIST SP 800-63B-4 3.1.1.2.
    """

    min: Annotated[int, Whole(1, MAX_LENGTH, Tightens.UP, loosest=1)]
    max: Annotated[int, Whole(1, MAX_LENGTH, Tightens.DOWN, loosest=MAX_LENGTH)] = 256

    name: ClassVar[str] = "length"
    code: ClassVar[str] = "password.too_short"
    codes: ClassVar[tuple[str, ...]] = ("password.too_short", "password.too_long")
    lines: ClassVar[tuple[str, ...]] = ("rule.length",)
    kind: ClassVar[Kind] = Kind.CONTENT

    def __post_init__(self) -> None:
        if self.min > self.max:
            raise PolicyError("min", f"must not be more than max ({self.max})")

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        length = len(candidate.password)
        if length < self.min:
            return (Finding("password.too_short", {"min": self.min}),)
        if length > self.max:
            return (Finding("password.too_long", {"max": self.max}),)
        return ()

    def describe(self) -> tuple[Finding, ...]:
        return (Finding("rule.length", {"min": self.min, "max": self.max}),)

    def least_length(self) -> int:
        return self.min

    def most_length(self) -> int:
        return self.max
