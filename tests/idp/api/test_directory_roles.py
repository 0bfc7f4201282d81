"""Groups of a directory that give administrator roles here (real OpenLDAP, read by real runs)."""

import pytest

from idp.core.groups import get_group
from idp.core.roles import AdminRole, grant_role
from idp.core.sync.runs import RunMode
from idp.core.users import get_user, lock_user
from tests.idp.api.bridge import NUMBERS, Bridge
from tests.idp.api.desk import USERS
from tests.idp.api.test_groups import GROUPS as REST_GROUPS
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SlapdServer,
)


def test_a_renamed_group_keeps_its_role_and_who_leaves_loses_it_at_once(bridge: Bridge) -> None:
    (ada_dn, ada), (ben_dn, ben), (cat_dn, cat) = bridge.people(3)
    inner = bridge.group(cat_dn)
    outer = bridge.group(ada_dn, ben_dn, inner)
    assert bridge.sync(RunMode.FULL) == ()
    group_id = bridge.give(outer, AdminRole.AUDITOR)
    assert {bridge.roles(login) for login in (ada, ben, cat)} == {("auditor",)}
    tokens = {login: bridge.desk.tokens_of(login)["access_token"] for login in (ada, ben, cat)}

    name = f"renamed{next(NUMBERS)}"
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


def test_a_role_of_a_group_that_vanished_waits_and_is_held_by_nobody_until_it_is_back(
    bridge: Bridge,
) -> None:
    [(ada_dn, ada)] = bridge.people(1)
    dn = bridge.group(ada_dn)
    bridge.sync(RunMode.FULL)
    group_id = bridge.give(dn, AdminRole.OWNER)
    assert bridge.roles(ada) == ("owner",)
    token = bridge.desk.tokens_of(ada)["access_token"]

    moved = bridge.move(dn, PEOPLE)

    assert bridge.sync() == ("role_lost",)
    assert bridge.desk.get(f"{USERS}/{bridge.user(ada)}", token).json["roles"] == ["owner"]
    assert bridge.outcomes(bridge.release()) == {"skipped:still_named"}
    assert bridge.desk.get(f"{USERS}/{bridge.user(ada)}", token).status == 401
    assert bridge.sync() == ()
    olga = bridge.desk.tokens_of("olga")["access_token"]
    seen = bridge.desk.get(f"{REST_GROUPS}/{group_id}", olga).json
    assert (seen["members"], seen["roles"]) == (0, ["owner"])

    bridge.move(moved, GROUPS)

    assert bridge.sync() == ()
    assert bridge.roles(ada) == ("owner",)


def test_a_role_can_be_taken_from_a_group_that_vanished(bridge: Bridge) -> None:
    [(ada_dn, ada)] = bridge.people(1)
    dn = bridge.group(ada_dn)
    bridge.sync(RunMode.FULL)
    bridge.give(dn, AdminRole.AUDITOR)
    moved = bridge.move(dn, PEOPLE)
    bridge.release()

    group_id = bridge.give(dn)
    bridge.move(moved, GROUPS)
    assert bridge.sync() == ()

    with bridge.desk.story.world.begin() as uow:
        group = get_group(uow, group_id)
    assert (group.members, group.roles, bridge.roles(ada)) == (1, (), ())


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
