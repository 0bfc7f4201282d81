"""`idp policy report`: who still has to change the password, as counts, by name, and over time."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from idp.cli.base import CliContext, json_option, realm_option
from idp.cli.burn_down import show_burn_down
from idp.cli.following import look_at
from idp.cli.private_files import replacing
from idp.core.burn_down import MOST_DAYS, get_burn_down
from idp.core.burn_down_svg import draw_burn_down
from idp.core.policy_lists import REPORT_COLUMNS, list_outstanding
from idp.core.policy_outcomes import Outcome
from idp.core.policy_report import (
    GroupCount,
    PolicyReport,
    VersionCount,
    WithheldCount,
    get_policy_report,
)
from idp.ids import RealmName
from policy.verdict import WithheldBy

OUTCOMES = {
    Outcome.TEMPORARY_EXPIRED: "had a temporary password whose time is over",
    Outcome.MUST_CHANGE: "must change it now, an administrator says so",
    Outcome.TOO_OLD: "must change it now, it is too old",
    Outcome.REFUSED: "must change it, the policy refused it at a sign-in",
    Outcome.STALE: "must change it at the next sign-in, the policy is stricter now",
    Outcome.TO_BE_JUDGED: "is judged at the next sign-in",
    Outcome.WITHHELD: "is not asked yet",
    Outcome.TEMPORARY: "still uses a temporary or shared password",
    Outcome.EXEMPT: "is not asked, the policy's enforcement exempts them",
    Outcome.OK: "has a password that the policy accepts",
    Outcome.NO_PASSWORD: "has no password",
}
"""What each outcome means, said of the users who have it."""

_WITHHELD = {
    WithheldBy.OBSERVE: "the policy only observes",
    WithheldBy.GRACE: "in the time of grace",
    WithheldBy.WAVE: "their wave has not come",
}


@click.command("report")
@realm_option
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write who is not done yet, by name; - for standard output.",
)
@click.option("--burn-down", is_flag=True, help="Show how the count fell.")
@click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), default=30, help="How far back.", show_default=True
)
@click.option(
    "--svg",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the burn-down as a picture.",
)
@json_option
@click.pass_obj
def report_command(
    context: CliContext,
    /,
    *,
    realm: str,
    csv_file: Path | None,
    svg: Path | None,
    **shown: bool | int,
) -> None:
    """Count who still has to change the password, and why.

    With --csv or --svg only the file is written. A file opens in a spreadsheet as it is: it begins
    with a byte order mark, and no cell is taken for a formula.
    """
    name = context.realm(realm)
    days, as_json = int(shown["days"]), bool(shown["as_json"])
    if csv_file is not None:
        _write_csv(context, name, csv_file)
    if svg is not None:
        _write_svg(context, name, svg, days)
    if (csv_file is None and svg is None) or shown["burn_down"]:
        _show(context, name, days if shown["burn_down"] else None, as_json=as_json)


def _show(context: CliContext, realm: RealmName, days: int | None, *, as_json: bool) -> None:
    """Show the report, or the burn-down of some days."""
    if days is not None:
        burn_down = look_at(context, realm, lambda uow: get_burn_down(uow, days=days))
        if as_json:
            context.print_json({"realm": realm, "snapshots": burn_down.points})
        else:
            show_burn_down(context, burn_down)
        return
    report = look_at(context, realm, get_policy_report)
    if as_json:
        context.print_json(report)
        return
    context.table(_report_rows(report), ("users", "outcome", "meaning"))
    click.echo()
    columns = ("judged under", "users", "have to change", "stricter now")
    context.table(map(_version_row, report.versions), columns)
    click.echo()
    columns = ("group", "users", "have to change", "not asked yet")
    context.table(map(_group_row, report.groups), columns)
    if report.withheld_by:
        click.echo()
        columns = ("not asked yet because", "users", "next", "all asked")
        context.table(map(_withheld_row, report.withheld_by), columns)


def _write_csv(context: CliContext, realm: RealmName, file: Path) -> None:
    rows = list_outstanding(context.runtime(), realm)
    if str(file) == "-":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(REPORT_COLUMNS)
        writer.writerows(rows)
        return
    count = 0
    with replacing(file, encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerow(REPORT_COLUMNS)
        for count, row in enumerate(rows, start=1):  # noqa: B007 - counts
            writer.writerow(row)
    context.say(f"users in {file}: {count}")


def _write_svg(context: CliContext, realm: RealmName, file: Path, days: int) -> None:
    burn_down = look_at(context, realm, lambda uow: get_burn_down(uow, days=days))
    with replacing(file) as stream:
        stream.write(draw_burn_down(burn_down))
    context.say(f"the burn-down of {days} days: {file}")


def _report_rows(report: PolicyReport) -> Iterator[tuple[object, ...]]:
    for outcome, count in report.outcomes.items():
        yield (count, outcome.value, OUTCOMES[outcome])
    version = f"policy version {report.policy_version}, enforcement {report.enforcement.value}"
    yield (report.active_users, "active_users", f"all of these; {version}")
    told = "of them get no token before they change it"
    if report.oldest_days is not None:
        told = f"{told}; the longest has had to for {_days(report.oldest_days)}"
    yield (report.have_to_change, "have_to_change", told)
    told = "of them have a password that others know"
    yield (report.accounts_on_shared_password, "accounts_on_shared_password", told)
    told = "of them have a password with a deadline"
    yield (report.accounts_on_temporary_password, "accounts_on_temporary_password", told)
    if report.observed is not None:
        told = "would have been stopped so far by enforcement"
        yield (report.observed.everyone, "observed_everyone", f"{told} everyone")
        yield (report.observed.noncompliant, "observed_noncompliant", f"{told} noncompliant")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _version_row(row: VersionCount) -> tuple[object, ...]:
    return (version_words(row.version), row.users, row.have_to_change, row.stricter_rules)


def _group_row(row: GroupCount) -> tuple[object, ...]:
    return (row.name or "(no group)", row.users, row.have_to_change, row.withheld)


def _withheld_row(row: WithheldCount) -> tuple[object, ...]:
    because = _WITHHELD[row.by]
    if row.due:
        because = f"{because}; {row.due} of them as soon as there is a place"
    return (because, row.users, row.next_at or "-", row.last_at or "-")


def version_words(number: int | None) -> str:
    """Return how a version is told that judged a password."""
    if number is None:
        return "no password"
    return f"version {number}" if number else "never judged"
