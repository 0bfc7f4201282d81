"""Apps for members of groups only: who may use them, and what becomes of their groups."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.core.client_admin import (
    ClientView,
    create_client,
    get_client,
    list_clients,
    remove_client,
    update_client,
)
from idp.core.client_registration import Registration
from idp.core.groups import create_group, remove_group, update_group
from idp.errors import Conflict, IdpError, InvalidInput, PreconditionFailed
from tests.support.world import PORTAL, STAFF, World

GOOD = Registration(client_id="web", redirect_uris=("https://web.example/cb",))


@pytest.fixture
def house(world: World) -> World:
    """Give a realm with groups, and an app for everybody."""
    with world.begin() as uow:
        for name in ("Field", "Office", "Board"):
            create_group(uow, name)
        create_client(uow, GOOD)
    return world


def limit(world: World, groups: Iterable[str] | None) -> ClientView:
    with world.begin() as uow:
        allowed = None if groups is None else tuple(groups)
        return update_client(uow, "web", {"allowed_groups": allowed}).client


def allowed(world: World) -> tuple[str, ...] | None:
    with world.begin() as uow:
        view = get_client(uow, "web")
        assert view in list_clients(uow)
    return view.registration.allowed_groups


def test_an_app_is_for_everybody_unless_it_is_said_otherwise(house: World) -> None:
    assert allowed(house) is None
    assert limit(house, ["office", "FIELD"]).registration.allowed_groups == ("Field", "Office")
    assert limit(house, ["Office", "Board"]).registration.allowed_groups == ("Board", "Office")
    assert limit(house, []).registration.allowed_groups == ()
    assert allowed(house) == ()
    assert limit(house, None).registration.allowed_groups is None
    assert [event.params for event in house.events()[-4:]] == [{"changed": ["allowed_groups"]}] * 4


def test_what_is_said_again_is_no_change(house: World) -> None:
    limit(house, ["Office"])
    with house.begin() as uow:
        update_client(uow, "web", {"client_name": "Web", "allowed_groups": ("OFFICE",)})

    assert house.events()[-1].params == {"changed": ["client_name"]}
    assert allowed(house) == ("Office",)


def test_an_app_can_be_limited_from_its_beginning(house: World) -> None:
    with house.begin() as uow:
        group = create_group(uow, "Night")
        made = create_client(
            uow,
            Registration(
                client_id="rota", redirect_uris=GOOD.redirect_uris, allowed_groups=(group.id,)
            ),
        )

    assert made.client.registration.allowed_groups == ("Night",)


def test_a_renamed_group_goes_on_counting(house: World) -> None:
    version = limit(house, ["Office"]).version
    with house.begin() as uow:
        update_group(uow, "Office", new_name="Headquarters")
        create_group(uow, "Office")

    assert allowed(house) == ("Headquarters",)
    with house.begin() as uow, pytest.raises(PreconditionFailed):
        update_client(uow, "web", {"allowed_groups": ("Office",)}, expected_version=version)


@pytest.mark.parametrize("groups", [["Field", "Nobody"], [""], ["x" * 3000], ["a\0b"]])
def test_a_group_that_is_not_there_is_refused(house: World, groups: list[str]) -> None:
    limit(house, ["Office"])
    with pytest.raises(InvalidInput) as refused:
        limit(house, groups)

    problems: Any = refused.value.params["problems"]
    assert [problem["field"] for problem in problems] == ["allowed_groups"]
    assert allowed(house) == ("Office",)


def test_a_group_of_another_realm_is_not_there(house: World) -> None:
    with house.begin(PORTAL) as uow:
        other = create_group(uow, "Guests")
    for name in ("Guests", other.id):
        with pytest.raises(InvalidInput):
            limit(house, [name])


def test_a_client_that_signs_nobody_in_has_no_groups(house: World) -> None:
    with house.begin() as uow, pytest.raises(InvalidInput):
        create_client(
            uow,
            Registration(client_id="robot", application_type="service", allowed_groups=("Office",)),
        )


def test_a_group_that_an_app_is_for_cannot_be_removed(house: World) -> None:
    limit(house, ["Office", "Board"])
    with house.begin() as uow, pytest.raises(Conflict) as refused:
        remove_group(uow, "Office")

    assert refused.value.code == "group.in_client"
    assert refused.value.params == {"name": "Office", "client_ids": ["web"]}
    limit(house, ["Board"])
    with house.begin() as uow:
        remove_group(uow, "Office")


def test_nothing_of_a_removed_client_comes_back(house: World) -> None:
    limit(house, ["Office"])
    with house.begin() as uow:
        remove_client(uow, "web")
    with house.begin() as uow:
        remove_group(uow, "Office")
        create_client(uow, GOOD)

    assert allowed(house) is None


def test_a_group_removed_at_the_same_moment_leaves_no_half(house: World) -> None:
    def attempt(number: int) -> str:
        try:
            if number % 2:
                limit(house, ["Office"])
            else:
                with house.begin(STAFF) as uow:
                    remove_group(uow, "Office")
        except IdpError as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(attempt, range(8)))

    told = {"done", "client.invalid", "group.in_client", "group.changed_meanwhile"}
    assert answers <= told | {"group.in_use", "group.not_found"}
    assert allowed(house) in (None, ("Office",))
