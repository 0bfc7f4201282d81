"""A password is not one that attackers try first."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from policy.model import Candidate, Flag, Kind, Need, Patterns, Rule, Words, fold, matches_any
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class Blocklist(Rule):
    """The password as a whole is no common one and none of `words`, forwards or backwards.

    Nor does it fit one of `patterns`, in which `*` stands for any run of characters, `?` for one
    and `#` for one digit. Words and patterns are compared without regard to capitals. A long
    phrase that merely contains a blocked word is accepted.

    Spec: NIST SP 800-63B-4 3.1.1.2.
    """

    common: Annotated[bool, Flag()] = True
    words: Annotated[frozenset[str], Words(most=10_000)] = frozenset()
    patterns: Annotated[frozenset[str], Patterns(most=1000, longest=128)] = frozenset()

    name: ClassVar[str] = "blocklist"
    code: ClassVar[str] = "password.blocked_word"
    codes: ClassVar[tuple[str, ...]] = ("password.common", "password.blocked_word")
    lines: ClassVar[tuple[str, ...]] = (
        "rule.common",
        "rule.blocked_words",
        "rule.blocked_patterns",
    )
    kind: ClassVar[Kind] = Kind.CONTENT
    needs: ClassVar[frozenset[Need]] = frozenset({Need.COMMON})

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        findings = []
        if self.common and candidate.is_common:
            findings.append(Finding("password.common"))
        if self._is_blocked(candidate.password):
            findings.append(Finding("password.blocked_word"))
        return tuple(findings)

    def describe(self) -> tuple[Finding, ...]:
        asked = (self.common, self.words, self.patterns)
        return tuple(Finding(line) for line, on in zip(self.lines, asked, strict=True) if on)

    def active_needs(self) -> frozenset[Need]:
        return self.needs if self.common else frozenset()

    def _is_blocked(self, password: str) -> bool:
        if not self.words and not self.patterns:
            return False
        folded = fold(password)
        if folded in self.words or folded[::-1] in self.words:
            return True
        return bool(self.patterns) and matches_any(self.patterns, folded)
