"""How a directory looks: what a check of it found, and how it stands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import click

from connectors.records import DirectoryEntry, DirectoryReport
from idp.cli.base import CliContext
from idp.config import Connector
from idp.core.sync.mapping import NoAccount, map_entry
from idp.core.sync.runs import READ, Run, RunState
from idp.core.sync_review import OPS, Standing

_SAMPLE_COLUMNS = ("login", "id in the directory", "may sign in", "must change", "would be stored")
_LIST_COLUMNS = ("name", "realm", "kind", "servers", "active", "last success", "needs")
_RUN_COLUMNS = ("run", "mode", "state", "began", "ended", "changes", "plan", "error")
_NOT_SHOWN = ("username_key", "email_key", "username")


def show_check(context: CliContext, connector: Connector, report: DirectoryReport) -> None:
    """Print what a check found, with the first accounts as they would be stored."""
    ahead = report.clock_ahead
    context.details(
        {
            "vendor": report.vendor,
            "server": report.server,
            "offers": sorted(report.offers),
            "clock ahead of ours": "not told" if ahead is None else _seconds(ahead),
            "certificate expires": report.certificate_expires_at or "no TLS",
        }
    )
    for warning in report.warnings:
        context.say(f"WARNING: {warning}")
    click.echo()
    rows = [
        (
            entry.login,
            entry.stable_id,
            entry.is_enabled,
            entry.must_change,
            _in_one_line(_mapped(entry, connector)),
        )
        for entry in report.samples
    ]
    context.table(rows, _SAMPLE_COLUMNS)


def check_document(name: str, connector: Connector, report: DirectoryReport) -> dict[str, object]:
    """Return the JSON form of what a check found."""
    return {
        "connector": name,
        "vendor": report.vendor,
        "server": report.server,
        "offers": report.offers,
        "clock_ahead_seconds": report.clock_ahead and report.clock_ahead.total_seconds(),
        "certificate_expires_at": report.certificate_expires_at,
        "warnings": report.warnings,
        "samples": [
            {
                "login": entry.login,
                "stable_id": entry.stable_id,
                "is_enabled": entry.is_enabled,
                "must_change": entry.must_change,
                **_mapped(entry, connector),
            }
            for entry in report.samples
        ],
    }


def standing_rows(found: Iterable[Standing]) -> tuple[list[Sequence[object]], Sequence[str]]:
    """Return the table of directories: its rows and its columns."""
    rows: list[Sequence[object]] = [
        (
            one.name,
            one.realm,
            one.kind,
            list(one.servers),
            one.accounts.active,
            one.last_success_at,
            "; ".join(_needs(one)),
        )
        for one in found
    ]
    return rows, _LIST_COLUMNS


def standing_document(one: Standing) -> dict[str, object]:
    """Return the JSON form of how a directory stands."""
    return {
        "name": one.name,
        "realm": one.realm,
        "kind": one.kind,
        "servers": one.servers,
        "enforce_policy": one.enforce_policy,
        "write_back": one.write_back,
        "needs_first_plan": one.needs_first_plan,
        "is_scope_changed": one.is_scope_changed,
        "has_cursor": one.has_cursor,
        "full_at": one.full_at,
        "swept_at": one.swept_at,
        "changes_at": one.changes_at,
        "last_success_at": one.last_success_at,
        "held": one.held,
        "is_being_read": one.is_being_read,
        "accounts": one.accounts,
    }


def show_standing(context: CliContext, one: Standing, runs: Sequence[Run]) -> None:
    """Print how a directory stands, and its last runs."""
    context.details(
        {
            "directory": one.name,
            "realm": one.realm,
            "kind": one.kind,
            "servers": list(one.servers) or "-",
            "accounts": f"{one.accounts.active} active, {one.accounts.disabled} disabled,"
            f" {one.accounts.gone} gone",
            "last full run": one.full_at or "never",
            "last sweep": one.swept_at or "never",
            "last look at changes": one.changes_at or "never",
            "can tell what changed": "yes" if one.has_cursor else "no, or not yet",
            "is being read now": one.is_being_read,
            "needs": "; ".join(_needs(one)) or "nothing",
        }
    )
    click.echo()
    context.table([_run_row(run) for run in runs], _RUN_COLUMNS)
    click.echo()


def _needs(one: Standing) -> list[str]:
    """Return what an administrator has to do for a directory, if anything."""
    plan = f"idp directory plan --connector {one.name}"
    needs = []
    if one.needs_first_plan:
        needs.append(f"a first plan, reviewed and applied: {plan}")
    if one.is_scope_changed:
        needs.append(f"a new plan, since the settings mean other accounts now: {plan}")
    if one.held is not None:
        needs.append(f"a look at what is held: idp plan show {one.held.plan_id}")
    return needs


def _run_row(run: Run) -> Sequence[object]:
    changes = [(name, run.counts.get(name)) for name in (*OPS, "moved")]
    told = ", ".join(f"{name} {count}" for name, count in changes if count)
    if run.state is RunState.READING:
        told = f"{run.counts.get(READ, 0)} accounts read so far"
    return (
        run.id,
        run.mode.value,
        run.state.value,
        run.started_at,
        run.finished_at,
        told or "-",
        run.plan_id,
        run.error,
    )


def _mapped(entry: DirectoryEntry, connector: Connector) -> dict[str, object]:
    """Return what would be stored of an entry, or why it would be no account."""
    mapped = map_entry(entry, connector, stored_email=None)
    if isinstance(mapped, NoAccount):
        return {"stored": {}, "left_out": [], "no_account": mapped.reason}
    columns = dict(mapped.columns)
    claims = columns.pop("claims")
    stored = {name: value for name, value in columns.items() if name not in _NOT_SHOWN and value}
    if isinstance(claims, Mapping):
        stored |= claims
    return {"stored": stored, "left_out": list(mapped.left_out), "no_account": None}


def _in_one_line(mapped: Mapping[str, object]) -> str:
    if mapped["no_account"]:
        return f"no account: {mapped['no_account']}"
    stored, left_out = mapped["stored"], mapped["left_out"]
    told = [f"{name}={value}" for name, value in stored.items()] if isinstance(stored, dict) else []
    if isinstance(left_out, list) and left_out:
        told.append(f"left out: {', '.join(left_out)}")
    return "; ".join(told)


def _seconds(length: timedelta) -> str:
    return f"{round(length.total_seconds())} s"
