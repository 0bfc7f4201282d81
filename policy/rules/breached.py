"""A password is none that leaked elsewhere."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from policy.model import Candidate, Choice, Kind, Need, Rule
from policy.verdict import Finding

UNCHECKED = "password.breach_check_failed"
"""Says nothing against the password: only that nobody could look it up."""

_NEEDS = {"hibp": Need.BREACHED_ONLINE, "file": Need.BREACHED_FILE}


@dataclass(frozen=True, slots=True)
class Breached(Rule):
    """The password is none of those that leaked elsewhere, by a list of their SHA-1 values.

    `source` says whether the list is asked for at Have I Been Pwned ("hibp": five of the 40
    digits of the SHA-1 leave the house) or is a file here ("file"). `on_failure` says whether a
    password that cannot be looked up just now is accepted or refused. News in the list ask
    nothing of people whose password was accepted before.

    Spec: NIST SP 800-63B-4 3.1.1.2 (passwords obtained from previous breach corpuses).
    """

    source: Annotated[str, Choice(("file", "hibp"))]
    on_failure: Annotated[str, Choice(("accept", "refuse"), is_ordered=True)] = "accept"

    name: ClassVar[str] = "breached"
    code: ClassVar[str] = "password.breached"
    codes: ClassVar[tuple[str, ...]] = (code, UNCHECKED)
    lines: ClassVar[tuple[str, ...]] = ("rule.breached",)
    kind: ClassVar[Kind] = Kind.CONTENT
    needs: ClassVar[frozenset[Need]] = frozenset(_NEEDS.values())

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        if candidate.is_breached is None:
            return (Finding(UNCHECKED),) if self.on_failure == "refuse" else ()
        return (Finding(self.code),) if candidate.is_breached else ()

    def active_needs(self) -> frozenset[Need]:
        return frozenset({_NEEDS[self.source]})
