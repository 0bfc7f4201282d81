"""A thousand generated people of each server, with all awkward data: read twice, written once."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from idp.clock import FakeClock
from idp.core.sync.differences import ACTS
from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import Synced
from tests.support import samba_data
from tests.support.directories import list_groups, list_odd_people, list_people
from tests.support.ds389 import running_ds389
from tests.support.ldap_tools import LdapTools
from tests.support.samba import running_samba
from tests.support.slapd import (
    BASE,
    GROUPS,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    running_slapd,
)
from tests.support.syncing import sync_to_end
from tests.support.thousand import COUNT, list_thousand, list_thousand_at_ad
from tests.support.world import World, open_world

NAME = "corp"
_KEPT = (
    *("users", "credentials", "groups", "memberships"),
    *("directory_links", "directory_groups", "directory_members"),
)
_WRITE = re.compile(rf"(INSERT INTO|UPDATE|DELETE FROM) ({'|'.join(_KEPT)})\b")

Directory = tuple[dict[str, Any], LdapTools, str]
"""The settings of a connector, what changes its server from outside, and one person in it."""


@pytest.fixture(scope="module")
def slapd() -> Iterator[Directory]:
    """Give an OpenLDAP server."""
    people = [*list_people(f"ou=policies,{BASE}"), *list_thousand()]
    with running_slapd(people) as server:
        server.tools.add_all(list_groups())
        settings = {"url": server.tls_url, "ca_file": str(server.authority.ca_file)}
        yield settings, server.tools, f"uid=u000000,{PEOPLE}"


@pytest.fixture(scope="module")
def samba() -> Iterator[Directory]:
    """Give an Active Directory domain controller."""
    with running_samba() as server:
        server.tools.add_all(list_thousand_at_ad())
        settings = {
            "vendor": "active-directory",
            "url": server.tls_url,
            "ca_file": str(server.authority.ca_file),
            "bind_dn": samba_data.SERVICE,
        }
        yield settings, server.tools, samba_data.place_of("u000000")


@pytest.fixture(scope="module")
def ds389() -> Iterator[Directory]:
    """Give a 389 Directory Server."""
    people = [*list_odd_people(), *list_thousand()]
    with running_ds389(people, list_groups()) as server:
        settings = {
            "vendor": "389ds",
            "url": server.tls_url,
            "ca_file": str(server.authority.ca_file),
        }
        yield settings, server.tools, f"uid=u000000,{PEOPLE}"


@contextmanager
def _opened(database_url: str, directory: Directory) -> Iterator[World]:
    connector = {
        "kind": "ldap",
        "base": PEOPLE,
        "group_base": GROUPS,
        "bind_dn": SERVICE,
        "bind_password": SERVICE_PASSWORD,
        **directory[0],
    }
    with open_world(database_url, FakeClock(), settings={"connectors": {NAME: connector}}) as made:
        yield made


@contextmanager
def _written(world: World) -> Iterator[Counter[str]]:
    """Count the statements of the block that write what is kept of people and groups."""
    engine = world.runtime.database.engine
    seen: Counter[str] = Counter()

    def note(*call: Any) -> None:  # noqa: ANN401 - the arguments of the hook
        found = _WRITE.match(call[2])
        if found is not None:
            seen[found[0]] += 1

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _read_all(world: World) -> tuple[Synced, Counter[str]]:
    world.advance(minutes=10)
    with _written(world) as written:
        synced = sync_to_end(world, NAME, RunMode.FULL)
    assert synced.run.held_because == ()
    return synced, written


def _assert_written_once(database_url: str, directory: Directory) -> None:
    with _opened(database_url, directory) as world:
        first, written = _read_all(world)
        assert first.run.counts["create"] > COUNT + 100
        assert {"INSERT INTO users", "INSERT INTO memberships"} <= set(written)

        again, written = _read_all(world)
        assert again.plan_id is None
        assert not written
        assert not any(again.run.counts[op] for op in (*ACTS, "moved"))

        _, tools, somebody = directory
        tools.change(somebody, "replace: sn", f"sn: {database_url[:6]}")
        changed, written = _read_all(world)
        assert changed.run.counts["update"] == 1
        assert written["UPDATE users"] == 1
        assert not any("memberships" in statement for statement in written)


def test_openldap(database_url: str, slapd: Directory) -> None:
    _assert_written_once(database_url, slapd)


def test_active_directory(database_url: str, samba: Directory) -> None:
    _assert_written_once(database_url, samba)


def test_389_directory_server(database_url: str, ds389: Directory) -> None:
    _assert_written_once(database_url, ds389)
