"""The rules that a policy may have: the built-in ones, and those of installed distributions.

Read once, when a process starts. A rule that cannot be used stops the start, for a policy that
leans on it must never be judged without it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from string import Formatter
from typing import Any

from idp.errors import ConfigError
from policy.engine import ENGINE_CODES
from policy.model import Kind, Need, Rule
from policy.model.params import Param, params_of
from policy.rules import RULES

GROUP = "idp.policy_rules"
"""The group of entry points in which a distribution names its rules."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CODE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


class UnusableRule(Exception):  # noqa: N818 - why a rule of somebody else is not taken
    """Why a rule cannot be used, for the person who installs or writes it."""


def policy_rules() -> tuple[type[Rule], ...]:
    """Return every rule there is: the built-in ones, then the others by distribution and name.

    Raises:
        ConfigError: an installed rule cannot be loaded or used; names its distribution.
    """
    rules = list(RULES)
    for point in sorted(entry_points(group=GROUP), key=_place):
        try:
            rules.append(_checked(_load(point), rules))
        except UnusableRule as error:
            raise ConfigError(_place(point), str(error)) from error
    return tuple(rules)


def _place(point: EntryPoint) -> str:
    distribution = point.dist.name if point.dist is not None else "unknown"
    return f"distribution {distribution}, entry point {point.name}"


def _load(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:
        msg = f"cannot be loaded: {type(error).__name__}: {error}"
        raise UnusableRule(msg) from error


def _checked(loaded: object, others: Iterable[type[Rule]]) -> type[Rule]:
    if not isinstance(loaded, type) or not issubclass(loaded, Rule):
        raise UnusableRule("is not a subclass of policy.model.Rule")
    checks = (_form_error, _names_error, _texts_error)
    reason = next(filter(None, (check(loaded) for check in checks)), None)
    reason = reason or _taken_error(loaded, others)
    if reason is not None:
        msg = f"{loaded.__module__}.{loaded.__qualname__} {reason}"
        raise UnusableRule(msg)
    return loaded


def _form_error(rule: type[Rule]) -> str | None:
    own: Any = vars(rule).get("__dataclass_params__")
    if own is None or not own.frozen:
        return "is not a frozen dataclass"
    try:
        params: Sequence[object] = tuple(params_of(rule).values())
    except (AttributeError, NameError, TypeError):
        params = (None,)
    if not all(isinstance(param, Param) for param in params):
        return "has a field that is not declared as Annotated[type, Whole(...)]"
    return None


def _names_error(rule: type[Rule]) -> str | None:
    name, code = getattr(rule, "name", None), getattr(rule, "code", None)
    codes, lines = getattr(rule, "codes", None), getattr(rule, "lines", None)
    needs: Any = rule.needs  # somebody else's class: nothing is sure
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "needs a name of small letters, digits and _"
    if not (_are_codes(codes) and _are_codes(lines)) or code not in (codes or ()):
        return 'needs codes and lines, tuples of names such as "acme.run", and code among codes'
    if not isinstance(getattr(rule, "kind", None), Kind):
        return "needs a kind of policy.model.Kind"
    if not isinstance(needs, frozenset) or not all(isinstance(need, Need) for need in needs):
        return "needs as needs a frozenset of policy.model.Need"
    return None


def _are_codes(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and bool(value)
        and all(isinstance(code, str) and _CODE.fullmatch(code) for code in value)
    )


def _texts_error(rule: type[Rule]) -> str | None:
    texts: Any = rule.texts
    if not isinstance(texts, Mapping):
        return "needs as texts a mapping from codes and lines to words"
    for code in (*rule.codes, *rule.lines):
        text = texts.get(code)
        if not isinstance(text, str) or not text:
            return f"has no text for {code} in texts"
        if not _is_plain_format(text):
            return f"has a text for {code} whose fields are not plain names such as {{most}}"
    return None


def _is_plain_format(text: str) -> bool:
    try:
        fields = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    except ValueError:
        return False
    return all(field.isidentifier() for field in fields)


def _taken_error(rule: type[Rule], others: Iterable[type[Rule]]) -> str | None:
    names: dict[str, str] = dict.fromkeys(ENGINE_CODES, "the policy engine")
    for other in others:
        whose = f"{other.__module__}.{other.__qualname__}"
        names |= dict.fromkeys((other.name, *other.codes, *other.lines), whose)
    own = (rule.name, *rule.codes, *rule.lines)
    for index, name in enumerate(own):
        if name in names:
            return f"has the name {name}, which {names[name]} has already"
        if name in own[:index]:
            return f"has the name {name} twice"
    return None
