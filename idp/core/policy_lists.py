"""Who still has to change the password, by name: rows of a file that a spreadsheet opens safely."""

from collections.abc import Iterator
from datetime import datetime

from idp.core.group_spellings import SEPARATORS
from idp.core.policy_outcomes import Outcome
from idp.core.policy_standings import PAGE, Standing, list_standings_by_name
from idp.core.policy_yardstick import yardstick
from idp.core.runtime import Runtime
from idp.core.spreadsheets import guard_cell
from idp.ids import RealmName

REPORT_COLUMNS = (
    "username",
    "email",
    "groups",
    "outcome",
    "why",
    "judged_under",
    "password_set_at",
    "on_shared_password",
    "last_sign_in_at",
    "since",
    "withheld_by",
    "withheld_until",
)


def list_outstanding(runtime: Runtime, realm: RealmName) -> Iterator[list[str]]:
    """Yield who is not done yet as cells under `REPORT_COLUMNS`, by login name.

    These are the active users who have to change the password, of whom that is withheld, or whose
    password is shared or temporary. Reads page by page, so memory stays the same and nobody
    waits; what changes meanwhile may or may not be among it.
    """
    after = ""
    while True:
        with runtime.begin(realm, write=False) as uow:
            page = list_standings_by_name(uow, yardstick(uow), after=after, most=PAGE)
        yield from (_cells(standing) for standing in page if _is_outstanding(standing))
        if len(page) < PAGE:
            return
        after = page[-1].key


def _is_outstanding(standing: Standing) -> bool:
    is_asked = standing.has_to_change or standing.outcome is Outcome.WITHHELD
    return is_asked or standing.is_shared or standing.is_temporary


def _cells(standing: Standing) -> list[str]:
    withheld = standing.withheld
    cells = {
        "username": standing.username,
        "email": standing.email or "",
        "groups": SEPARATORS[0].join(standing.groups),
        "outcome": standing.outcome.value,
        "why": SEPARATORS[0].join(finding.code for finding in standing.findings),
        "judged_under": str(standing.judged_under),
        "password_set_at": _moment(standing.password_set_at),
        "on_shared_password": "true" if standing.is_shared else "false",
        "last_sign_in_at": _moment(standing.last_sign_in_at),
        "since": _moment(standing.since),
        "withheld_by": "" if withheld is None else withheld.by.value,
        "withheld_until": "" if withheld is None else _moment(withheld.until),
    }
    return [guard_cell(cells[column]) for column in REPORT_COLUMNS]


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat().replace("+00:00", "Z")
