"""Names that people type: the form in which two of them are the same."""

import unicodedata

from policy.model import fold

LONGEST_NAME = 256
LONGEST_EMAIL = 320


def name_key(text: str) -> str:
    """Return the form under which a login name, e-mail or group name is unique and looked up.

    Compatibility forms, letter case and blanks around it do not count (DECISIONS 17).

    Spec: Unicode Standard 3.13, compatibility caseless matching (D146).
    """
    return fold(text).strip()


def mailbox_of(email: str) -> str:
    """Return the form under which two spellings of an e-mail address reach one person.

    Only letter case does not count: `straße.example` is looked up like `strasse.example`, and can
    be somebody else's.
    """
    return unicodedata.normalize("NFC", email).strip().lower()


def find_key(typed: str) -> str | None:
    """Return the key to look a typed name or e-mail up by, or None when nobody can have it.

    Never raises: what somebody typed may be a megabyte long, or no text that a database takes.
    """
    if len(typed) > LONGEST_EMAIL or not is_storable(typed):
        return None
    key = name_key(typed)
    return key if 0 < len(key) <= LONGEST_EMAIL else None


def is_storable(text: str) -> bool:
    """Tell whether a database takes `text`: no NUL, and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
