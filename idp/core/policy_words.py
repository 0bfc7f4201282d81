"""A change of policy in words, and the advice of NIST that a policy contradicts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from policy.engine import compare
from policy.model import Enforcement, GroupRules, PolicyVersion, Rule, Waves, write_duration
from policy.parse import to_document
from policy.verdict import Direction

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
    "blocklist.patterns": "blocked patterns",
    "differs_from_current.min_distance": "characters that differ from the current password",
    "strength.min_score": "minimum strength",
    "breached.source": "leaked passwords refused, looked up in",
    "breached.on_failure": "leaked passwords, when they cannot be looked up",
    "max_age.days": "maximum age in days",
    "max_age.warn_days": "warning before the maximum age in days",
    "min_age.hours": "minimum age in hours",
    "waves.per_hour": "waves: users an hour",
    "waves.percent": "waves: percent of the users",
    "waves.groups": "waves: only members of",
    "waves.quiet": "waves: nobody is asked between",
    "waves.zone": "waves: time zone",
    "waves.deadline": "waves: everybody is asked after",
    "length": "length",
    "characters": "required characters",
    "history": "earlier passwords refused",
    "blocklist": "blocked passwords",
    "max_age": "maximum age",
    "min_age": "minimum age",
    "differs_from_current": "differs from the current password",
    "not_personal": "not the user's own names",
    "strength": "strength",
    "breached": "leaked passwords refused",
}
_MOST_WORDS = 5
_ALL = 100
_COMPOSITION = "characters"
_EXPIRY = "max_age"

Table = Mapping[str, object]


def describe_change(old: PolicyVersion, new: PolicyVersion) -> tuple[str, ...]:
    """Return what changed, one sentence a setting, e.g. `minimum length 8 → 12: stricter`.

    What changed for a group begins with its name: `group office: minimum length 12 → 14: stricter`.
    """
    before, after = to_document(old), to_document(new)
    lines = [
        f"{name} {_shown(before[name])} → {_shown(after[name])}"
        for name in ("enforcement", "grace")
        if before[name] != after[name]
    ]
    lines.extend(_wave_changes(old.waves, new.waves))
    lines.extend(_rules_changes(old.rules, new.rules))
    was, is_now = ({group.key: group for group in each.groups} for each in (old, new))
    for key in sorted({*was, *is_now}):
        name = (is_now.get(key) or was[key]).name
        changes = _rules_changes(_rules_of(was.get(key)), _rules_of(is_now.get(key)))
        lines.extend(f"group {name}: {change}" for change in changes)
    return tuple(lines)


def find_conflicts(policy: PolicyVersion) -> tuple[str, ...]:
    """Return what NIST SP 800-63B-4 says must not be asked of people and this policy asks.

    Each begins with the path in the document; the rules of groups count.

    Spec: NIST SP 800-63B-4 3.1.1.2.
    """
    of_groups = ((f"groups.{group.name}.rules", group.rules) for group in policy.groups)
    return tuple(
        f"{path}.{conflict}"
        for path, rules in (("rules", policy.rules), *of_groups)
        for conflict in _conflicts(rules)
    )


def _conflicts(rules: Iterable[Rule]) -> Iterator[str]:
    by_name = {rule.name: rule for rule in rules}
    if _COMPOSITION in by_name and any(by_name[_COMPOSITION].document().values()):
        yield "characters: verifiers shall not impose composition rules"
    if _EXPIRY in by_name:
        yield "max_age: verifiers shall not require periodic changes"


def _rules_of(group: GroupRules | None) -> tuple[Rule, ...]:
    return () if group is None else group.rules


def _rules_changes(old: Sequence[Rule], new: Sequence[Rule]) -> Iterator[str]:
    directions = _directions(old, new)
    before = {rule.name: rule.document() for rule in old}
    after = {rule.name: rule.document() for rule in new}
    for rule in [*after, *(name for name in before if name not in after)]:
        direction = directions.get(rule)
        suffix = "" if direction is None else f": {direction.value}"
        for line in _rule_changes(rule, before.get(rule), after.get(rule)):
            yield f"{line}{suffix}"


def _directions(old: Sequence[Rule], new: Sequence[Rule]) -> Mapping[str, Direction]:
    one, other = (PolicyVersion(0, tuple(rules), Enforcement.EVERYONE) for rules in (old, new))
    return compare(one, other)


def _wave_changes(old: Waves | None, new: Waves | None) -> Iterator[str]:
    if old == new:
        return
    if new is None:
        yield "waves on → off: everybody is asked at once"
    elif old is None:
        yield f"waves: {', '.join(_describe_waves(new))}"
    else:
        before, after = old.document(), new.document()
        for setting in new.KEYS:
            if before.get(setting) != after.get(setting):
                yield _setting_change(f"waves.{setting}", before.get(setting), after.get(setting))


def _describe_waves(waves: Waves) -> Iterator[str]:
    if waves.per_hour is not None:
        yield f"at most {waves.per_hour} users an hour"
    if waves.percent != _ALL:
        yield f"{waves.percent} % of the users"
    if waves.groups:
        yield f"members of {_sample(set(waves.groups))}"
    if waves.quiet is not None:
        begin, end = waves.quiet
        yield f"nobody between {begin:%H:%M} and {end:%H:%M} ({waves.zone})"
    yield f"everybody after {write_duration(waves.deadline)}"


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
