"""JSON files that describe clients."""

import json
from pathlib import Path
from typing import Any

from idp.cli.refusals import Refusal

_MAX_BYTES = 256 * 1024


def read_json_object(name: str) -> dict[str, Any]:
    """Return the JSON object in a file, or end the command with the reason."""
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"{name}: {error.strerror or 'cannot be read'}"
        raise Refusal(message) from error
    if len(content) > _MAX_BYTES:
        message = f"{name}: is too large"
        raise Refusal(message)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        message = f"{name}: is not JSON ({error})"
        raise Refusal(message) from error
    if not isinstance(document, dict):
        message = f"{name}: must hold a JSON object"
        raise Refusal(message)
    return document
