"""Runs over a real OpenLDAP server: awkward people, what happens to them, and faults (D-08)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from idp.clock import FakeClock
from idp.core.groups import group_names
from idp.core.sync.runs import RunMode, RunState, list_runs
from idp.core.sync_schedule import Synced, sync_directory
from idp.errors import Conflict, IdpError
from idp.store.directories import DirectoryLinkRow, DirectoryRow, DirectoryStageRow
from idp.store.users import UserRow
from tests.support.directories import CROWD, ODD_NAMES, PEOPLE_COUNT, list_groups, list_people
from tests.support.ldap_proxy import PAGED, LdapProxy, Request, running_proxy
from tests.support.slapd import (
    BASE,
    GROUPS,
    PEOPLE,
    SlapdServer,
    person,
    running_slapd,
)
from tests.support.syncing import sync_to_end
from tests.support.world import STAFF, World, open_world

NAME = "corp"


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give an OpenLDAP server with awkward people and groups in it."""
    with running_slapd(list_people(f"ou=policies,{BASE}")) as server:
        for dn, attributes in list_groups():
            server.add(dn, attributes)
        yield server


@dataclass
class Bridge:
    """The product beside a directory, reached through a proxy that can misbehave."""

    world: World
    server: SlapdServer
    proxy: LdapProxy

    def read(self, mode: RunMode) -> Synced:
        """Read and begin to apply."""
        return sync_directory(self.world.runtime, STAFF, NAME, mode)

    def sync(self, mode: RunMode = RunMode.INCREMENTAL) -> Synced:
        """Read and apply to the end."""
        synced = sync_to_end(self.world, NAME, mode)
        assert synced.run.held_because == ()
        return synced

    def find(self, login: str) -> UserRow | None:
        """Return the directory's account of a login that its entry had last."""
        with self.world.begin(write=False) as uow:
            link = uow.db.query(DirectoryLinkRow).filter_by(login=login).one_or_none()
            return None if link is None else uow.db.get_one(UserRow, (STAFF, link.user_id))

    def user(self, login: str) -> UserRow:
        """Return an account that has to be there."""
        found = self.find(login)
        assert found is not None, login
        return found

    def groups_of(self, login: str) -> set[str]:
        """Return the names of somebody's groups."""
        user = self.user(login)
        with self.world.begin(write=False) as uow:
            return set(group_names(uow, [user.id]).get(user.id, ()))

    def everybody(self) -> list[tuple[Any, ...]]:
        """Return what is stored of all accounts."""
        with self.world.begin(write=False) as uow:
            rows = uow.db.query(UserRow).order_by(UserRow.id).all()
            return [tuple(getattr(row, c.name) for c in UserRow.__table__.c) for row in rows]

    def cursor(self) -> str | None:
        """Return where the next incremental run would go on."""
        with self.world.begin(write=False) as uow:
            return uow.db.get_one(DirectoryRow, (STAFF, NAME)).cursor


@pytest.fixture
def bridge(database_url: str, clock: FakeClock, slapd: SlapdServer) -> Iterator[Bridge]:
    """Give the product with everybody of the directory in it."""
    with running_proxy(slapd.port, slapd.authority.certify("proxy")) as proxy:
        connector = slapd.connector(url=proxy.tls_url, page_size=40, read_timeout=2.0, deadline=5.0)
        with open_world(database_url, clock, settings={"connectors": {NAME: connector}}) as world:
            made = Bridge(world, slapd, proxy)
            made.sync(RunMode.FULL)
            yield made


def test_awkward_people_are_imported_and_a_second_run_changes_nothing(bridge: Bridge) -> None:
    with bridge.world.begin(write=False) as uow:
        [first] = list_runs(uow, NAME)
    assert first.counts["create"] + first.counts["rejected"] >= PEOPLE_COUNT
    assert bridge.user("odd5").name == ODD_NAMES[5]
    assert bridge.user("disabled").status == "inactive"
    assert bridge.user("nomail").email is None
    assert bridge.user("mails").email == "a@example.test"
    before = bridge.everybody()

    again = bridge.sync(RunMode.FULL)

    assert again.plan_id is None
    assert bridge.everybody() == before
    assert bridge.world.count(DirectoryStageRow) == 0


def test_members_of_members_are_worked_out(bridge: Bridge) -> None:
    assert bridge.groups_of("u000000") == {"leaf", "nested", "large"}
    assert bridge.groups_of("odd0") == {"leaf", "nested"}
    assert bridge.groups_of(f"u{CROWD - 1:06}") == {"large"}


def test_one_incremental_run_after_anything(bridge: Bridge) -> None:
    server = bridge.server
    (renamed, ada), (gone, ben), (off, cat) = (server.add_person() for _ in range(3))
    server.add(
        f"cn=team-{ada},{GROUPS}",
        {"objectClass": ["groupOfNames"], "cn": [f"team-{ada}"], "member": [off]},
    )
    bridge.sync()
    subs = {login: bridge.user(login).sub for login in (ada, ben, cat)}
    epochs = {login: bridge.user(login).epoch for login in (ben, cat)}
    assert bridge.groups_of(cat) == {f"team-{ada}"}

    new = f"uid={ada}-new,{PEOPLE}"
    server.change(renamed, "changetype: modrdn", f"newrdn: uid={ada}-new", "deleteoldrdn: 1")
    server.change(new, "replace: mail", f"mail: {ada}-new@example.test")
    server.delete(gone)
    server.change(off, "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z")
    server.change(f"cn=team-{ada},{GROUPS}", "add: member", f"member: {new}")
    bridge.sync()

    user = bridge.user(f"{ada}-new")
    assert (user.username, user.email) == (f"{ada}-new", f"{ada}-new@example.test")
    assert user.sub == subs[ada]
    assert bridge.groups_of(f"{ada}-new") == {f"team-{ada}"}
    for login in (ben, cat):
        assert bridge.user(login).status == "inactive"
        assert bridge.user(login).epoch > epochs[login]

    server.change(off, "delete: pwdAccountLockedTime")
    server.add(gone, person(ben))
    bridge.sync()
    assert bridge.user(cat).status == "active"
    with bridge.world.begin(write=False) as uow:
        [holder] = uow.db.query(UserRow).filter_by(username=ben).all()
    assert holder.sub != subs[ben]
    server.delete(f"cn=team-{ada},{GROUPS}", new, gone, off)


def test_mails_and_logins_that_are_swapped(bridge: Bridge) -> None:
    server = bridge.server
    (one, ada), (two, ben) = server.add_person(), server.add_person()
    bridge.sync()
    subs = bridge.user(ada).sub, bridge.user(ben).sub
    spare = f"uid={ada}-spare,{PEOPLE}"
    server.change(one, "changetype: modrdn", f"newrdn: uid={ada}-spare", "deleteoldrdn: 1")
    server.change(two, "changetype: modrdn", f"newrdn: uid={ada}", "deleteoldrdn: 1")
    server.change(spare, "changetype: modrdn", f"newrdn: uid={ben}", "deleteoldrdn: 1")

    bridge.sync()

    assert (bridge.user(ben).sub, bridge.user(ada).sub) == subs
    assert bridge.user(ben).username == ben
    server.delete(one, two)


def test_a_renamed_branch_moves_its_people_at_the_next_sweep(bridge: Bridge) -> None:
    server = bridge.server
    branch = f"ou=branch,{PEOPLE}"
    server.add(branch, {"objectClass": ["organizationalUnit"], "ou": ["branch"]})
    dn, ada = server.add_person(below=branch)
    bridge.sync()
    before = bridge.user(ada)
    server.change(branch, "changetype: modrdn", "newrdn: ou=twig", "deleteoldrdn: 1")

    bridge.sync(RunMode.SWEEP)
    second = bridge.sync(RunMode.SWEEP)

    after = bridge.user(ada)
    assert (after.sub, after.status, after.version) == (before.sub, "active", before.version)
    assert second.plan_id is None
    server.delete(f"uid={ada},ou=twig,{PEOPLE}")
    gone = bridge.sync(RunMode.SWEEP)
    assert gone.run.counts["gone"] == 1
    assert bridge.user(ada).status == "inactive"
    server.delete(f"ou=twig,{PEOPLE}")
    assert dn


FAULTS: dict[str, Callable[[LdapProxy, int], object]] = {
    **{
        str(code): lambda proxy, page, code=code: proxy.answer(  # type: ignore[misc]
            Request.SEARCH, code, at=page, needle=PAGED
        )
        for code in (1, 3, 4, 11, 32, 50, 51, 52, 53, 80)
    },
    "drop": lambda proxy, page: proxy.drop(Request.SEARCH, at=page, needle=PAGED),
    "stall": lambda proxy, page: proxy.stall(Request.SEARCH, at=page, needle=PAGED),
}


@pytest.mark.parametrize("mode", [RunMode.FULL, RunMode.SWEEP])
def test_a_reading_that_fails_changes_nobody(bridge: Bridge, mode: RunMode) -> None:
    before, cursor = bridge.everybody(), bridge.cursor()
    for fault, page in ((fault, page) for fault in FAULTS for page in (1, 3)):
        bridge.world.advance(minutes=2)
        FAULTS[fault](bridge.proxy, page)

        with pytest.raises(IdpError) as refused:
            bridge.read(mode)

        assert refused.value.code in ("directory.unavailable", "directory.misconfigured")
        assert (bridge.everybody(), bridge.cursor()) == (before, cursor)
        with bridge.world.begin(write=False) as uow:
            run = list_runs(uow, NAME)[0]
        assert (run.state, run.mode) == (RunState.FAILED, mode), fault
        assert run.error
        assert bridge.world.count(DirectoryStageRow) == 0
        bridge.proxy.behave()
    bridge.world.advance(minutes=2)
    assert bridge.sync(mode).run.state is RunState.PLANNED


def test_entries_that_are_hidden_take_nobody_away(bridge: Bridge) -> None:
    before = bridge.everybody()
    bridge.proxy.hide(b"uid=u0000")

    held = bridge.read(RunMode.FULL)

    assert held.job_id is None
    assert "too_many_gone" in held.run.held_because
    assert bridge.everybody() == before


def test_somebody_who_was_out_of_sight_is_in_the_same_groups_again(bridge: Bridge) -> None:
    login = f"u{CROWD - 1:06}"
    assert bridge.groups_of(login) == {"large"}
    bridge.proxy.hide(f"{login}@example.test".encode())
    bridge.sync(RunMode.FULL)
    assert (bridge.user(login).status, bridge.groups_of(login)) == ("inactive", set())
    bridge.proxy.behave()

    bridge.sync(RunMode.FULL)

    assert (bridge.user(login).status, bridge.groups_of(login)) == ("active", {"large"})


def test_two_do_not_read_at_once(bridge: Bridge) -> None:
    with bridge.world.begin() as uow:
        row = uow.db.get_one(DirectoryRow, (STAFF, NAME))
        row.reader, row.reads_until = "somebody else", uow.now.replace(year=uow.now.year + 1)

    with pytest.raises(Conflict, match=r"directory\.busy"):
        bridge.read(RunMode.FULL)

    with bridge.world.begin() as uow:
        uow.db.get_one(DirectoryRow, (STAFF, NAME)).reads_until = uow.now
    assert bridge.sync(RunMode.FULL).run.state is RunState.PLANNED
