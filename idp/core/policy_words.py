"""A change of policy in words, and the advice of NIST that a policy contradicts."""

from collections.abc import Iterator, Mapping

from policy.engine import compare
from policy.model import PolicyVersion
from policy.parse import to_document

_NAMES: Mapping[str, str] = {
    "length.min": "minimum length",
    "length.max": "maximum length",
    "characters.uppercase": "upper-case letters",
    "characters.lowercase": "lower-case letters",
    "characters.digits": "digits",
    "characters.symbols": "symbols",
    "characters.classes": "kinds of characters",
    "history.last": "earlier passwords refused",
    "history.within": "earlier passwords refused for",
    "blocklist.common": "common passwords refused",
    "blocklist.words": "blocked words",
    "max_age.days": "maximum age in days",
    "max_age.warn_days": "warning before the maximum age in days",
    "min_age.hours": "minimum age in hours",
    "length": "length",
    "characters": "required characters",
    "history": "earlier passwords refused",
    "blocklist": "blocked passwords",
    "max_age": "maximum age",
    "min_age": "minimum age",
    "differs_from_current": "differs from the current password",
    "not_personal": "not the user's own names",
}
_MOST_WORDS = 5
_COMPOSITION = "characters"
_EXPIRY = "max_age"

Table = Mapping[str, object]


def describe_change(old: PolicyVersion, new: PolicyVersion) -> tuple[str, ...]:
    """Return what changed, one sentence a setting, e.g. `minimum length 8 → 12: stricter`."""
    before, after = to_document(old), to_document(new)
    directions = compare(old, new)
    lines = [
        f"{name} {_shown(before[name])} → {_shown(after[name])}"
        for name in ("enforcement", "grace")
        if before[name] != after[name]
    ]
    old_rules, new_rules = _table(before["rules"]), _table(after["rules"])
    for rule in [*new_rules, *(name for name in old_rules if name not in new_rules)]:
        direction = directions.get(rule)
        suffix = "" if direction is None else f": {direction.value}"
        changes = _rule_changes(rule, old_rules.get(rule), new_rules.get(rule))
        lines.extend(f"{line}{suffix}" for line in changes)
    return tuple(lines)


def find_conflicts(policy: PolicyVersion) -> tuple[str, ...]:
    """Return what NIST SP 800-63B-4 says must not be asked of people and this policy asks.

    Spec: NIST SP 800-63B-4 3.1.1.2.
    """
    rules = {rule.name: rule for rule in policy.rules}
    conflicts = []
    if _COMPOSITION in rules and any(rules[_COMPOSITION].document().values()):
        conflicts.append("rules.characters: verifiers shall not impose composition rules")
    if _EXPIRY in rules:
        conflicts.append("rules.max_age: verifiers shall not require periodic changes")
    return tuple(conflicts)


def _rule_changes(rule: str, old: object, new: object) -> Iterator[str]:
    label = _NAMES.get(rule, rule.replace("_", " "))
    if new is None:
        yield f"{label} on → off"
        return
    if old is None and not new:
        yield f"{label} off → on"
        return
    before, after = _table(old or {}), _table(new)
    for setting in [*after, *(name for name in before if name not in after)]:
        was, is_now = before.get(setting), after.get(setting)
        if was != is_now and (was or is_now):
            yield _setting_change(f"{rule}.{setting}", was, is_now)


def _setting_change(path: str, old: object, new: object) -> str:
    label = _NAMES.get(path, path.replace("_", " ").replace(".", " "))
    if isinstance(old, list) or isinstance(new, list):
        return f"{label}: {_word_change(_words(old), _words(new))}"
    return f"{label} {_shown(old)} → {_shown(new)}"


def _word_change(old: set[str], new: set[str]) -> str:
    parts = [
        f"{verb} {_sample(words)}"
        for verb, words in (("added", new - old), ("removed", old - new))
        if words
    ]
    return ", ".join(parts)


def _sample(words: set[str]) -> str:
    shown = sorted(words)[:_MOST_WORDS]
    rest = len(words) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _words(value: object) -> set[str]:
    return {str(word) for word in value} if isinstance(value, list) else set()


def _shown(value: object) -> str:
    match value:
        case None:
            return "off"
        case True:
            return "on"
        case False:
            return "off"
        case _:
            return str(value)


def _table(value: object) -> Table:
    return value if isinstance(value, Mapping) else {}
