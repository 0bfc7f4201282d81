"""The parameters of a rule: read from a document, written back, compared for strictness.

A rule declares each as `Annotated[type, Whole(...)]`; reading, writing and comparing then
need no code of its own.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from enum import Enum
from functools import cache
from math import inf
from typing import Any, Protocol, TypeVar, get_type_hints

from policy.model.text import fold
from policy.verdict import Direction

MAX_LENGTH = 1024
"""Code points; no password is longer, whatever a policy says."""

T = TypeVar("T")
Strictness = float | frozenset[str]

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,5})W"
    r"|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,5})S)?)?)",
    re.ASCII,
)


class PolicyError(ValueError):
    """A policy document that cannot be used: where (dotted path) and why, for people."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@contextmanager
def errors_under(prefix: str) -> Iterator[None]:
    """Let a `PolicyError` from inside name its place from further up the document."""
    try:
        yield
    except PolicyError as error:
        path = ".".join(filter(None, (prefix, error.path)))
        raise PolicyError(path, error.reason) from error


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return what to do about an unknown name: the one probably meant, or all there are."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"valid names: {', '.join(names)}" if names else "nothing can be set here"


def read_duration(value: object) -> timedelta:
    """Return the length of time that an ISO 8601 duration of weeks, or days and time, names.

    Raises:
        PolicyError: with an empty path. Years and months are refused: they have no fixed length.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    given = {unit: int(n) for unit, n in match.groupdict().items() if n} if match else {}
    if not given:
        raise PolicyError("", 'must be an ISO 8601 duration such as "P30D" or "PT12H"')
    return timedelta(**given)


def write_duration(span: timedelta) -> str:
    """Return the ISO 8601 form of a length of time of whole seconds."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    if not time:
        return f"P{span.days}D"
    return f"P{span.days}DT{time}" if span.days else f"PT{time}"


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
    """Return a rule's part of a document; a bound that is not set is left out."""
    return {
        name: param.write(value)
        for name, param in params_of(type(rule)).items()
        if (value := getattr(rule, name)) is not None
    }


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


def _order(before: Any, after: Any) -> Direction:  # noqa: ANN401 - numbers or sets, never a mix
    if before < after:
        return Direction.STRICTER
    return Direction.LOOSER if after < before else Direction.MIXED
