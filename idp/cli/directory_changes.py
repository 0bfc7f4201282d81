"""What a run over a directory would change: counts, the first of each kind, all in a file."""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from idp.cli.base import CliContext
from idp.cli.following import look_at
from idp.cli.output import json_text
from idp.cli.private_files import replacing
from idp.core.plans import PlanView
from idp.core.spreadsheets import guard_cell
from idp.core.sync.brake import Hold
from idp.core.sync.differences import DOINGS
from idp.core.sync_review import OPS, Change, list_changes

if TYPE_CHECKING:
    from _csv import Writer

SHOWN = 20
"""How many changes of each kind are shown."""
_PAGE = 1000
_COLUMNS = ("change", "login or group", "what is different")
_TELLING_COLUMNS = ("change", "login or group", "id in the directory", "why")
_TELLING = ("conflict", "rejected")
_CSV_COLUMNS = (
    *("change", "login or group", "id in the directory"),
    *("member", "before", "after", "reason", "outcome"),
)
_NEW = ("create", "group_create")
_NAMES = ("username", "name")
_AS_USUAL: Mapping[str, object] = {"is_enabled": True, "must_change": False}
"""Of somebody new, what is told only when it is otherwise."""
_NO_MEMBER: Mapping[str, str] = {
    "update": "nothing that is stored here",
    "group_update": "who is in it",
}
"""What is different when no member is."""

HOLD_WORDS: Mapping[str, str] = {
    Hold.NOTHING_SEEN: "the directory showed nobody at all",
    Hold.FEWER_SEEN: "it showed less than 80 % of the accounts that the last full run saw",
    Hold.TOO_MANY_GONE: "it takes more accounts away than most_gone_percent and most_gone allow",
    Hold.ATTRIBUTE_LOST: "more than a fifth of the accounts would lose their e-mail address",
    Hold.TOO_MANY_RENAMED: "more than a tenth of the accounts would get another login name",
    Hold.IDS_REPLACED: "many logins would be somebody new's: did the directory make new ids?",
    Hold.LAST_OWNER: "it would take away the last owner who can act",
    Hold.APP_LOST: "a group that an app is for would lose more than half of its members",
    Hold.ROLE_LOST: "a group that gives a role would lose more than half of its members, or all",
    Hold.GROUPS_GONE: "more than a fifth of the groups, or all of them, are missing",
    Hold.UNREADABLE: "entries without a readable id are there while accounts are missing",
}
"""Why a run waits for an administrator."""


def held_because(plan: PlanView) -> list[str]:
    """Return in words why a plan of a run must not be applied without being released."""
    codes = plan.counts.get("held_because")
    return [HOLD_WORDS.get(code, str(code)) for code in codes] if isinstance(codes, list) else []


def is_empty(plan: PlanView) -> bool:
    """Tell whether applying the plan would change nobody."""
    return not any(plan.counts.get(name) for name in DOINGS)


def show_counts(context: CliContext, plan: PlanView) -> None:
    """Print what a plan is, and how many of what it would change."""
    counts = [(name, count) for name, count in plan.counts.items() if isinstance(count, int)]
    context.details(
        {
            "plan": plan.id,
            "what": plan.summary,
            **{name.replace("_", " "): count for name, count in counts if count},
            "expires at": plan.expires_at,
        }
    )


def show_changes(context: CliContext, plan: PlanView) -> None:
    """Print the first changes of each kind, a line each."""
    for op in OPS:
        total = plan.counts.get(op)
        if not isinstance(total, int) or not total:
            continue
        changes = _page(context, plan, op=op, limit=SHOWN)
        click.echo()
        if op in _TELLING:
            told = [(change.op, change.name, change.stable_id, change.reason) for change in changes]
            context.table(told, _TELLING_COLUMNS)
        else:
            lines = [(change.op, change.name, _in_one_line(change)) for change in changes]
            context.table(lines, _COLUMNS)
        if total > len(changes):
            context.say(f"and {total - len(changes)} more: --csv FILE writes them all")


def changes_document(context: CliContext, plan: PlanView) -> dict[str, object]:
    """Return the JSON form of a plan with the first changes of each kind."""
    changes = {op: _page(context, plan, op=op, limit=SHOWN) for op in OPS if plan.counts.get(op)}
    return {"plan": plan, "held": held_because(plan), "changes": changes}


def write_changes(context: CliContext, plan: PlanView, file: Path) -> int:
    """Write every change of a plan as CSV, `-` being standard output; return how many.

    No spreadsheet runs a cell of it.
    """
    if str(file) == "-":
        return _write_rows(context, plan, csv.writer(sys.stdout, lineterminator="\n"))
    with replacing(file, encoding="utf-8-sig") as stream:
        return _write_rows(context, plan, csv.writer(stream))


def _write_rows(context: CliContext, plan: PlanView, writer: "Writer") -> int:
    writer.writerow(_CSV_COLUMNS)
    count = 0
    for change in _all_changes(context, plan):
        count += 1
        writer.writerows([guard_cell(cell) for cell in line] for line in _lines([change]))
    return count


def _all_changes(context: CliContext, plan: PlanView) -> Iterator[Change]:
    after = -1
    while page := _page(context, plan, limit=_PAGE, after=after):
        yield from page
        after = page[-1].position


def _page(
    context: CliContext, plan: PlanView, *, limit: int, op: str | None = None, after: int = -1
) -> list[Change]:
    run_id = str(plan.params["run_id"])
    return look_at(
        context,
        plan.realm,
        lambda uow: list_changes(uow, run_id, op=op, limit=limit, after=after),
    )


def _in_one_line(change: Change) -> str:
    """Return what a change makes different, but for what its name or its kind says already."""
    said = {**dict.fromkeys(_NAMES, change.name), **_AS_USUAL} if change.op in _NEW else {}
    told = [
        _difference(member, before, after)
        for member, before, after in change.differing
        if member not in said or after != said[member]
    ]
    return "; ".join(told) or _NO_MEMBER.get(change.op, "")


def _difference(member: str, before: object, after: object) -> str:
    if before is None:
        return f"{member}={_cell(after)}"
    return f"{member}: {_cell(before)} → {_cell(after) or 'none'}"


def _lines(changes: Iterable[Change]) -> Iterator[tuple[str, ...]]:
    """Yield a line for each member that a change makes different; at least one for each change."""
    for change in changes:
        head = (change.op, change.name, change.stable_id)
        tail = (change.reason or "", change.outcome or "")
        for member, before, after in change.differing or [("", None, None)]:
            yield (*head, member, _cell(before), _cell(after), *tail)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case _:
            return json_text(value)
