"""A policy document (TOML or JSON, as a mapping) to a `PolicyVersion`, and back."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from policy.combining import combine
from policy.model import (
    MAX_LENGTH,
    Enforcement,
    GroupRules,
    PolicyError,
    PolicyVersion,
    Rule,
    Waves,
    errors_under,
    fold,
    nearest,
    read_duration,
    write_duration,
)
from policy.rules import RULES

__all__ = ["PolicyError", "digest", "parse", "to_document"]

_KEYS = ("enforcement", "grace", "waves", "rules", "groups")
_MOST_GRACE = timedelta(days=366)
_MOST_GROUPS = 1000


def parse(
    document: Mapping[str, object],
    *,
    number: int = 0,
    default_enforcement: Enforcement,
    rules: Iterable[type[Rule]] = RULES,
    published_at: datetime | None = None,
) -> PolicyVersion:
    """Return the policy version that a document states.

    Args:
        document: keys as in the policy document of the administration interface.
        number: the version's number; 0 for one that is not published.
        default_enforcement: holds when the document names none.
        rules: the registry; its order is the order of findings.
        published_at: when the version came into force; None for one that is not published.

    Raises:
        PolicyError: the first thing that is wrong, with the dotted path to it.
    """
    for key in document:
        if key not in _KEYS:
            raise PolicyError(key, f"is not a setting of a policy; {nearest(key, _KEYS)}")
    registry = tuple(rules)
    with errors_under("rules"):
        chosen = _read_rules(document.get("rules", {}), registry)
    with errors_under("groups"):
        groups = _read_groups(document.get("groups", {}), registry)
        _refuse_impossible_groups(chosen, groups)
    return PolicyVersion(
        number=number,
        rules=chosen,
        enforcement=_read_enforcement(document.get("enforcement", default_enforcement)),
        grace=_read_grace(document.get("grace", "P0D")),
        waves=_read_waves(document.get("waves")),
        groups=groups,
        published_at=published_at,
    )


def to_document(policy: PolicyVersion) -> dict[str, object]:
    """Return the document of a policy, all defaults spelled out; `parse` gives it back."""
    document: dict[str, object] = {
        "enforcement": policy.enforcement.value,
        "grace": write_duration(policy.grace),
        "rules": _write_rules(policy.rules),
    }
    if policy.waves is not None:
        document["waves"] = policy.waves.document()
    if policy.groups:
        document["groups"] = {
            group.name: {"rules": _write_rules(group.rules)} for group in policy.groups
        }
    return document


def _write_rules(rules: tuple[Rule, ...]) -> dict[str, object]:
    return {rule.name: rule.document() for rule in rules}


def digest(policy: PolicyVersion) -> str:
    """Return the SHA-256 (hex) of a policy's canonical JSON; the number does not count."""
    canonical = json.dumps(to_document(policy), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read_enforcement(value: object) -> Enforcement:
    names = [member.value for member in Enforcement]
    if not isinstance(value, str) or value not in names:
        raise PolicyError("enforcement", f"must be a mode; {nearest(str(value), names)}")
    return Enforcement(value)


def _read_grace(value: object) -> timedelta:
    with errors_under("grace"):
        grace = read_duration(value)
        if grace > _MOST_GRACE:
            raise PolicyError("", f"must be at most {write_duration(_MOST_GRACE)}")
    return grace


def _read_waves(value: object) -> Waves | None:
    if value is None:
        return None
    with errors_under("waves"):
        return Waves.parse(_table(value))


def _read_groups(value: object, registry: Sequence[type[Rule]]) -> tuple[GroupRules, ...]:
    tables = _table(value)
    if len(tables) > _MOST_GROUPS:
        raise PolicyError("", f"must not name more than {_MOST_GROUPS} groups")
    groups = tuple(_read_group(name, tables[name], registry) for name in sorted(tables))
    keys = [group.key for group in groups]
    for group in groups:
        if keys.count(group.key) > 1:
            raise PolicyError(group.name, "is there twice, in another spelling")
    return groups


def _read_group(name: str, value: object, registry: Sequence[type[Rule]]) -> GroupRules:
    with errors_under(name):
        key = fold(name).strip()
        if not key:
            raise PolicyError("", "must be the name of a group")
        table = _table(value)
        for setting in table:
            if setting != "rules":
                reason = "is not a setting of a group, only rules are; the rest is the realm's"
                raise PolicyError(setting, reason)
        with errors_under("rules"):
            rules = _read_rules(table.get("rules", {}), registry)
        if not rules:
            raise PolicyError("rules", "must have a rule; leave the group out otherwise")
        return GroupRules(name=name, key=key, rules=rules)


def _refuse_impossible_groups(rules: tuple[Rule, ...], groups: tuple[GroupRules, ...]) -> None:
    """Refuse rules that no member of all the groups could meet: whoever is in fewer, can then."""
    for group in groups:
        with errors_under(f"{group.name}.rules"):
            rules = combine(rules, group.rules)
            _refuse_impossible(rules)


def _read_rules(value: object, registry: Iterable[type[Rule]]) -> tuple[Rule, ...]:
    known = {rule.name: rule for rule in registry}
    tables = _table(value)
    for name in tables:
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
