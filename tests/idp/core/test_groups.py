"""Groups: made, renamed, filled, removed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.core.groups import (
    create_group,
    get_group,
    list_groups,
    remove_group,
    set_groups,
    update_group,
)
from idp.core.users import get_user
from idp.errors import Conflict, IdpError, InvalidInput, NotFound
from idp.ids import UserId
from tests.support.world import PORTAL, World


def test_a_group_is_made_and_found_in_any_spelling(world: World) -> None:
    with world.begin() as uow:
        made = create_group(uow, " Field  Service", description="Vans")
        for name in ("field service", "FIELD SERVICE", made.id):
            assert get_group(uow, name) == made

    assert (made.name, made.description, made.members) == ("Field Service", "Vans", 0)
    assert world.event_codes() == ["group.created"]


@pytest.mark.parametrize("name", ["", " ", "a;b", "a,b", "a|b", "a\0", "a\nb", "x" * 129])
def test_a_name_must_fit_into_a_list(world: World, name: str) -> None:
    with world.begin() as uow, pytest.raises(InvalidInput):
        create_group(uow, name)


def test_a_description_is_bounded(world: World) -> None:
    with world.begin() as uow, pytest.raises(InvalidInput):
        create_group(uow, "Field", description="x" * 1025)


def test_of_many_who_make_one_group_one_wins(world: World) -> None:
    def make(name: str) -> str:
        try:
            with world.begin() as uow:
                create_group(uow, name)
        except Conflict as refused:
            return refused.code
        return "made"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(make, ["Field", "FIELD", "field "] * 3))

    assert answers == ["group.name_taken"] * 8 + ["made"]


def test_users_join_and_leave(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    with world.begin() as uow:
        create_group(uow, "Field")
        assert update_group(uow, "field", add=[ada, bob]).members == 2
        assert update_group(uow, "field", add=[ada], remove=[bob, bob]).members == 1
        assert get_user(uow, ada).groups == ("Field",)
        assert get_user(uow, bob).groups == ()
        with pytest.raises(NotFound):
            update_group(uow, "field", add=[UserId("nobody")])


def test_a_group_is_renamed_and_described(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Field")
        create_group(uow, "Office")
        renamed = update_group(uow, "field", new_name="Vans", description="On the road")
        assert (renamed.name, renamed.description) == ("Vans", "On the road")
        assert update_group(uow, "vans", description="").description is None
        assert update_group(uow, "vans", new_name="Vans") == get_group(uow, "vans")
    with world.begin() as uow, pytest.raises(Conflict):
        update_group(uow, "vans", new_name="OFFICE")
    assert world.event_codes() == ["group.created"] * 2 + ["group.changed"] * 2


def test_a_removed_group_leaves_its_users(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        create_group(uow, "Field")
        update_group(uow, "field", add=[ada])
        remove_group(uow, "FIELD")
        assert list_groups(uow) == []
        assert get_user(uow, ada).groups == ()
        for nobody in ("field", "", "a\0b"):
            with pytest.raises(NotFound):
                remove_group(uow, nobody)


def test_removing_a_group_while_users_join_it_breaks_nothing(world: World) -> None:
    users = [world.add_user(f"user{number}") for number in range(8)]
    with world.begin() as uow:
        create_group(uow, "Field")

    def join(user_id: UserId) -> str:
        try:
            with world.begin() as uow:
                update_group(uow, "field", add=[user_id])
        except IdpError as refused:
            return refused.code
        return "joined"

    def remove(_: object) -> str:
        try:
            with world.begin() as uow:
                remove_group(uow, "field")
        except IdpError as refused:
            return refused.code
        return "removed"

    with ThreadPoolExecutor(4) as pool:
        joins = pool.map(join, users)
        removals = list(pool.map(remove, range(2)))
        answers = {*joins, *removals}

    assert answers <= {
        "joined",
        "removed",
        "group.not_found",
        "group.in_use",
        "group.changed_meanwhile",
    }


def test_the_groups_of_a_user_are_set_as_a_whole(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        for name in ("One", "Two", "Three"):
            create_group(uow, name)
        assert set_groups(uow, ada, ["one", "two"])
        assert not set_groups(uow, ada, ["TWO", "One"])
        assert set_groups(uow, ada, ["three", "two"])
        assert get_user(uow, ada).groups == ("Three", "Two")
        with pytest.raises(NotFound):
            set_groups(uow, ada, ["four"])


def test_realms_do_not_see_each_others_groups(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        create_group(uow, "Field")
    with world.begin(PORTAL) as uow:
        assert list_groups(uow) == []
        create_group(uow, "Field")
        with pytest.raises(NotFound):
            update_group(uow, "field", add=[ada])
