"""A large directory: read, read again without change, a few changes, who is there (D-08)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from idp.config import load
from idp.core.sync.runs import RunMode
from idp.store.base import table_of
from idp.store.directories import DirectoryStageRow
from idp.store.groups import MembershipRow
from idp.store.session import Database
from idp.store.users import UserRow
from tests.support import databases
from tests.support.installation import Installation, write_installation
from tests.support.ldap_tools import Attributes
from tests.support.record import record
from tests.support.sizes import campaign_size, is_full_size
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SlapdServer,
    person,
    running_slapd,
)
from tests.support.sync_process import Cost, SyncProcess, running_sync_process

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_PEOPLE = 100_000
_HUGE = 1_000_000
SIZES = (campaign_size(_PEOPLE), *((_HUGE,) if is_full_size() else ()))
_CHANGES = 60
_SESSION_LOG = 10_000
_IN_A_GROUP = 100
_MOST_GROWN_MIB = 150
NAME = "corp"


def _dn(number: int) -> str:
    return f"uid=u{number:07},{PEOPLE}"


def _entries(count: int) -> Iterator[tuple[str, Attributes]]:
    for number in range(count):
        yield _dn(number), person(f"u{number:07}")
    for number in range(count // _IN_A_GROUP // 10):
        members = [_dn(one) for one in range(number, count, count // _IN_A_GROUP)]
        group = {"objectClass": ["groupOfNames"], "cn": [f"g{number}"], "member": members}
        yield f"cn=g{number},{GROUPS}", group


@pytest.fixture(scope="module", params=SIZES)
def size(request: pytest.FixtureRequest) -> int:
    """Give how many people there are; a million in `make soak` only."""
    count: int = request.param
    return count


@pytest.fixture(scope="module")
def slapd(size: int) -> Iterator[SlapdServer]:
    """Give a directory of that size, which remembers as many changes as one in use does."""
    with running_slapd(_entries(size), session_log=_SESSION_LOG) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, slapd: SlapdServer
) -> Installation:
    """Give an installation on each database beside it, with nobody read yet."""
    made = write_installation(
        tmp_path,
        database_url=databases.fresh_url(request, tmp_path),
        settings={f"connectors.{NAME}": slapd.connector()},
    )
    made.set_up()
    return made


@pytest.fixture
def keeper(installation: Installation) -> Iterator[SyncProcess]:
    """Give a process that keeps the two in step, and does nothing else."""
    with running_sync_process(installation, NAME) as process:
        yield process


@pytest.fixture
def database(installation: Installation) -> Iterator[Database]:
    """Give a look at what is stored."""
    opened = Database(load(installation.config, {}).database.url.reveal())
    yield opened
    opened.close()


def _count(database: Database, row: type) -> int:
    with database.connection(write=False) as connection:
        query = sa.select(sa.func.count()).select_from(table_of(row))
        return connection.execute(query).scalar_one()


def test_a_large_directory_is_kept_in_step(
    keeper: SyncProcess, database: Database, slapd: SlapdServer, size: int
) -> None:
    first = keeper.sync(RunMode.FULL)
    assert first.counts["create"] == _count(database, UserRow) == size
    assert _count(database, MembershipRow) == size // _IN_A_GROUP // 10 * _IN_A_GROUP

    same = keeper.sync(RunMode.FULL)
    assert (same.counts["seen"], sum(same.counts.values())) == (
        size,
        size + same.counts["groups_seen"],
    )

    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    some_people = [_dn(number) for number in range(_CHANGES)]
    slapd.tools.change_each(some_people, "replace: sn", f"sn: In {kind}")
    some = keeper.sync(RunMode.INCREMENTAL)
    assert (some.mode, some.counts["update"], some.counts["seen"]) == (
        "incremental",
        _CHANGES,
        _CHANGES,
    )

    slapd.delete(_dn(size - 1))
    swept = keeper.sync(RunMode.SWEEP)
    slapd.add(_dn(size - 1), person(f"u{size - 1:07}"))
    assert (swept.state, swept.counts["gone"]) == ("applied", 1)
    assert _count(database, DirectoryStageRow) == 0

    _record(f"directory of {size} people on {kind}", first, same, some, swept)
    assert swept.grown_mib <= _MOST_GROWN_MIB


def _record(what: str, first: Cost, same: Cost, some: Cost, swept: Cost) -> None:
    record(
        f"{what}: import {first.seconds:.1f} s, no change {same.seconds:.1f} s,"
        f" {_CHANGES} changes {some.seconds:.1f} s, sweep {swept.seconds:.1f} s;"
        f" grew by {first.grown_mib} MiB at the import, {swept.grown_mib} MiB at most"
    )
