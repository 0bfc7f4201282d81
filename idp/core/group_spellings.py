"""How a group may be called, and described."""

from idp.core.names import name_key
from idp.core.spellings import find_misspelling
from idp.errors import InvalidInput

SEPARATORS = ";,|"
"""What stands between names where several are written in one text; no name contains one."""
_LONGEST_NAME = 128
_LONGEST_DESCRIPTION = 1024


def check_group_name(name: str) -> str:
    """Return a group's name as it is stored.

    Raises:
        InvalidInput: `group.invalid`.
    """
    stored = " ".join(filter(None, name.split(" ")))
    reason = find_misspelling(stored)
    if not 1 <= len(name_key(stored)) <= _LONGEST_NAME or len(stored) > _LONGEST_NAME:
        reason = f"must have 1 to {_LONGEST_NAME} characters"
    elif any(mark in stored for mark in SEPARATORS):
        reason = f"must not contain any of {' '.join(SEPARATORS)}"
    if reason:
        raise InvalidInput("group.invalid", field="name", reason=reason)
    return stored


def check_description(description: str | None) -> str | None:
    """Return what is said of a group as it is stored; None takes it away.

    Raises:
        InvalidInput: `group.invalid`.
    """
    text = (description or "").strip()
    if len(text) > _LONGEST_DESCRIPTION or "\0" in text:
        reason = f"must be text of at most {_LONGEST_DESCRIPTION} characters"
        raise InvalidInput("group.invalid", field="description", reason=reason)
    return text or None
