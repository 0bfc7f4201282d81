"""What a run read is stored as it is, on both databases; of one key the later one counts."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from idp.clock import FakeClock
from idp.ids import RealmName
from idp.store.directories import DirectoryRunRow, DirectoryStageRow
from idp.store.directory_stage import write_staged
from tests.support.world import PORTAL, STAFF, World, open_world

RUN = "run-1"
TEXT = "quo\"te 'n' \\u0041 back\\slash, tab\t, e\N{COMBINING ACUTE ACCENT}, \N{OWL} :rows %s {}"
DOCUMENT = {"login": TEXT, TEXT: [1, 1.5, True, None, {"deep": ["", TEXT]}], "empty": {}}


@pytest.fixture
def world(database_url: str, clock: FakeClock) -> Iterator[World]:
    """Give both realms, with a run in each that has the same id."""
    with open_world(database_url, clock) as made:
        for realm in (STAFF, PORTAL):
            with made.runtime.begin(realm) as uow:
                uow.db.add(
                    DirectoryRunRow(
                        id=RUN, connector="corp", mode="full", state="reading",
                        scope_digest="", counts={}, held_because=[], started_at=uow.now,
                    )
                )  # fmt: skip
        yield made


def _row(stable_id: str, *, kind: str = "user", **more: object) -> dict[str, object]:
    columns: dict[str, object] = {"address_hash": "a", "digest": "d", "login_key": None}
    return {"kind": kind, "stable_id": stable_id, **columns, "document": {}, **more}


def _write(world: World, *rows: dict[str, object], realm: RealmName = STAFF) -> None:
    with world.runtime.begin(realm) as uow:
        write_staged(uow.db, uow.realm, RUN, rows)


def _stored(world: World, realm: RealmName = STAFF) -> list[dict[str, object]]:
    names = _row("")
    with world.runtime.begin(realm, write=False) as uow:
        rows = uow.db.scalars(
            sa.select(DirectoryStageRow).order_by(DirectoryStageRow.stable_id)
        ).all()
        return [{name: getattr(row, name) for name in names} for row in rows]


def test_rows_are_stored_as_they_are(world: World) -> None:
    rows = [_row("a", login_key=TEXT, document=DOCUMENT), _row(f"b {TEXT}"), _row("c", kind="seen")]

    _write(world, *rows)

    assert _stored(world) == rows
    assert _stored(world, PORTAL) == []


def test_a_row_that_is_there_already_is_replaced_whole(world: World) -> None:
    _write(world, _row("a", login_key="ada", document=DOCUMENT), _row("b"))
    _write(world, _row("a", kind="seen"), realm=PORTAL)

    again = _row("a", address_hash="b", digest="e", document={"new": 1})
    _write(world, again, _row("c"))

    assert _stored(world) == [again, _row("b"), _row("c")]
    assert _stored(world, PORTAL) == [_row("a", kind="seen")]


def test_nothing_is_written_of_nothing(world: World) -> None:
    _write(world)

    assert _stored(world) == []


def test_a_row_of_a_run_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(DBAPIError), world.runtime.begin(STAFF) as uow:
        write_staged(uow.db, uow.realm, "run-2", [_row("a")])
