"""Administrator roles that a group gives: whoever is in it holds them, for as long."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from idp.core.admins import list_admins
from idp.core.group_roles import grant_group_role, revoke_group_role
from idp.core.groups import create_group, get_group, remove_group, update_group
from idp.core.import_files import SourceRow
from idp.core.import_rows import ImportRow, read_row
from idp.core.import_writing import ReadyRow, write_rows
from idp.core.roles import AdminRole, acting_owners, grant_role, revoke_role, roles_by_user
from idp.core.users import Profile, deactivate_user, lock_user, update_user
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, Forbidden
from idp.ids import UserId
from tests.support.meanwhile import during
from tests.support.world import PORTAL, STAFF, World


@dataclass
class House:
    """Ada is an owner by a grant of her own; Bob and Cat are in a group that gives roles."""

    world: World
    ada: UserId
    bob: UserId
    cat: UserId
    group: str

    def give(self, role: AdminRole = AdminRole.OWNER) -> None:
        with self.world.begin() as uow:
            assert grant_group_role(uow, self.group, role)

    def roles(self, user_id: UserId) -> tuple[str, ...]:
        with self.world.begin(write=False) as uow:
            return roles_by_user(uow, [user_id]).get(user_id, ())

    def epoch(self, user_id: UserId) -> int:
        return self.world.user(user_id).epoch

    def leave(self, *user_ids: UserId) -> None:
        with self.world.begin() as uow:
            update_group(uow, self.group, remove=user_ids)

    def revoke_own(self, user_id: UserId) -> None:
        with self.world.begin() as uow:
            revoke_role(uow, user_id, AdminRole.OWNER)

    def told(self) -> list[tuple[str, str | None, object]]:
        return [
            (event.code, event.subject_id, event.params.get("group"))
            for event in self.world.events()
            if event.code in ("admin.granted", "admin.revoked")
        ]


Act = Callable[[UnitOfWork, House], object]
LOSING_BOB: dict[str, Act] = {
    "leave": lambda uow, house: update_group(uow, house.group, remove=[house.bob]),
    "groups": lambda uow, house: update_user(uow, house.bob, Profile(groups=())),
    "remove": lambda uow, house: remove_group(uow, house.group),
    "role": lambda uow, house: revoke_group_role(uow, house.group, AdminRole.OWNER),
    "lock": lambda uow, house: lock_user(uow, house.bob),
    "deactivate": lambda uow, house: deactivate_user(uow, house.bob),
}
CHANGING_WHO_ADMINISTERS: dict[str, Act] = {
    "role": lambda uow, house: grant_group_role(uow, house.group, AdminRole.OWNER),
    "take": lambda uow, house: revoke_group_role(uow, house.group, AdminRole.AUDITOR),
    "add": lambda uow, house: update_group(uow, house.group, add=[house.ada]),
    "rename": lambda uow, house: update_group(uow, house.group, new_name="Others"),
    "remove": lambda uow, house: remove_group(uow, house.group),
    "join": lambda uow, house: update_user(uow, house.ada, Profile(groups=("Admins",))),
    "leave": lambda uow, house: update_user(uow, house.bob, Profile(groups=())),
    "import": lambda uow, _: import_row(uow, username="eve", groups="Admins"),
}


def limited(house: House) -> AbstractContextManager[UnitOfWork]:
    actor = Actor("client", "hr", may_give_roles=False)
    return house.world.runtime.begin(STAFF, actor=actor)


def import_row(uow: UnitOfWork, **cells: str) -> None:
    row = read_row(SourceRow(2, cells), uow.now)
    assert isinstance(row, ImportRow)
    write_rows(uow, [ReadyRow(row, None)])


@pytest.fixture
def house(world: World) -> House:
    """Give a house with one owner, and a group that gives nothing yet."""
    ada, bob, cat = (world.add_user(name) for name in ("ada", "bob", "cat"))
    with world.begin() as uow:
        grant_role(uow, ada, AdminRole.OWNER)
        group = create_group(uow, "Admins").id
        update_group(uow, group, add=[bob, cat])
    return House(world, ada, bob, cat, group)


def test_members_hold_the_role_and_it_is_told_whence(house: House) -> None:
    epoch = house.epoch(house.bob)

    house.give()

    assert house.roles(house.bob) == house.roles(house.cat) == ("owner",)
    assert house.epoch(house.bob) == epoch
    with house.world.begin() as uow:
        assert not grant_group_role(uow, house.group, AdminRole.OWNER)
        assert get_group(uow, "admins").roles == ("owner",)
        assert [(one.username, one.group) for one in list_admins(uow)] == [
            ("ada", None),
            ("bob", "Admins"),
            ("cat", "Admins"),
        ]
        assert set(uow.db.scalars(acting_owners(uow))) == {house.ada, house.bob, house.cat}
    assert set(house.told()[1:]) == {
        ("admin.granted", house.bob, "Admins"),
        ("admin.granted", house.cat, "Admins"),
    }


def test_a_renamed_group_gives_it_still(house: House) -> None:
    house.give()
    with house.world.begin() as uow:
        update_group(uow, house.group, new_name="Operators")

    assert house.roles(house.bob) == ("owner",)


def test_who_leaves_loses_the_role_and_what_was_given_under_it(house: House) -> None:
    house.give()
    bob, cat = house.epoch(house.bob), house.epoch(house.cat)

    house.leave(house.bob)

    assert house.roles(house.bob) == ()
    assert house.epoch(house.bob) == bob + 1
    assert house.world.user(house.bob).epoch_cause == "role_lost"
    assert (house.roles(house.cat), house.epoch(house.cat)) == (("owner",), cat)
    assert house.told()[-1] == ("admin.revoked", house.bob, "Admins")


@pytest.mark.parametrize("by", ["user", "group", "role"])
def test_every_way_out_ends_it(house: House, by: str) -> None:
    house.give(AdminRole.AUDITOR)
    epoch = house.epoch(house.bob)

    with house.world.begin() as uow:
        if by == "user":
            assert update_user(uow, house.bob, Profile(groups=())).roles == ()
        elif by == "group":
            remove_group(uow, house.group)
        else:
            assert revoke_group_role(uow, house.group, AdminRole.AUDITOR)
            assert not revoke_group_role(uow, house.group, AdminRole.AUDITOR)

    assert house.roles(house.bob) == ()
    assert house.epoch(house.bob) == epoch + 1


def test_leaving_a_group_that_gives_nothing_ends_nothing(house: House) -> None:
    epoch = house.epoch(house.bob)

    house.leave(house.bob)

    assert house.epoch(house.bob) == epoch


def test_who_holds_it_in_two_ways_loses_nothing_with_one(house: House) -> None:
    house.give()
    with house.world.begin() as uow:
        grant_role(uow, house.bob, AdminRole.OWNER)
    epoch = house.epoch(house.bob)

    house.leave(house.bob)
    assert (house.roles(house.bob), house.epoch(house.bob)) == (("owner",), epoch)

    with house.world.begin() as uow:
        update_group(uow, house.group, add=[house.bob])
    house.revoke_own(house.bob)
    assert (house.roles(house.bob), house.epoch(house.bob)) == (("owner",), epoch)
    house.leave(house.bob)
    assert (house.roles(house.bob), house.epoch(house.bob)) == ((), epoch + 1)


def test_no_way_out_takes_the_last_owner(house: House) -> None:
    house.give()
    house.revoke_own(house.ada)
    with house.world.begin() as uow:
        lock_user(uow, house.cat)

    for act in LOSING_BOB.values():
        with pytest.raises(Conflict) as refused, house.world.begin() as uow:
            act(uow, house)
        assert refused.value.code == "admin.last_owner"
    assert house.roles(house.bob) == ("owner",)
    house.leave(house.cat)


def test_the_last_two_do_not_leave_at_once(house: House) -> None:
    house.give()
    house.revoke_own(house.ada)

    def first(uow: UnitOfWork) -> None:
        update_group(uow, house.group, remove=[house.bob])

    with pytest.raises(Conflict) as refused:
        during(house.world, first, lambda: house.leave(house.cat))

    assert refused.value.code == "admin.last_owner"
    assert house.roles(house.cat) == ("owner",)


def test_of_two_groups_left_at_once_the_last_ends_it(house: House) -> None:
    house.give()
    with house.world.begin() as uow:
        other = create_group(uow, "Others").id
        update_group(uow, other, add=[house.bob])
        grant_group_role(uow, other, AdminRole.OWNER)
    epoch = house.epoch(house.bob)

    def first(uow: UnitOfWork) -> None:
        update_group(uow, other, remove=[house.bob])

    during(house.world, first, lambda: house.leave(house.bob))

    assert (house.roles(house.bob), house.epoch(house.bob)) == ((), epoch + 1)


def test_portal_groups_give_no_role(world: World) -> None:
    with world.begin(PORTAL) as uow:
        group = create_group(uow, "Admins").id
        with pytest.raises(Conflict) as refused:
            grant_group_role(uow, group, AdminRole.AUDITOR)
    assert refused.value.code == "admin.other_realm"


def test_who_may_not_give_roles_cannot_touch_such_a_group(house: House) -> None:
    house.give(AdminRole.AUDITOR)

    for act in CHANGING_WHO_ADMINISTERS.values():
        with pytest.raises(Forbidden) as refused, limited(house) as uow:
            act(uow, house)
        assert refused.value.code == "admin.group_gives_role"
    with limited(house) as uow:
        update_group(uow, create_group(uow, "Others").id, add=[house.ada])


def test_somebody_imported_into_it_is_told_of(house: House) -> None:
    house.give(AdminRole.AUDITOR)
    with house.world.begin() as uow:
        import_row(uow, username="eve", groups="Admins")

    assert house.told()[-1][0::2] == ("admin.granted", "Admins")
