"""A policy document (TOML or JSON, as a mapping) to a `PolicyVersion`, and back."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta

from policy.model import (
    MAX_LENGTH,
    Enforcement,
    PolicyError,
    PolicyVersion,
    Rule,
    errors_under,
    nearest,
    read_duration,
    write_duration,
)
from policy.rules import RULES

__all__ = ["PolicyError", "digest", "parse", "to_document"]

_KEYS = ("enforcement", "grace", "rules")
_LATER_KEYS = ("groups", "waves")
_LATER_RULES = ("strength", "breached")
_NOT_YET = "observe"
"""The enforcement that records and asks nothing."""


def parse(
    document: Mapping[str, object],
    *,
    number: int = 0,
    default_enforcement: Enforcement,
    rules: Iterable[type[Rule]] = RULES,
) -> PolicyVersion:
    """Return the policy version that a document states.

    Args:
        document: keys as in the policy document of the administration interface.
        number: the version's number; 0 for one that is not published.
        default_enforcement: holds when the document names none.
        rules: the registry; its order is the order of findings.

    Raises:
        PolicyError: the first thing that is wrong, with the dotted path to it.
    """
    for key in document:
        if key in _LATER_KEYS:
            raise PolicyError(key, "is not available yet; leave it out")
        if key not in _KEYS:
            raise PolicyError(key, f"is not a setting of a policy; {nearest(key, _KEYS)}")
    with errors_under("rules"):
        chosen = _read_rules(document.get("rules", {}), rules)
    return PolicyVersion(
        number=number,
        rules=chosen,
        enforcement=_read_enforcement(document.get("enforcement", default_enforcement)),
        grace=_read_grace(document.get("grace", "P0D")),
    )


def to_document(policy: PolicyVersion) -> dict[str, object]:
    """Return the document of a policy, all defaults spelled out; `parse` gives it back."""
    return {
        "enforcement": policy.enforcement.value,
        "grace": write_duration(policy.grace),
        "rules": {rule.name: rule.document() for rule in policy.rules},
    }


def digest(policy: PolicyVersion) -> str:
    """Return the SHA-256 (hex) of a policy's canonical JSON; the number does not count."""
    canonical = json.dumps(to_document(policy), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read_enforcement(value: object) -> Enforcement:
    names = [member.value for member in Enforcement]
    if value == _NOT_YET:
        raise PolicyError("enforcement", f"is not available yet; choose {', '.join(names)}")
    if not isinstance(value, str) or value not in names:
        raise PolicyError("enforcement", f"must be a mode; {nearest(str(value), names)}")
    return Enforcement(value)


def _read_grace(value: object) -> timedelta:
    with errors_under("grace"):
        grace = read_duration(value)
    if grace:
        raise PolicyError("grace", 'is not available yet; leave it out or say "P0D"')
    return grace


def _read_rules(value: object, registry: Iterable[type[Rule]]) -> tuple[Rule, ...]:
    known = {rule.name: rule for rule in registry}
    tables = _table(value)
    for name in tables:
        if name not in known and name in _LATER_RULES:
            raise PolicyError(name, "is not available yet; leave it out")
        if name not in known:
            raise PolicyError(name, f"is not a rule; {nearest(name, known)}")
    chosen = tuple(_read_rule(known[name], tables[name]) for name in known if name in tables)
    _refuse_impossible(chosen)
    return chosen


def _read_rule(rule: type[Rule], value: object) -> Rule:
    with errors_under(rule.name):
        return rule.parse(_table(value))


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise PolicyError("", "must be a table of settings; leave it out to switch it off")
    return value


def _refuse_impossible(rules: tuple[Rule, ...]) -> None:
    """Refuse rules that no password could meet together."""
    most = min((rule.most_length() for rule in rules), default=MAX_LENGTH)
    for rule in rules:
        if rule.least_length() > most:
            reason = f"asks for {rule.least_length()} characters, but a password has at most {most}"
            raise PolicyError(rule.name, reason)
