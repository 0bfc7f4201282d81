"""Which kinds of characters a password must have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Self

from policy.model import Candidate, Kind, Rule, Tightens, Whole, direction_of
from policy.verdict import Direction, Finding

_MOST = 64

CLASSES: Mapping[str, Callable[[str], bool]] = {
    "uppercase": str.isupper,
    "lowercase": str.islower,
    "digits": str.isdecimal,
    "symbols": lambda character: not character.isalnum(),
}
"""What belongs to each class; a letter without case belongs to none. A space is a symbol."""


@dataclass(frozen=True, slots=True)
class Characters(Rule):
    """The password has at least so many characters of each class, and so many classes."""

    uppercase: Annotated[int, Whole(0, _MOST, Tightens.UP, loosest=0)] = 0
    lowercase: Annotated[int, Whole(0, _MOST, Tightens.UP, loosest=0)] = 0
    digits: Annotated[int, Whole(0, _MOST, Tightens.UP, loosest=0)] = 0
    symbols: Annotated[int, Whole(0, _MOST, Tightens.UP, loosest=0)] = 0
    classes: Annotated[int, Whole(0, len(CLASSES), Tightens.UP, loosest=0)] = 0

    name: ClassVar[str] = "characters"
    code: ClassVar[str] = "password.too_few_classes"
    codes: ClassVar[tuple[str, ...]] = (
        *(f"password.too_few_{name}" for name in CLASSES),
        "password.too_few_classes",
    )
    lines: ClassVar[tuple[str, ...]] = (*(f"rule.{name}" for name in CLASSES), "rule.classes")
    kind: ClassVar[Kind] = Kind.CONTENT

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        have = {name: sum(map(test, candidate.password)) for name, test in CLASSES.items()}
        have["classes"] = sum(1 for count in have.values() if count)
        return tuple(
            Finding(f"password.too_few_{name}", {"min": least})
            for name, least in self._asked().items()
            if have[name] < least
        )

    def describe(self) -> tuple[Finding, ...]:
        return tuple(Finding(f"rule.{name}", {"min": n}) for name, n in self._asked().items() if n)

    def direction(self, old: Self | None) -> Direction | None:
        return direction_of(None if old is None else old.settled(), self.settled())

    def least_length(self) -> int:
        counts = self._counts()
        missing = self.classes - sum(1 for count in counts.values() if count)
        return sum(counts.values()) + max(0, missing)

    def _counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in CLASSES}

    def _asked(self) -> dict[str, int]:
        return {**self._counts(), "classes": self.classes}

    def settled(self) -> Self:
        """Return the same demand with what its parts imply spelled out.

        Asking for a digit and a symbol asks for two classes; asking for all classes asks
        for one of each. Spelling out what was implied is then no change.
        """
        counts = self._counts()
        classes = max(self.classes, sum(1 for count in counts.values() if count))
        floor = 1 if classes == len(CLASSES) else 0
        settled = {name: max(floor, count) for name, count in counts.items()}
        return replace(self, classes=classes, **settled)
