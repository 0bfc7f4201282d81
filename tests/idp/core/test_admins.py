"""Administrators, and how the first one comes to be."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.core.admins import complete_setup, list_admins
from idp.core.links import find_setup, issue_setup_link
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.roles import AdminRole, grant_role, has_owner, revoke_role
from idp.core.users import NewUser, Profile, UserView, lock_user
from idp.errors import Conflict, IdpError, InvalidInput, NotFound, PasswordRejected
from idp.ids import RawToken, UserId
from tests.support.world import PASSWORD, PORTAL, STAFF, World


def setup_link(world: World) -> RawToken:
    with world.begin() as uow:
        return issue_setup_link(uow)


def complete(
    world: World, link: RawToken, username: str = "boss", password: str | None = PASSWORD
) -> UserView:
    first = NewUser(profile=Profile(username=username, email="boss@example.com"), password=password)
    return complete_setup(world.runtime, link, first)


def test_roles_are_given_once_and_listed(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    with world.begin() as uow:
        assert grant_role(uow, bob, AdminRole.AUDITOR)
        assert grant_role(uow, ada, AdminRole.OWNER)
        assert not grant_role(uow, ada, AdminRole.OWNER)
        admins = list_admins(uow)

    assert [(admin.username, admin.role) for admin in admins] == [
        ("ada", AdminRole.OWNER),
        ("bob", AdminRole.AUDITOR),
    ]
    assert world.event_codes() == ["admin.granted"] * 2


def test_a_lost_role_ends_what_was_given_under_it(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        grant_role(uow, ada, AdminRole.AUDITOR)
    epoch = world.user(ada).epoch

    with world.begin() as uow:
        assert revoke_role(uow, ada, AdminRole.AUDITOR)
        assert not revoke_role(uow, ada, AdminRole.AUDITOR)
        assert list_admins(uow) == []

    assert world.user(ada).epoch == epoch + 1
    assert world.event_codes() == ["admin.granted", "admin.revoked"]


def test_portal_users_are_no_administrators(world: World) -> None:
    contact = world.add_user("contact", realm=PORTAL)

    with world.begin(PORTAL) as uow, pytest.raises(Conflict) as refused:
        grant_role(uow, contact, AdminRole.OWNER)
    assert refused.value.code == "admin.other_realm"


def test_a_role_needs_somebody(world: World) -> None:
    for change in (grant_role, revoke_role):
        with world.begin() as uow, pytest.raises(NotFound):
            change(uow, UserId("nobody"), AdminRole.OWNER)


def test_the_first_owner_comes_by_a_link(world: World) -> None:
    link = setup_link(world)

    view = complete(world, link)

    assert view.roles == ("owner",)
    assert view.password is not None
    assert (view.password.set_by, view.password.must_change) == ("self", False)
    outcome = sign_in(world.runtime, STAFF, SignInForm(username="boss", password=PASSWORD))
    assert isinstance(outcome, LoggedIn)
    events = {event.code: event for event in world.events()}
    assert events["admin.setup_completed"].actor_id == view.id


def test_the_link_works_once_and_while_there_is_no_owner(world: World) -> None:
    link = setup_link(world)
    complete(world, link)

    with pytest.raises(NotFound):
        complete(world, link, "second")
    with pytest.raises(Conflict):
        setup_link(world)


@pytest.mark.parametrize("link", ["", "guess", "\0", "\ud800"])
def test_a_guessed_link_makes_nobody(world: World, link: str) -> None:
    setup_link(world)

    with pytest.raises(NotFound):
        complete(world, RawToken(link))


def test_it_is_over_after_a_day(world: World) -> None:
    link = setup_link(world)
    world.advance(hours=24)

    with pytest.raises(NotFound):
        complete(world, link)


def test_a_refused_form_leaves_the_link_good(world: World) -> None:
    link = setup_link(world)
    world.add_user("taken")

    with pytest.raises(PasswordRejected):
        complete(world, link, password="short")
    with pytest.raises(InvalidInput):
        complete(world, link, "\u0430dmin")
    with pytest.raises(Conflict):
        complete(world, link, "taken")
    with pytest.raises(NotFound):
        complete(world, link, password=None)

    with world.begin(write=False) as uow:
        assert find_setup(uow, link)
        assert not has_owner(uow)
    complete(world, link)


def test_of_two_who_use_it_at_once_one_becomes_owner(world: World) -> None:
    link = setup_link(world)

    def use(name: str) -> str:
        try:
            complete(world, link, name)
        except IdpError as refused:
            return refused.code
        return "owner"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(use, ["one", "two", "three", "four"]))

    assert answers == ["owner", *["setup.link_invalid"] * 3]
    with world.begin(write=False) as uow:
        assert len(list_admins(uow)) == 1


def test_an_owner_who_cannot_act_is_none(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        grant_role(uow, ada, AdminRole.OWNER)
        with pytest.raises(Conflict):
            lock_user(uow, ada)
    world.change_user(ada, status="inactive")

    with world.begin(write=False) as uow:
        assert not has_owner(uow)
