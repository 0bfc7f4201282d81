"""Groups of a directory that give administrator roles here (real OpenLDAP, read by real runs)."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from idp.clock import FakeClock
from idp.core.group_roles import set_group_roles
from idp.core.groups import get_group
from idp.core.plans import apply_plan, get_plan
from idp.core.roles import AdminRole, grant_role, revoke_role, roles_by_user
from idp.core.sync.change_rows import DONE
from idp.core.sync.runs import Run, RunMode, RunState, get_run
from idp.core.users import get_user, lock_user
from idp.core.work import HOST
from idp.ids import UserId
from idp.store.directories import DirectoryChangeRow, DirectoryLinkRow
from tests.idp.api.desk import USERS, Desk
from tests.idp.api.test_groups import GROUPS as REST_GROUPS
from tests.support.slapd import (
    GROUPS,
    SlapdServer,
    running_slapd,
)
from tests.support.story import open_story
from tests.support.syncing import apply_to_end, sync_to_end
from tests.support.world import STAFF

NAME = "corp"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give an OpenLDAP server with nobody in it yet."""
    with running_slapd([]) as server:
        yield server


@dataclass
class Bridge:
    """The product beside a directory, and the desk at which its administrators work."""

    desk: Desk
    server: SlapdServer

    def people(self, count: int) -> list[tuple[str, str]]:
        """Add people to the directory; return DN and login of each."""
        return [self.server.add_person() for _ in range(count)]

    def group(self, *members: str) -> str:
        """Add a group to the directory; return its DN."""
        name = f"team{next(_numbers)}"
        dn = f"cn={name},{GROUPS}"
        self.server.add(
            dn, {"objectClass": ["groupOfNames"], "cn": [name], "member": list(members)}
        )
        return dn

    def sync(self, mode: RunMode = RunMode.SWEEP) -> tuple[str, ...]:
        """Read, and apply unless it is held; return why it is."""
        return sync_to_end(self.desk.story.world, NAME, mode).run.held_because

    def release(self) -> Run:
        """Read, and apply although it is held, as an administrator does."""
        world = self.desk.story.world
        held = sync_to_end(world, NAME, RunMode.FULL)
        assert held.run.state is RunState.HELD
        assert held.plan_id is not None
        with world.begin(write=False) as uow:
            plan = get_plan(uow, held.plan_id)
        apply_to_end(world, apply_plan(world.runtime, STAFF, plan.id, plan.fingerprint, HOST))
        with world.begin(write=False) as uow:
            return get_run(uow, held.run.id)

    def give(self, dn: str, *roles: AdminRole) -> str:
        """Have a group of the directory give roles; return its id here."""
        with self.desk.story.world.begin() as uow:
            group = get_group(uow, dn.partition(",")[0].removeprefix("cn="))
            set_group_roles(uow, group.id, roles)
        return group.id

    def user(self, login: str) -> UserId:
        """Return the account of a person of the directory."""
        with self.desk.story.world.begin(write=False) as uow:
            link = uow.db.query(DirectoryLinkRow).filter_by(login=login).one()
        self.desk.story.people[login] = UserId(link.user_id)
        return UserId(link.user_id)

    def roles(self, login: str) -> tuple[str, ...]:
        """Return somebody's administrator roles."""
        user_id = self.user(login)
        with self.desk.story.world.begin(write=False) as uow:
            return roles_by_user(uow, [user_id]).get(user_id, ())

    def only_owner(self, login: str) -> None:
        """Leave no owner but this one, who has it by a group."""
        owner = self.desk.story.people["olga"]
        with self.desk.story.world.begin() as uow:
            revoke_role(uow, owner, AdminRole.OWNER)
        assert self.roles(login) == ("owner",)

    def outcomes(self, run: Run) -> set[str | None]:
        """Return what became of the changes of a run that were not simply done."""
        with self.desk.story.world.begin(write=False) as uow:
            rows = uow.db.query(DirectoryChangeRow).filter_by(run_id=run.id)
            return {row.outcome for row in rows} - {DONE}


@pytest.fixture
def bridge(database_url: str, clock: FakeClock, slapd: SlapdServer) -> Iterator[Bridge]:
    """Give the product with an owner of its own and everybody of the directory in it."""
    settings = {"connectors": {NAME: slapd.connector()}}
    with open_story(database_url, clock=clock, settings=settings) as story:
        made = Bridge(Desk(story), slapd)
        made.desk.administrator("olga")
        yield made
        story.world.runtime.directories.source(NAME).close()


def test_a_renamed_group_keeps_its_role_and_who_leaves_loses_it_at_once(bridge: Bridge) -> None:
    (ada_dn, ada), (ben_dn, ben), (cat_dn, cat) = bridge.people(3)
    inner = bridge.group(cat_dn)
    outer = bridge.group(ada_dn, ben_dn, inner)
    assert bridge.sync(RunMode.FULL) == ()
    group_id = bridge.give(outer, AdminRole.AUDITOR)
    assert {bridge.roles(login) for login in (ada, ben, cat)} == {("auditor",)}
    tokens = {login: bridge.desk.tokens_of(login)["access_token"] for login in (ada, ben, cat)}

    name = f"renamed{next(_numbers)}"
    bridge.server.change(outer, "changetype: modrdn", f"newrdn: cn={name}", "deleteoldrdn: 1")
    bridge.server.change(inner, "replace: member", f"member: {ada_dn}")
    assert bridge.sync() == ()

    group = bridge.desk.get(f"{REST_GROUPS}/{group_id}", tokens[ada]).json
    assert (group["name"], group["roles"], group["members"]) == (name, ["auditor"], 2)
    assert bridge.desk.get(f"{USERS}/{bridge.user(ben)}", tokens[ben]).status == 200
    assert bridge.desk.get(f"{USERS}/{bridge.user(cat)}", tokens[cat]).status == 401
    assert bridge.roles(cat) == ()
    told = [
        event.params
        for event in bridge.desk.story.world.events()
        if event.code == "admin.revoked" and event.subject_id == bridge.user(cat)
    ]
    assert told == [{"role": "auditor", "group": name}]


def test_a_sync_takes_no_grant_and_gives_the_role_to_who_joins(bridge: Bridge) -> None:
    (ada_dn, ada), (ben_dn, ben), (cat_dn, cat) = bridge.people(3)
    dn = bridge.group(ada_dn, ben_dn)
    bridge.sync(RunMode.FULL)
    bridge.give(dn, AdminRole.AUDITOR)
    ben_id, cat_id = bridge.user(ben), bridge.user(cat)
    world = bridge.desk.story.world
    with world.begin() as uow:
        grant_role(uow, ben_id, AdminRole.AUDITOR)
    epochs = [world.user(user_id).epoch for user_id in (ben_id, cat_id)]

    bridge.server.change(dn, "replace: member", f"member: {ada_dn}", f"member: {cat_dn}")
    assert bridge.sync() == ()

    assert {bridge.roles(login) for login in (ada, ben, cat)} == {("auditor",)}
    assert [world.user(user_id).epoch for user_id in (ben_id, cat_id)] == epochs


def test_a_run_that_takes_a_role_from_most_waits(bridge: Bridge) -> None:
    (ada_dn, ada), (ben_dn, ben), (cat_dn, cat) = bridge.people(3)
    inner = bridge.group(ben_dn, cat_dn)
    dn = bridge.group(ada_dn, inner)
    bridge.sync(RunMode.FULL)
    bridge.give(dn, AdminRole.AUDITOR)

    bridge.server.change(inner, "replace: member", f"member: {ada_dn}")

    assert bridge.sync() == ("role_lost",)
    assert bridge.roles(ben) == bridge.roles(cat) == ("auditor",)
    bridge.release()
    assert bridge.roles(ben) == bridge.roles(cat) == ()
    assert bridge.roles(ada) == ("auditor",)


def test_a_role_of_a_group_that_vanished_waits_and_ends_with_it(bridge: Bridge) -> None:
    [(ada_dn, ada)] = bridge.people(1)
    dn = bridge.group(ada_dn)
    bridge.sync(RunMode.FULL)
    bridge.give(dn, AdminRole.OWNER)
    assert bridge.roles(ada) == ("owner",)
    token = bridge.desk.tokens_of(ada)["access_token"]

    bridge.server.delete(dn)

    assert bridge.sync() == ("role_lost",)
    assert bridge.desk.get(f"{USERS}/{bridge.user(ada)}", token).json["roles"] == ["owner"]
    bridge.release()
    assert bridge.desk.get(f"{USERS}/{bridge.user(ada)}", token).status == 401
    assert bridge.sync() == ()


@pytest.mark.parametrize("way", ["left", "group_gone", "gone", "disabled"])
def test_the_last_owner_is_not_lost_to_a_directory(bridge: Bridge, way: str) -> None:
    ada_dn, ada, dn = _last_owner(bridge)
    world = bridge.desk.story.world
    token = bridge.desk.tokens_of(ada)["access_token"]

    _take_away(bridge.server, way, ada_dn, dn)

    assert "last_owner" in bridge.sync(RunMode.FULL)
    released = bridge.release()
    assert bridge.desk.get(f"{USERS}/{bridge.user(ada)}", token).json["roles"] == ["owner"]
    assert bridge.outcomes(released) == (set() if way == "left" else WHAT_IS_SAID[way])
    assert "last_owner" in bridge.sync(RunMode.FULL)

    with world.begin() as uow:
        grant_role(uow, bridge.desk.story.people["olga"], AdminRole.OWNER)
    if bridge.sync(RunMode.FULL):
        bridge.release()
    assert bridge.desk.get(f"{USERS}/{bridge.user(ada)}", token).status == 401
    with world.begin() as uow:
        is_owner = get_user(uow, bridge.user(ada)).roles == ("owner",)
    assert is_owner == (way == "disabled")


def _last_owner(bridge: Bridge) -> tuple[str, str, str]:
    """Make somebody the last owner who can act; return their DN, their login, their group's DN."""
    (ada_dn, ada), (ben_dn, ben), (cat_dn, _) = bridge.people(3)
    dn = bridge.group(ada_dn, ben_dn, cat_dn)
    bridge.sync(RunMode.FULL)
    bridge.give(dn, AdminRole.OWNER)
    with bridge.desk.story.world.begin() as uow:
        lock_user(uow, bridge.user(ben))
    bridge.server.change(dn, "delete: member", f"member: {cat_dn}")
    assert bridge.sync() == ()
    bridge.only_owner(ada)
    return ada_dn, ada, dn


def _take_away(server: SlapdServer, way: str, person: str, group: str) -> None:
    match way:
        case "left":
            server.change(group, "delete: member", f"member: {person}")
        case "group_gone":
            server.delete(group)
        case "gone":
            server.delete(person)
        case _:
            locked = "pwdAccountLockedTime: 000001010000Z"
            server.change(person, "replace: pwdAccountLockedTime", locked)


WHAT_IS_SAID: dict[str, set[str | None]] = {
    "group_gone": {"skipped:last_owner"},
    "gone": {"skipped:changed_meanwhile"},
    "disabled": set(),
}
