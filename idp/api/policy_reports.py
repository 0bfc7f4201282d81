"""The policy report by name and over time: `/realms/{realm}/policy/report.csv`, `/report/…`."""

import csv
import io
from datetime import datetime
from itertools import chain
from typing import Annotated

from pydantic import Field

from idp.api.access import POLICY, READ
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut, read_time_cursor, write_cursor
from idp.api.schema import Moment, NextCursor, PageQuery, Query, View
from idp.core.burn_down import MOST_DAYS, get_burn_down
from idp.core.burn_down_svg import draw_burn_down
from idp.core.policy_lists import REPORT_COLUMNS, list_outstanding
from idp.core.policy_outcomes import Outcome
from idp.core.policy_snapshots import list_snapshots


class PolicySnapshot(View):
    """How the active users stood at one moment."""

    at: datetime
    policy_version: int
    active_users: int
    have_to_change: int
    withheld: int
    accounts_on_shared_password: int
    outcomes: Annotated[
        dict[Outcome, int], Field(description="Every outcome; adds up to `active_users`.")
    ]


class PolicySnapshotPage(View):
    """One page of snapshots, oldest first."""

    items: list[PolicySnapshot]
    next_cursor: NextCursor


class HistoryQuery(PageQuery):
    """Which snapshots to list."""

    since: Annotated[Moment | None, Field(description="This moment or later, with its zone.")] = (
        None
    )


class BurnDownQuery(Query):
    """How far the picture goes back."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="How many days.")] = 30


def get_report_rows(call: Call) -> Answer:
    """List who is not done yet, by name, as a CSV file.

    These are the active users who have to change the password, of whom that is withheld, or whose
    password is shared or temporary. No cell is taken for a formula by a spreadsheet.
    """
    rows = list_outstanding(call.runtime, call.realm)
    first = next(rows, None)  # a database that is away is told before anything is answered
    begin = [[*REPORT_COLUMNS]] if first is None else [[*REPORT_COLUMNS], first]
    name = f"{call.realm}-policy-report.csv"
    return Answer(
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        text=map(_csv_line, chain(begin, rows)),
    )


def list_history(call: Call, query: HistoryQuery) -> Answer:
    """List how many users still had to change, from hour to hour, oldest first."""
    after = None if query.cursor is None else read_time_cursor(query.cursor)
    with call.work(write=False) as uow:
        found = list_snapshots(uow, since=query.since, after=after, limit=query.limit + 1)
    page, cursor = cut(found, query.limit, lambda one: write_cursor(one.at.isoformat()))
    items = [PolicySnapshot.model_validate(snapshot) for snapshot in page]
    return Answer(PolicySnapshotPage(items=items, next_cursor=cursor))


def get_burn_down_picture(call: Call, query: BurnDownQuery) -> Answer:
    """Draw how many users still had to change, over time, as an SVG file."""
    with call.work(write=False) as uow:
        found = get_burn_down(uow, days=query.days)
    return Answer(text=[draw_burn_down(found)])


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


_REPORT = "/realms/<name:realm>/policy/report"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=f"{_REPORT}.csv",
        act=get_report_rows,
        any_of=(READ, POLICY),
        media_type="text/csv",
        name="get_policy_report_rows",
    ),
    Endpoint(
        method="GET",
        path=f"{_REPORT}/history",
        act=list_history,
        any_of=(READ, POLICY),
        query=HistoryQuery,
        answer=PolicySnapshotPage,
        name="list_policy_snapshots",
    ),
    Endpoint(
        method="GET",
        path=f"{_REPORT}/burn-down.svg",
        act=get_burn_down_picture,
        any_of=(READ, POLICY),
        query=BurnDownQuery,
        media_type="image/svg+xml",
        name="get_policy_burn_down",
    ),
)
