"""The parameters of a rule: read from a document, written back, compared for strictness.

A rule declares each as `Annotated[type, Whole(...)]`; reading, writing and comparing then
need no code of its own.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from enum import Enum
from functools import cache
from math import inf
from typing import Any, Protocol, TypeVar, get_type_hints, runtime_checkable

from policy.model.durations import read_duration, write_duration
from policy.model.errors import PolicyError, errors_under, nearest
from policy.model.patterns import has_literal, plain_pattern
from policy.model.text import fold
from policy.verdict import Direction

MAX_LENGTH = 1024
"""Code points; no password is longer, whatever a policy says."""

T = TypeVar("T")
Strictness = float | frozenset[str]


@runtime_checkable
class Param(Protocol[T]):
    """One parameter: its loosest value, its form in a document, and how strict a value is.

    Strictness values are compared with `<`, so they may be partly ordered, as sets are.
    """

    @property
    def loosest(self) -> T: ...
    def read(self, value: object) -> T: ...
    def write(self, value: T) -> object: ...
    def strictness(self, value: T) -> Strictness: ...


class Tightens(Enum):
    """Which way a number makes its rule stricter."""

    UP = 1
    DOWN = -1
    NOT = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds; `loosest=None` when any number is stricter than none."""

    low: int
    high: int
    tightens: Tightens
    loosest: int | None = None

    def read(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise PolicyError("", "must be a whole number")
        if not self.low <= value <= self.high:
            raise PolicyError("", f"must be between {self.low} and {self.high}")
        return value

    def write(self, value: int) -> int:
        return value

    def strictness(self, value: int | None) -> float:
        return -inf if value is None else value * self.tightens.value


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time between two bounds; the longer, the stricter."""

    low: timedelta
    high: timedelta
    loosest: timedelta | None = None

    def read(self, value: object) -> timedelta:
        span = read_duration(value)
        if not self.low <= span <= self.high:
            low, high = write_duration(self.low), write_duration(self.high)
            raise PolicyError("", f"must be between {low} and {high}")
        return span

    def write(self, value: timedelta) -> str:
        return write_duration(value)

    def strictness(self, value: timedelta | None) -> float:
        return -inf if value is None else value.total_seconds()


@dataclass(frozen=True, slots=True)
class Flag:
    """A switch that makes its rule stricter when on."""

    loosest: bool = False

    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise PolicyError("", "must be true or false")
        return value

    def write(self, value: bool) -> bool:  # noqa: FBT001 - the value itself, not an option
        return value

    def strictness(self, value: bool) -> int:  # noqa: FBT001 - the value itself, not an option
        return int(value)


@dataclass(frozen=True, slots=True)
class Words:
    """A set of words, kept folded; more of them are stricter."""

    most: int
    loosest: frozenset[str] = frozenset()

    def read(self, value: object) -> frozenset[str]:
        if not isinstance(value, list | tuple):
            raise PolicyError("", "must be a list of words")
        if len(value) > self.most:
            raise PolicyError("", f"must not have more than {self.most} words")
        return frozenset(_word(index, item) for index, item in enumerate(value))

    def write(self, value: frozenset[str]) -> list[str]:
        return sorted(value)

    def strictness(self, value: frozenset[str]) -> frozenset[str]:
        return value


@dataclass(frozen=True, slots=True)
class Patterns:
    """A set of patterns over a whole password (see `matches_any`); more of them are stricter.

    None at all is left out of a document.
    """

    most: int
    longest: int
    loosest: frozenset[str] = frozenset()

    def read(self, value: object) -> frozenset[str]:
        if not isinstance(value, list | tuple):
            raise PolicyError("", "must be a list of patterns")
        if len(value) > self.most:
            raise PolicyError("", f"must not have more than {self.most} patterns")
        return frozenset(self._pattern(index, item) for index, item in enumerate(value))

    def write(self, value: frozenset[str]) -> list[str] | None:
        return sorted(value) or None

    def strictness(self, value: frozenset[str]) -> frozenset[str]:
        return value

    def _pattern(self, index: int, item: object) -> str:
        is_short = isinstance(item, str) and len(item) <= self.longest
        pattern = plain_pattern(fold(item)) if isinstance(item, str) and is_short else ""
        if not 1 <= len(pattern) <= self.longest:
            reason = f"must be a pattern of 1 to {self.longest} characters"
            raise PolicyError(str(index), reason)
        if not has_literal(pattern):
            reason = "must have a character besides *, ?, # and blanks, or it matches too much"
            raise PolicyError(str(index), reason)
        return pattern


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few names; a later one is stricter if `is_ordered`, else all are as strict."""

    names: tuple[str, ...]
    is_ordered: bool = False
    loosest: str | None = None

    def read(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.names:
            raise PolicyError("", f"must be one of: {', '.join(self.names)}")
        return value

    def write(self, value: str) -> str:
        return value

    def strictness(self, value: str | None) -> float:
        if value is None:
            return -inf
        return self.names.index(value) if self.is_ordered else 0


def _word(index: int, item: object) -> str:
    word = fold(item).strip() if isinstance(item, str) and len(item) <= MAX_LENGTH else ""
    if not 1 <= len(word) <= MAX_LENGTH:
        raise PolicyError(str(index), f"must be a word of 1 to {MAX_LENGTH} characters")
    return word


def params_of(owner: type[Any]) -> Mapping[str, Param[Any]]:
    """Return the declared parameters of a rule class, in order of declaration."""
    key: Any = owner  # mypy does not see that a class is hashable
    return _declared(key)


@cache
def _declared(owner: type[Any]) -> Mapping[str, Param[Any]]:
    hints = get_type_hints(owner, include_extras=True)
    return {field.name: hints[field.name].__metadata__[0] for field in fields(owner)}


def read_params(owner: type[Any], document: Mapping[str, object]) -> dict[str, Any]:
    """Return the arguments that make a rule of this class from its part of a document.

    Raises:
        PolicyError: an unknown, missing or bad parameter; the path is the parameter's name.
    """
    params = params_of(owner)
    for key in document:
        if key not in params:
            raise PolicyError(key, f"is not a setting of this rule; {nearest(key, params)}")
    for field in fields(owner):
        if field.default is MISSING and field.name not in document:
            raise PolicyError(field.name, "is required")
    arguments = {}
    for key, value in document.items():
        with errors_under(key):
            arguments[key] = params[key].read(value)
    return arguments


def write_params(rule: object) -> dict[str, object]:
    """Return a rule's part of a document; what is not set is left out."""
    written = {
        name: param.write(value)
        for name, param in params_of(type(rule)).items()
        if (value := getattr(rule, name)) is not None
    }
    return {name: value for name, value in written.items() if value is not None}


def direction_of(old: object | None, new: object) -> Direction | None:
    """Return how a rule's parameters changed; a missing old rule counts as the loosest one."""
    params = params_of(type(new))
    if old is None and not params:
        return Direction.STRICTER
    changes = set()
    for name, param in params.items():
        before = param.strictness(param.loosest if old is None else getattr(old, name))
        after = param.strictness(getattr(new, name))
        if before != after:
            changes.add(_order(before, after))
    return changes.pop() if len(changes) == 1 else Direction.MIXED if changes else None


R = TypeVar("R")


def combine_params(one: R, other: R) -> R:
    """Return a rule with the stricter value of each parameter; sets of words unite.

    Of two values that are as strict as each other, the greater one is taken.
    """
    values = {
        name: _stricter(param, getattr(one, name), getattr(other, name))
        for name, param in params_of(type(one)).items()
    }
    return type(one)(**values)


def _stricter(param: Param[Any], one: Any, other: Any) -> Any:  # noqa: ANN401 - a parameter's value
    strict, than = param.strictness(one), param.strictness(other)
    if isinstance(strict, frozenset) or isinstance(than, frozenset):
        return one | other
    if strict != than:
        return one if strict > than else other
    return one if one is not None and (other is None or one >= other) else other


def _order(before: Any, after: Any) -> Direction:  # noqa: ANN401 - numbers or sets, never a mix
    if before < after:
        return Direction.STRICTER
    return Direction.LOOSER if after < before else Direction.MIXED
