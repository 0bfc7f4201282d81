"""The values policy works on, and what every rule is made of.

`values` has the facts, the rule and the policy version; `waves` how a policy reaches people bit
by bit; `params` reads and writes a rule's parameters, with `errors` and `durations`; `text`,
`patterns` and `distance` compare texts.
"""

from policy.model.distance import edit_distance
from policy.model.durations import read_duration, write_duration
from policy.model.errors import PolicyError, errors_under, nearest
from policy.model.params import (
    MAX_LENGTH,
    Choice,
    Flag,
    Patterns,
    Span,
    Tightens,
    Whole,
    Words,
    direction_of,
)
from policy.model.patterns import matches_any
from policy.model.text import fold
from policy.model.values import (
    Candidate,
    CredentialFacts,
    Enforcement,
    GroupRules,
    HistoryMatch,
    HistoryNeed,
    Kind,
    Need,
    PolicyVersion,
    Rule,
)
from policy.model.waves import Waves

__all__ = [
    "MAX_LENGTH",
    "Candidate",
    "Choice",
    "CredentialFacts",
    "Enforcement",
    "Flag",
    "GroupRules",
    "HistoryMatch",
    "HistoryNeed",
    "Kind",
    "Need",
    "Patterns",
    "PolicyError",
    "PolicyVersion",
    "Rule",
    "Span",
    "Tightens",
    "Waves",
    "Whole",
    "Words",
    "direction_of",
    "edit_distance",
    "errors_under",
    "fold",
    "matches_any",
    "nearest",
    "read_duration",
    "write_duration",
]
