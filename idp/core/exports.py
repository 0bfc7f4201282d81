"""Users as rows of a file: the columns of an import, without secrets, safe in a spreadsheet."""

import json
from collections.abc import Iterator
from datetime import datetime

from idp.core.group_spellings import SEPARATORS
from idp.core.import_files import COLUMNS, SECRET_COLUMNS
from idp.core.runtime import Runtime
from idp.core.spreadsheets import guard_cell
from idp.core.users.listing import MOST_PER_PAGE, UserQuery, list_users
from idp.core.users.views import UserView
from idp.ids import RealmName

EXPORT_COLUMNS = tuple(column for column in COLUMNS if column not in SECRET_COLUMNS)


def export_users(runtime: Runtime, realm: RealmName) -> Iterator[list[str]]:
    """Yield every user of a realm as cells under `EXPORT_COLUMNS`, by login name.

    Reads page by page, so memory stays the same and nobody waits; somebody who is created
    meanwhile may or may not be among them. An import of the rows changes nothing.
    """
    cursor = None
    while True:
        with runtime.begin(realm, write=False) as uow:
            page = list_users(uow, UserQuery(limit=MOST_PER_PAGE, cursor=cursor))
        yield from map(_cells, page.users)
        cursor = page.next_cursor
        if cursor is None:
            return


def _cells(user: UserView) -> list[str]:
    return [guard_cell(_text(_value(user, column))) for column in EXPORT_COLUMNS]


def _value(user: UserView, column: str) -> object:
    match column:
        case "groups":
            return SEPARATORS[0].join(user.groups)
        case "password_set_at":
            return user.password.set_at if user.password else None
        case "must_change":
            return user.password.must_change if user.password else None
        case "claims":
            return json.dumps(user.claims, ensure_ascii=False) if user.claims else None
        case _:
            return getattr(user, column)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case _:
            return str(value)
