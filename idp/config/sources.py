"""The file and the environment, read into one mapping that remembers where each value is from."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from idp.config.problems import Problem
from idp.errors import ConfigError

PREFIX = "IDP__"

_NAME_FORM = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*(?:__[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)*")
_REALMS_PATH = 2


@dataclass(slots=True)
class Layers:
    """The settings as they were written, the environment laid over the file.

    Attributes:
        document: nested tables, as TOML has them.
        origins: the environment variable behind each path that one set.
        problems: variables that are no setting's name.
    """

    source: str
    document: dict[str, object]
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def override(self, environ: Mapping[str, str]) -> None:
        """Lay every `IDP__SECTION__KEY` over the document."""
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            name = variable.removeprefix(PREFIX)
            if _NAME_FORM.fullmatch(name) is None:
                reason = "is not of the form IDP__SECTION__KEY"
                self.problems.append(Problem("environment", variable, reason))
                continue
            path = _path_of(name)
            self.origins[path] = variable
            _put(self.document, path, _read_value(environ[variable]))

    def origin_of(self, path: tuple[str, ...]) -> str:
        """Return the file, or the environment variable that set `path` or something below it."""
        near = [
            known
            for known in self.origins
            if known[: len(path)] == path or path[: len(known)] == known
        ]
        return f"environment {self.origins[max(near, key=len)]}" if near else self.source


def read_file(path: Path) -> dict[str, object]:
    """Return the tables of a TOML file.

    Raises:
        ConfigError: the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(str(path), "does not exist; `idp init` writes one") from error
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"is not valid TOML: {error}") from error


def _path_of(name: str) -> tuple[str, ...]:
    path = tuple(part.lower() for part in name.split("__"))
    if path[0] == "realms" and len(path) >= _REALMS_PATH:
        # A realm's name may hold dashes but no underscores; a variable's name is the reverse.
        return path[0], path[1].replace("_", "-"), *path[2:]
    return path


def _read_value(text: str) -> object:
    """Return a number, truth value, list or table written as TOML; anything else is text."""
    if "\n" in text or "\r" in text:
        return text
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, bool | int | str | list | dict) else text


def _put(document: dict[str, object], path: tuple[str, ...], value: object) -> None:
    table = document
    for name in path[:-1]:
        below = table.get(name)
        if not isinstance(below, dict):
            below = table[name] = {}
        table = below
    table[path[-1]] = value
