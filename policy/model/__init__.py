"""The values policy works on, and what every rule is made of.

`values` has the facts, the rule and the policy version; `params` reads and writes a rule's
parameters; `text` folds words for matching.
"""

from policy.model.params import (
    MAX_LENGTH,
    Flag,
    PolicyError,
    Span,
    Tightens,
    Whole,
    Words,
    direction_of,
    errors_under,
    nearest,
    read_duration,
    write_duration,
)
from policy.model.text import fold
from policy.model.values import (
    Candidate,
    CredentialFacts,
    Enforcement,
    HistoryMatch,
    HistoryNeed,
    Kind,
    Need,
    PolicyVersion,
    Rule,
)

__all__ = [
    "MAX_LENGTH",
    "Candidate",
    "CredentialFacts",
    "Enforcement",
    "Flag",
    "HistoryMatch",
    "HistoryNeed",
    "Kind",
    "Need",
    "PolicyError",
    "PolicyVersion",
    "Rule",
    "Span",
    "Tightens",
    "Whole",
    "Words",
    "direction_of",
    "errors_under",
    "fold",
    "nearest",
    "read_duration",
    "write_duration",
]
