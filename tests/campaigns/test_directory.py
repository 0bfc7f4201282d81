"""A large directory: read, read again without change, a few changes, who is there (D-08)."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import Synced
from idp.store.groups import MembershipRow
from idp.store.users import UserRow
from tests.support.ldap_tools import Attributes
from tests.support.record import record
from tests.support.sizes import campaign_size
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    SlapdServer,
    person,
    running_slapd,
)
from tests.support.syncing import sync_to_end
from tests.support.world import World, open_world

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_PEOPLE = 100_000
_CHANGES = 60
_IN_A_GROUP = 100
NAME = "corp"


def _dn(number: int) -> str:
    return f"uid=u{number:07},{PEOPLE}"


def _entries(count: int) -> list[tuple[str, Attributes]]:
    people = [(_dn(number), person(f"u{number:07}")) for number in range(count)]
    groups = [
        (
            f"cn=g{number},{GROUPS}",
            {
                "objectClass": ["groupOfNames"],
                "cn": [f"g{number}"],
                "member": [_dn(one) for one in range(number, count, count // _IN_A_GROUP)],
            },
        )
        for number in range(count // _IN_A_GROUP // 10)
    ]
    return [*people, *groups]


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give a directory of the size of the campaign."""
    with running_slapd(_entries(campaign_size(_PEOPLE))) as server:
        yield server


@pytest.fixture
def world(database_url: str, slapd: SlapdServer) -> Iterator[World]:
    """Give the product beside it, with nobody read yet."""
    connector = {
        "kind": "ldap",
        "url": slapd.tls_url,
        "ca_file": str(slapd.authority.ca_file),
        "bind_dn": SERVICE,
        "bind_password": SERVICE_PASSWORD,
        "base": PEOPLE,
        "group_base": GROUPS,
    }
    with open_world(database_url, settings={"connectors": {NAME: connector}}) as opened:
        yield opened


def _sync(world: World, mode: RunMode) -> tuple[Synced, float]:
    world.advance(minutes=10)
    began = time.perf_counter()
    synced = sync_to_end(world, NAME, mode)
    return synced, time.perf_counter() - began


def _memory_kib() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def test_a_large_directory_is_kept_in_step(world: World, slapd: SlapdServer) -> None:
    count = campaign_size(_PEOPLE)
    before = _memory_kib()

    first, import_seconds = _sync(world, RunMode.FULL)
    grown = (_memory_kib() - before) // 1024
    assert first.run.counts["create"] == world.count(UserRow) == count
    assert world.count(MembershipRow) > 0

    same, same_seconds = _sync(world, RunMode.FULL)
    assert same.plan_id is None

    for number in range(_CHANGES):
        slapd.change(_dn(number), "replace: sn", "sn: Changed")
    some, some_seconds = _sync(world, RunMode.INCREMENTAL)
    assert (some.run.mode, some.run.counts["update"]) == (RunMode.INCREMENTAL, _CHANGES)

    slapd.delete(_dn(count - 1))
    swept, sweep_seconds = _sync(world, RunMode.SWEEP)
    assert swept.run.counts["gone"] == 1
    slapd.add(_dn(count - 1), person(f"u{count - 1:07}"))
    for number in range(_CHANGES):
        slapd.change(_dn(number), "replace: sn", f"sn: u{number:07}")

    kind = "SQLite" if world.runtime.database.is_sqlite else "PostgreSQL"
    record(
        f"directory of {count} people on {kind}: import {import_seconds:.1f} s and {grown} MiB, "
        f"no change {same_seconds:.1f} s, {_CHANGES} changes {some_seconds:.1f} s, "
        f"sweep {sweep_seconds:.1f} s"
    )
