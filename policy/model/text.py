"""Folding of words, so that spellings people take for the same compare equal."""

import unicodedata


def fold(text: str) -> str:
    """Return the form in which two words are compared; folding twice changes nothing.

    Spec: Unicode Standard 3.13, compatibility caseless matching (D146).
    """
    once = unicodedata.normalize("NFD", text).casefold()
    twice = unicodedata.normalize("NFKD", once).casefold()
    return unicodedata.normalize("NFKC", twice)
