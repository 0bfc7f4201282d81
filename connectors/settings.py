"""How connectors read their settings: a plain mapping in, every mistake in it told at once."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeGuard

from connectors.port import DirectoryMisconfigured


class SettingsRefused(DirectoryMisconfigured):
    """Settings that cannot be meant so.

    Attributes:
        problems: the dotted path of each setting and what is wrong with it, never its value.
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path} {reason}" for path, reason in self.problems))


class Secret:
    """Bytes that are not to be seen; `reveal` gives them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


class Table:
    """One table of settings. Each method takes a key out; `finish` raises for all mistakes.

    After a mistake a method gives the fallback (or something empty), so that reading goes on and
    finds the next one.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._known: list[str] = []
        self._problems: list[tuple[str, str]] = []

    def finish(self) -> None:
        """Raise when anything was wrong, unknown keys included.

        Raises:
            SettingsRefused: with every mistake.
        """
        for key in self._values:
            if key not in self._known:
                self.refuse(key, _unknown(key, self._known))
        if self._problems:
            raise SettingsRefused(self._problems)

    def refuse(self, key: str, reason: str) -> None:
        """Note a mistake; `finish` raises it."""
        self._problems.append((key, reason))

    def text(self, key: str, fallback: str | None = None) -> str:
        """Take a text that is not empty."""
        value = self._take(key, fallback)
        if isinstance(value, str) and value.strip():
            return value
        if value is not None:
            self.refuse(key, "must be a text that is not empty")
        return fallback or ""

    def optional_text(self, key: str) -> str | None:
        """Take a text that is not empty, or None when there is none."""
        self._known.append(key)
        return None if self._values.get(key) is None else self.text(key, "")

    def texts(self, key: str, fallback: Sequence[str] | None = None) -> tuple[str, ...]:
        """Take one text or a list of texts, none of them empty."""
        value = self._take(key, fallback)
        found = [value] if isinstance(value, str) else value
        if _is_list_of_texts(found):
            return tuple(found)
        if value is not None:
            self.refuse(key, "must be a text or a list of texts, none of them empty")
        return tuple(fallback or ())

    def secret(self, key: str) -> Secret:
        """Take a text that is not to be seen."""
        return Secret(self.text(key).encode("utf-8", "surrogatepass"))

    def flag(self, key: str, *, fallback: bool) -> bool:
        """Take true or false."""
        value = self._take(key, fallback)
        if isinstance(value, bool):
            return value
        self.refuse(key, "must be true or false")
        return fallback

    def number(self, key: str, fallback: int, *, least: int, most: int) -> int:
        """Take a whole number within bounds."""
        value = self._take(key, fallback)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.refuse(key, f"must be a whole number from {least} to {most}")
        return fallback

    def seconds(self, key: str, fallback: float, *, most: float) -> float:
        """Take a length of time, as a number of seconds or a `timedelta`; give it in seconds."""
        value = self._take(key, fallback)
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most:
            return float(value)
        self.refuse(key, f"must be longer than nothing and at most {most:g} seconds")
        return fallback

    def choice(self, key: str, choices: Sequence[str], fallback: str) -> str:
        """Take one of `choices`."""
        value = self._take(key, fallback)
        if isinstance(value, str) and value in choices:
            return value
        self.refuse(key, f"must be one of {', '.join(choices)}")
        return fallback

    def lists(self, key: str, fallback: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Take a table whose values are each a text or a list of texts."""
        value = self._take(key, fallback)
        if not isinstance(value, Mapping):
            self.refuse(key, "must be a table")
            return {}
        inner = Table({str(name): found for name, found in value.items()})
        found = {name: inner.texts(name) for name in inner._values}
        self._problems.extend((f"{key}.{path}", reason) for path, reason in inner._problems)
        return found

    def _take(self, key: str, fallback: object) -> object:
        self._known.append(key)
        value = self._values.get(key, fallback)
        if value is None:
            self.refuse(key, "is missing")
        return value


def _is_list_of_texts(value: object) -> TypeGuard[Sequence[str]]:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str | bytes)
        and bool(value)
        and all(isinstance(item, str) and item.strip() for item in value)
    )


def _unknown(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return "is not a setting" + (f"; do you mean {near[0]}?" if near else "")
