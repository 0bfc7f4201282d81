"""The built-in rules, one file each; they know nothing of each other.

A new rule is one file and one line in `RULES`. The order is the order of findings.
"""

from policy.model import Rule
from policy.rules.blocklist import Blocklist
from policy.rules.breached import UNCHECKED, Breached
from policy.rules.characters import Characters
from policy.rules.differs_from_current import DiffersFromCurrent
from policy.rules.history import History
from policy.rules.length import Length
from policy.rules.max_age import MaxAge
from policy.rules.min_age import MinAge
from policy.rules.not_personal import NotPersonal
from policy.rules.strength import Strength

RULES: tuple[type[Rule], ...] = (
    Length,
    Characters,
    DiffersFromCurrent,
    History,
    Blocklist,
    NotPersonal,
    Strength,
    Breached,
    MaxAge,
    MinAge,
)

__all__ = [
    "RULES",
    "UNCHECKED",
    "Blocklist",
    "Breached",
    "Characters",
    "DiffersFromCurrent",
    "History",
    "Length",
    "MaxAge",
    "MinAge",
    "NotPersonal",
    "Strength",
]
