"""What may be a name, whichever directory tells it."""

import unicodedata

_MOST_CHARACTERS = 256


def is_name(text: str) -> bool:
    """Tell whether this may be a login, an id or a group: visible, not too long, valid Unicode."""
    if not text.strip() or len(text) > _MOST_CHARACTERS:
        return False
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
