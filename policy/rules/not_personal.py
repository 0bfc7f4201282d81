"""A password is not the user's own name or address, nor the name of where it is used."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from policy.model import Candidate, Kind, Rule, fold
from policy.verdict import Finding

_LOOK_ALIKES = str.maketrans("01345789@$!|+l", "oieastbgasiiti")
_MOST_PADDING = 3


@dataclass(frozen=True, slots=True)
class NotPersonal(Rule):
    """The password is not the login name, e-mail or a name, however thinly disguised.

    Nor is it a name of the realm or of the product.
    Disguises seen through: backwards, look-alike characters, other separators, and up to
    three digits or symbols before and after. A phrase that merely contains a name is fine.

    Spec: NIST SP 800-63B-4 3.1.1.2 (context-specific words).
    """

    name: ClassVar[str] = "not_personal"
    code: ClassVar[str] = "password.personal"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("rule.not_personal",)
    kind: ClassVar[Kind] = Kind.CONTENT

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        personal = {_skeleton(word) for word in _personal_words(candidate)} - {""}
        for core in _cores(fold(candidate.password)):
            skeleton = _skeleton(core)
            if skeleton in personal or skeleton[::-1] in personal:
                return (Finding(self.code),)
        return ()


def _personal_words(candidate: Candidate) -> Iterator[str]:
    yield fold(candidate.username)
    if candidate.email is not None:
        yield fold(candidate.email)
        yield fold(candidate.email.rpartition("@")[0])
    yield from map(fold, candidate.names)
    yield fold("".join(candidate.names))
    yield from map(fold, candidate.context)


def _skeleton(word: str) -> str:
    """Return what is left of a word when look-alikes are one letter and separators are gone."""
    return "".join(filter(str.isalnum, word.translate(_LOOK_ALIKES)))


def _cores(password: str) -> Iterator[str]:
    """Yield the password without some of the digits and symbols around it."""
    before, after = _padding(password), _padding(password[::-1])
    for start in range(before + 1):
        for end in range(after + 1):
            yield password[start : len(password) - end]


def _padding(text: str) -> int:
    """Return how many of the first characters are not letters, as far as they count."""
    head = text[:_MOST_PADDING]
    return next((index for index, character in enumerate(head) if character.isalpha()), len(head))
