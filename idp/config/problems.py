"""What is wrong with a configuration: all of it at once, each with its place and a way out."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from idp.errors import ConfigError

_REASONS: Mapping[str, str] = {
    "missing": "is required",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "tuple_type": 'must be a list such as ["a", "b"]',
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        source: the file, or the environment variable.
        key: the dotted name of the setting.
        reason: what is wrong, never repeating the value (it may be a secret).
    """

    source: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.key}: {self.reason}"


class InvalidConfigError(ConfigError):
    """The configuration has one or more problems; its text has a line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(f"{first.source}: {first.key}", first.reason)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def explain(schema: type[BaseModel], error: ErrorDetails) -> tuple[tuple[str, ...], str]:
    """Return the path and the reason of one of pydantic's findings, in our words."""
    path = tuple(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return path, f"unknown key; {_nearest(path[-1], _names_beside(schema, path))}"
        case "string_pattern_mismatch" if path[-1] == "[key]":
            return path[:-1], "must be lower-case letters, digits and dashes, a letter first"
        case "value_error":
            return path, str(error["msg"]).removeprefix("Value error, ")
        case kind:
            return path, _REASONS.get(kind) or _in_our_tone(str(error["msg"]))


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(names)}"


def _names_beside(schema: type[BaseModel], path: tuple[str, ...]) -> set[str]:
    """Return the names that are valid where the last part of `path` stands."""
    here: object = schema
    for part in path[:-1]:
        model = _model_in(here)
        here = model.model_fields[part].annotation if model else get_args(here)[-1]
    model = _model_in(here)
    names = set(model.model_fields) if model else set()
    return names - {"connectors"}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _in_our_tone(text: str) -> str:
    told = text.replace("Input should be ", "must be ", 1)
    return told[:1].lower() + told[1:]
