"""Policy documents in files: TOML or JSON, read with a clear refusal, written as TOML."""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idp.errors import InvalidInput

_MAX_BYTES = 4 * 1024 * 1024


def read_document(path: Path) -> dict[str, Any]:
    """Return the policy document in a file (`-`: standard input); JSON when it begins with `{`.

    Raises:
        InvalidInput: it cannot be read, or is neither TOML nor JSON.
    """
    text = _read(path)
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("policy.unreadable", file=str(path), reason=str(error)) from error
    return dict(document)


def write_toml(document: Mapping[str, object]) -> str:
    """Return a policy document as TOML that `read_document` reads back."""
    lines = [
        f"{_key(name)} = {_value(value)}" for name, value in document.items() if name != "rules"
    ]
    rules = document.get("rules")
    if isinstance(rules, Mapping):
        lines += ["", "[rules]"]
        lines += [f"{_key(name)} = {_value(value)}" for name, value in rules.items()]
    return "\n".join(lines).strip() + "\n"


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InvalidInput("policy.unreadable", file=str(path), reason=reason) from error
    if len(raw) > _MAX_BYTES:
        raise InvalidInput("policy.unreadable", file=str(path), reason="is too large")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("policy.unreadable", file=str(path), reason="is not UTF-8") from error


def _key(name: object) -> str:
    return str(name)


def _value(value: object) -> str:
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_key(n)} = {_value(v)}" for n, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)
