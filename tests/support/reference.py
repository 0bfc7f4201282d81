"""Writes `docs/events.md` and `docs/rules.md` anew: `python -m tests.support.reference`."""

import inspect
import json
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

from idp.core.event_meanings import MEANINGS, Meaning
from idp.core.events import EventCode
from idp.web.messages import requirements, why_asked, wrong_with
from policy.engine import ENGINE_CODES
from policy.model import (
    Choice,
    Flag,
    Kind,
    Patterns,
    Rule,
    Span,
    Tightens,
    Whole,
    Words,
    write_duration,
)
from policy.model.params import Param, params_of
from policy.rules import RULES
from policy.verdict import Finding
from tests.policy.cases import NOW
from tests.policy.rules.test_every_rule import EXAMPLES
from tests.support import ROOT

EVENTS = ROOT / "docs" / "events.md"
RULES_PAGE = ROOT / "docs" / "rules.md"

_EVENTS_HEAD = """# The audit trail: every event

Each event stands in the transaction of the change that it tells of: both are there, or neither. It
has a time, a realm, a code, who did it (a person, a client, the system), the request it came with,
whom it is about, and `params`: plain values, never a secret. An event has only those of the params
below that apply. `GET /admin/api/v1/realms/{realm}/audit` lists them. This page is written from
`idp/core/event_meanings.py` by `python -m tests.support.reference`, and a test compares.

`name_mac` and `email_mac` stand for what somebody typed: the same text gives the same value, and
nobody reads the text from it.
"""
_RULES_HEAD = """# The password policy: every rule

A policy document has the keys `enforcement` and `rules`; a rule that is left out is off. What the
rules are made of lies in `policy/rules`, what is said to people in `idp/web/messages.py`; this page
is written from both by `python -m tests.support.reference`, and a test compares.

All findings against a password are told at once, in the order of this page. **Marks** tells whether
making the rule stricter asks something of people whose password was accepted before. What it asks,
`enforcement` says: `everyone` a change at the next sign-in, `noncompliant` a sign-in at which the
password is judged anew, `never` nothing.
"""
_ENGINE_HEAD = """## Without a rule

These hold whatever the rules say, and have no parameters. Whoever is forced to change never keeps
the current password, even where `differs_from_current` is off. No password is empty or longer than
1,024 code points.
"""
_KINDS = {
    Kind.CONTENT: "existing credentials: it looks at the password itself",
    Kind.CHANGE: "nothing: it looks at the act of changing",
    Kind.STANDING: "nothing: the age of every password counts whenever tokens are asked for",
}


def render_events() -> str:
    """Return the page about the audit trail."""
    rows = (_event_row(code, MEANINGS[code]) for code in EventCode)
    return f"{_EVENTS_HEAD}\n{_table(('code', 'when', 'names', 'params'), rows)}"


def render_rules() -> str:
    """Return the page about the rules of a policy."""
    engine = _table(("code", "message"), (_message_row(Finding(code)) for code in ENGINE_CODES))
    return "\n".join((_RULES_HEAD, *map(_rule_section, RULES), _ENGINE_HEAD, engine))


def _event_row(code: EventCode, meaning: Meaning) -> tuple[str, ...]:
    params = ", ".join(f"`{name}`" for name in meaning.params)
    return (f"`{code.value}`", meaning.when, meaning.about.value, params)


def _rule_section(rule: type[Rule]) -> str:
    example = EXAMPLES[rule.name].document
    settings = ", ".join(f"{key} = {json.dumps(value)}" for key, value in example.items())
    lines = (str(line["text"]) for line in requirements(rule.parse(example).describe()))
    parts = [
        f"## `{rule.name}`\n",
        f"{_summary(rule)}\n",
        f"Marks {_KINDS[rule.kind]}.\n",
        f"Example: `{rule.name} = {{ {settings} }}`, shown as: {'; '.join(lines)}.\n".replace(
            "{  }", "{}"
        ),
    ]
    if params_of(rule):
        parts.append(_table(("parameter", "value", "default", "stricter when"), _parameters(rule)))
    parts.append(_table(("code", "message in the example"), _messages(rule)))
    return "\n".join(parts)


def _summary(rule: type[Rule]) -> str:
    """Return what a rule's docstring says, without the line that names a standard."""
    text = inspect.cleandoc(rule.__doc__ or "").partition("\n\nSpec:")[0]
    return text.replace("\n\n", " ").replace("\n", " ")


def _parameters(rule: type[Rule]) -> Iterator[tuple[str, ...]]:
    declared = params_of(rule)
    for field in fields(rule):
        bounds, stricter = _told(declared[field.name])
        yield (f"`{field.name}`", bounds, _default(field, declared[field.name]), stricter)


def _told(param: object) -> tuple[str, str]:
    """Return what values a parameter takes, and which way it gets stricter."""
    match param:
        case Whole(low=low, high=high, tightens=tightens):
            return f"{low} to {high}", _WAYS[tightens]
        case Span(low=low, high=high):
            return f"`{write_duration(low)}` to `{write_duration(high)}`", "longer"
        case Flag():
            return "`true` or `false`", "on"
        case Words(most=most):
            return f"a list of at most {most:,} words", "more words"
        case Patterns(most=most, longest=longest):
            return f"at most {most:,} patterns of {longest} characters", "more patterns"
        case Choice(names=names, is_ordered=is_ordered):
            told = " or ".join(f'`"{name}"`' for name in names)
            return told, f'`"{names[-1]}"`' if is_ordered else "never"
        case _:
            raise TypeError(param)


_WAYS = {Tightens.UP: "more", Tightens.DOWN: "less", Tightens.NOT: "never"}


def _default(field: Field[Any], param: Param[Any]) -> str:
    if field.default is MISSING:
        return "required"
    if field.default is None:
        return "no bound"
    written = param.write(field.default)
    return "`[]`" if written is None else f"`{json.dumps(written)}`"


def _messages(rule: type[Rule]) -> Iterable[tuple[str, str]]:
    """Return each code of a rule with what is said of what its example refuses."""
    example = EXAMPLES[rule.name]
    value = rule.parse(example.document)
    found = [finding for one in example.refused for finding in value.check_candidate(one)]
    for facts in example.fallen:
        found += filter(None, (value.check_standing(facts, NOW), value.check_warning(facts, NOW)))
    by_code = {finding.code: finding for finding in found}
    return (_message_row(by_code[code]) for code in rule.codes)


def _message_row(finding: Finding) -> tuple[str, str]:
    said = (*wrong_with([finding]), *why_asked([finding]))
    return (f"`{finding.code}`", next(text for text in said if finding.code not in text))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    EVENTS.write_text(render_events())
    RULES_PAGE.write_text(render_rules())
