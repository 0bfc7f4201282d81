"""Directories read and applied by processes that die at any moment (catalogue D-08, X-11).

Beside the product that is killed runs one that is not: after each death the next run brings the
first to where the second is, nothing lost, nothing doubled.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from idp.app import assemble, start_quiet_log
from idp.clock import FakeClock
from idp.config import load
from idp.core.jobs import JobState
from idp.core.sync.applying import APPLY_JOB
from idp.core.sync.runs import RunMode, RunState
from idp.store.audit import AuditEventRow
from idp.store.directories import (
    DirectoryChangeRow,
    DirectoryGroupRow,
    DirectoryLinkRow,
    DirectoryRow,
    DirectoryRunRow,
    DirectoryStageRow,
)
from idp.store.groups import GroupRow, MembershipRow
from idp.store.jobs import JobRow
from idp.store.users import UserRow
from tests.campaigns.fleet import children_of, kill
from tests.support import databases
from tests.support.installation import write_installation
from tests.support.ldap_proxy import PAGED, LdapProxy, Request, running_proxy
from tests.support.ldap_tools import Attributes
from tests.support.servers import IdpServer, start_idp
from tests.support.sizes import campaign_size
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SlapdServer,
    person,
    running_slapd,
)
from tests.support.syncing import sync_to_end
from tests.support.waiting import wait_until
from tests.support.world import STAFF, CollectedMail, World, open_world

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_KILLS = 60
_PEOPLE = 100
_TRIES = 5
"""How often a process may be through before it is killed where it was to be."""
_LONGEST = timedelta(minutes=2)
"""After which whatever a dead process held is taken over."""
_FOR_EVER = "000001010000Z"
NAME = "corp"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "sync": ("directory", "sync", "--connector", NAME, "--yes"),
    "worker": ("worker",),
    "serve": ("serve",),
}
MOMENTS = (
    *(("sync", "plan"), ("worker", "read"), ("serve", "apply")),
    *(("sync", "apply"), ("worker", "plan"), ("serve", "read")),
    *(("sync", "read"), ("worker", "settle"), ("serve", "plan")),
    *(("sync", "settle"), ("worker", "apply"), ("serve", "settle")),
)
"""Who dies, and where; each three of them have every command."""
_STABLE = ("username", "email", "name", "given_name", "status", "epoch", "version")


def _dn(number: int) -> str:
    return f"uid=u{number:04},{PEOPLE}"


def _team(name: str, *members: str) -> tuple[str, Attributes]:
    attributes = {"objectClass": ["groupOfNames"], "cn": [name], "member": list(members)}
    return f"cn={name},{GROUPS}", attributes


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give a directory whose people fill several batches, in groups in groups."""
    people = [(_dn(number), person(f"u{number:04}")) for number in range(_PEOPLE)]
    teams = [_team(f"t{n}", *map(_dn, range(n, _PEOPLE, 3))) for n in range(3)]
    everybody = _team("all", *(dn for dn, _ in teams))
    with running_slapd([*people, *teams, everybody]) as server:
        yield server


@dataclass
class Bridge:
    """The product in processes of its own, one that is never disturbed, and their directory."""

    folder: Path
    world: World
    undisturbed: World
    slapd: SlapdServer
    proxy: LdapProxy
    _rounds: Iterator[int] = field(default_factory=itertools.count)
    _movable: list[tuple[str, str]] = field(default_factory=list)

    def begin(self) -> None:
        """Read everybody a first time."""
        self._movable = [self.slapd.add_person() for _ in range(3)]
        for world in (self.world, self.undisturbed):
            sync_to_end(world, NAME, RunMode.FULL)

    def churn(self) -> None:
        """Let everything happen in the directory that a run can find."""
        number = next(self._rounds)
        (renamed, login), (gone, _), (off, _) = self._movable
        self._movable = [self.slapd.add_person() for _ in self._movable]
        tools, new = self.slapd.tools, self._movable[0][0]
        everybody = [_dn(n) for n in range(_PEOPLE)]
        tools.change_each(everybody, "replace: givenName", f"givenName: In round {number}")
        rdn = f"uid={login}-new"
        tools.change(renamed, "changetype: modrdn", f"newrdn: {rdn}", "deleteoldrdn: 1")
        tools.change(off, "replace: pwdAccountLockedTime", f"pwdAccountLockedTime: {_FOR_EVER}")
        tools.delete(gone)
        tools.change(f"cn=t0,{GROUPS}", "add: member", f"member: {new}")
        self.slapd.add(*_team(f"with-{login}", new, f"cn=t1,{GROUPS}"))
        with self.world.begin() as uow:
            uow.db.get_one(DirectoryRow, (STAFF, NAME)).full_at = None  # so a full run is due

    def start(self, command: str) -> IdpServer:
        """Start a process that reads the directory, by itself or because it was told to."""
        return start_idp(*COMMANDS[command], directory=self.folder)

    def is_begun(self) -> bool:
        """Tell whether somebody reads the directory, or did already."""
        with self.world.begin(write=False) as uow:
            return uow.db.get_one(DirectoryRow, (STAFF, NAME)).reader is not None or self.is_over()

    def is_over(self) -> bool:
        """Tell whether a full run was applied to its end."""
        with self.world.begin(write=False) as uow:
            return uow.db.get_one(DirectoryRow, (STAFF, NAME)).full_at is not None

    def is_planning(self) -> bool:
        """Tell whether the last run began to write down what it found, and is not through."""
        with self.world.begin(write=False) as uow:
            run = DirectoryRunRow
            newest = uow.db.execute(sa.select(run.id, run.state).order_by(run.id.desc())).first()
            if newest is None or newest.state != RunState.READING:
                return False
            found = sa.select(DirectoryChangeRow.position).filter_by(run_id=newest.id)
            return uow.db.scalar(found.limit(1)) is not None

    def cursor(self) -> str | None:
        """Return where the job stands that applies a run; None when none does."""
        with self.world.begin(write=False) as uow:
            row = uow.db.scalars(
                sa.select(JobRow).filter_by(kind=APPLY_JOB, state=JobState.RUNNING)
            ).first()
            return None if row is None else row.cursor

    def let_leases_end(self) -> None:
        """Let the time pass after which whatever a dead process held is taken over."""
        with self.world.begin() as uow:
            directory = uow.db.get_one(DirectoryRow, (STAFF, NAME))
            if directory.reads_until is not None:
                assert directory.reads_until - uow.now <= _LONGEST
                directory.reads_until = uow.now
            for job in uow.db.scalars(sa.select(JobRow).filter_by(kind=APPLY_JOB)):
                if job.lease_until is not None:
                    assert job.lease_until - uow.now <= _LONGEST
                    job.lease_until = uow.now


@contextmanager
def _reaching(bridge: Bridge, where: str) -> Iterator[Callable[[], bool]]:
    """Give what tells that a process is where it is to die."""
    is_time: dict[str, Callable[[], bool]] = {
        "plan": bridge.is_planning,
        "apply": lambda: (bridge.cursor() or "").startswith(("people:", "new:")),
        "settle": lambda: (bridge.cursor() or "").startswith(("lists:", "settling:")),
    }
    if where == "read":
        waits = bridge.proxy.stall(Request.SEARCH, at=2, needle=PAGED)
        is_time["read"] = waits.is_set
    try:
        yield is_time[where]
    finally:
        bridge.proxy.behave()


def _is_caught(bridge: Bridge, server: IdpServer, command: str, where: str) -> bool:
    """Kill whatever reads the directory as soon as it is there; False when it was through first."""
    with _reaching(bridge, where) as is_time:
        wait_until(lambda: bridge.is_begun() or not server.is_running, what="the run", seconds=60)
        is_there = False
        while not is_there and not bridge.is_over():
            assert server.is_running or bridge.is_over(), server.tail()
            is_there = is_time()
        if command == "serve":
            for worker in children_of(server.pid, " worker "):
                kill(worker)
        else:
            server.kill()
    return is_there


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def bridge(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, slapd: SlapdServer
) -> Iterator[Bridge]:
    """Give the product on each database beside the directory, with everybody read once."""
    start_quiet_log()
    with running_proxy(slapd.port, slapd.authority.certify("proxy")) as proxy:
        connector = slapd.connector(url=proxy.tls_url, page_size=40, most_gone_percent=100)
        folder = tmp_path / "killed"
        folder.mkdir()
        installation = write_installation(
            folder,
            database_url=databases.fresh_url(request, folder),
            settings={"server": {"workers": 1}, f"connectors.{NAME}": connector},
        )
        installation.set_up()
        runtime = assemble(load(installation.config, {}))
        killed = World(runtime, FakeClock(), CollectedMail())
        beside = connector | {"url": slapd.tls_url}
        with open_world(sqlite_url, settings={"connectors": {NAME: beside}}) as undisturbed:
            undisturbed.runtime.clock = runtime.clock
            bridge = Bridge(folder, killed, undisturbed, slapd, proxy)
            bridge.begin()
            yield bridge
        runtime.directories.close()
        runtime.database.close()


def _state(world: World) -> dict[str, Any]:
    """Return everything that a run changes, by what both products have in common."""
    with world.begin(write=False) as uow:
        links = {link.user_id: link for link in uow.db.scalars(sa.select(DirectoryLinkRow))}
        users = {row.id: row for row in uow.db.scalars(sa.select(UserRow)) if row.id in links}
        groups = dict(
            uow.db.execute(sa.select(DirectoryGroupRow.group_id, DirectoryGroupRow.digest)).all()
        )
        names = dict(uow.db.execute(sa.select(GroupRow.id, GroupRow.name)).all())
        return {
            "people": {
                link.stable_id: (
                    *(getattr(users[user_id], name) for name in _STABLE),
                    *(link.digest, link.address_hash, link.is_disabled),
                    link.gone_since is not None,
                )
                for user_id, link in links.items()
            },
            "groups": Counter((names[group], digest) for group, digest in groups.items()),
            "members": Counter(
                (names[row.group_id], links[row.user_id].stable_id)
                for row in uow.db.scalars(sa.select(MembershipRow))
            ),
            "events": Counter(
                (event.code, links[event.subject_id].stable_id)
                for event in uow.db.scalars(sa.select(AuditEventRow))
                if event.subject_id in links
            ),
        }


def _assert_alike(bridge: Bridge) -> None:
    killed, undisturbed = _state(bridge.world), _state(bridge.undisturbed)
    for part, told in undisturbed.items():
        assert killed[part] == told, part
    assert bridge.world.count(DirectoryStageRow) == 0


def _die_once(bridge: Bridge, command: str, where: str) -> bool:
    """Let a process die there and another one end its work; False when it was through before."""
    bridge.churn()
    server = bridge.start(command)
    is_caught = _is_caught(bridge, server, command, where)
    bridge.let_leases_end()
    if command != "serve":
        server = bridge.start("worker")
    wait_until(bridge.is_over, what="the next run", seconds=60)
    server.stop()
    sync_to_end(bridge.undisturbed, NAME, RunMode.FULL)
    _assert_alike(bridge)
    return is_caught


def test_whoever_dies_the_next_run_ends_where_it_would_have(
    bridge: Bridge, request: pytest.FixtureRequest
) -> None:
    first = 0 if "sqlite" in request.node.name else 3
    for number in range(first, first + campaign_size(_KILLS)):
        command, where = MOMENTS[number % len(MOMENTS)]

        assert any(_die_once(bridge, command, where) for _ in range(_TRIES)), (command, where)
