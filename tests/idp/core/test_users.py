"""Users: made, found, listed, changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idp.core.groups import create_group
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.recovery_requests import find_recovery, issue_recovery_link
from idp.core.roles import AdminRole
from idp.core.users import (
    NewUser,
    Profile,
    UserQuery,
    UserStatus,
    UserView,
    create_user,
    find_user,
    get_user,
    list_users,
    update_user,
    user_document,
)
from idp.core.work import HOST
from idp.errors import Conflict, InvalidInput, NotFound, PasswordRejected, PreconditionFailed
from idp.ids import RealmName, UserId
from tests.support.world import PASSWORD, PORTAL, STAFF, World

STRICT = {"enforcement": "never", "rules": {"length": {"min": 6, "max": 256}}}


def add(world: World, username: str | None = None, **member: object) -> UserView:
    return add_in(world, STAFF, username, **member)


def add_in(
    world: World, realm: RealmName, username: str | None = None, **member: object
) -> UserView:
    more = {
        name: member.pop(name)
        for name in ("password", "must_change", "status", "roles")
        if name in member
    }
    if username is not None:
        member["username"] = username
    new = NewUser(profile=Profile(**member), **more)  # type: ignore[arg-type]
    return create_user(world.runtime, realm, new, HOST)


def problems_of(error: InvalidInput) -> dict[str, str]:
    found = error.params["problems"]
    assert isinstance(found, list)
    return {problem["field"]: problem["reason"] for problem in found}


def may_sign_in(world: World, username: str, password: str, realm: RealmName = STAFF) -> bool:
    outcome = sign_in(world.runtime, realm, SignInForm(username=username, password=password))
    return isinstance(outcome, LoggedIn)


def names(world: World, **query: object) -> list[str]:
    with world.begin(write=False) as uow:
        page = list_users(uow, UserQuery(**query))  # type: ignore[arg-type]
    return [user.username for user in page.users]


def test_a_new_user_can_sign_in_and_is_asked_nothing(world: World) -> None:
    user = add(world, "Ada", email="ada@example.com", password=PASSWORD)

    assert may_sign_in(world, "ada", PASSWORD)
    assert may_sign_in(world, "ADA@example.com ", PASSWORD)
    assert user.status is UserStatus.ACTIVE
    assert user.password is not None
    assert (user.password.must_change, user.password.temporary_until) == (False, None)
    assert "user.created" in world.event_codes()


def test_a_temporary_password_is_to_be_changed_within_three_days(world: World) -> None:
    user = add(world, "ada", password=PASSWORD, must_change=True)

    assert user.password is not None
    assert user.password.must_change
    assert user.password.temporary_until == world.clock.now() + timedelta(days=3)


def test_a_user_without_a_password_cannot_sign_in(world: World) -> None:
    user = add(world, "ada")

    assert user.password is None
    assert not may_sign_in(world, "ada", "!")
    assert not may_sign_in(world, "ada", "")


def test_the_password_of_a_new_user_meets_the_policy(world: World) -> None:
    with pytest.raises(PasswordRejected) as refused:
        add(world, "ada", password="short")

    assert [found.code for found in refused.value.findings] == ["password.too_short"]
    with world.begin(write=False) as uow:
        assert find_user(uow, "ada") is None


def test_so_does_that_of_a_new_portal_user_although_nothing_is_enforced_there(
    world: World,
) -> None:
    world.publish_policy(STRICT, realm=PORTAL)

    with pytest.raises(PasswordRejected):
        add_in(world, PORTAL, email="contact@example.com", password="12345")
    add_in(world, PORTAL, email="contact@example.com", password="123456")

    assert may_sign_in(world, "contact@example.com", "123456", PORTAL)


def test_a_portal_user_is_called_by_the_email_unless_named(world: World) -> None:
    by_email = add_in(world, PORTAL, email="One@Example.com")
    named = add_in(world, PORTAL, "second", email="two@example.com")

    assert (by_email.username, named.username) == ("One@example.com", "second")
    with world.begin(PORTAL) as uow:
        renamed = update_user(uow, by_email.id, Profile(username="first"))
    assert (renamed.username, renamed.email) == ("first", "One@example.com")


def test_a_staff_user_needs_a_login_name(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        add(world, email="ada@example.com")
    assert problems_of(refused.value) == {"username": "is missing"}

    with pytest.raises(InvalidInput) as refused:
        add_in(world, PORTAL, " ")
    assert "e-mail" in problems_of(refused.value)["username"]


@pytest.mark.parametrize(
    "same",
    [
        "ALICE",
        " alice ",
        "\uff41lice",
        "al\u2170ce",
    ],
)
def test_a_name_is_taken_in_every_spelling(world: World, same: str) -> None:
    add(world, "alice")

    with pytest.raises(Conflict) as refused:
        add(world, same)
    assert refused.value.code == "user.username_taken"


@pytest.mark.parametrize(
    ("one", "other"),
    [("m\u0101ui", "ma\u0304ui"), ("\u212aim", "kim"), ("stra\u00dfe", "STRASSE")],
)
def test_one_form_of_a_name_finds_one_user(world: World, one: str, other: str) -> None:
    user = add(world, one, password=PASSWORD)

    with pytest.raises(Conflict):
        add(world, other)
    assert may_sign_in(world, other, PASSWORD)
    with world.begin(write=False) as uow:
        assert find_user(uow, other) == get_user(uow, user.id)


@pytest.mark.parametrize(
    "name", ["\u0430lice", "ali\u200bce", "ali\u202ece", "al\u0131ce", "ali\0ce", "a\nb", "a" * 257]
)
def test_names_that_deceive_are_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        add(world, name)
    assert list(problems_of(refused.value)) == ["username"]


def test_the_same_name_lives_once_in_each_realm(world: World) -> None:
    staff, portal = add(world, "alice"), add_in(world, PORTAL, "alice")

    assert staff.sub != portal.sub
    with world.begin(PORTAL, write=False) as uow, pytest.raises(NotFound):
        get_user(uow, staff.id)


def test_of_many_who_make_one_name_at_once_one_wins(world: World) -> None:
    def make(spelling: str) -> str:
        try:
            add(world, spelling)
        except Conflict as refused:
            return refused.code
        return "made"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(make, ["alice", "Alice", "ALICE ", "\uff41lice"] * 5))

    assert sorted(answers) == ["made", *["user.username_taken"] * 19]
    assert names(world) != []
    assert len(names(world, search="alice")) == 1


def test_everything_wrong_is_told_at_once(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        add(
            world,
            "a\0",
            email="nobody",
            phone_number="call me",
            locale="english please",
            zoneinfo="../../etc/passwd",
            given_name="A\nB",
            family_name="x" * 257,
            claims={"sub": "1"},
            email_verified="yes",
        )

    assert set(problems_of(refused.value)) == {
        "username",
        "email",
        "phone_number",
        "locale",
        "zoneinfo",
        "given_name",
        "family_name",
        "claims",
        "email_verified",
    }


@pytest.mark.parametrize(
    "email",
    ["a@example.co.nz", "a+b@corp.local", "root@localhost", "j\u00f6@ex\u00e4mple.test", None, " "],
)
def test_addresses_inside_a_company_are_addresses(world: World, email: str | None) -> None:
    assert add(world, "ada", email=email).email == ((email or "").strip() or None)


@pytest.mark.parametrize(
    "email", ["a", "a@", "@b.nz", "a b@c.nz", "a@b@c.nz", "a@b.nz\nBcc: x@y.nz", "a@b..nz", 7]
)
def test_other_texts_are_not(world: World, email: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        add(world, "ada", email=email)
    assert list(problems_of(refused.value)) == ["email"]


def test_an_email_may_be_shared_and_then_names_nobody(world: World) -> None:
    add(world, "ada", email="office@example.com", password=PASSWORD)
    assert may_sign_in(world, "office@example.com", PASSWORD)

    add(world, "bob", email="office@example.com")
    assert not may_sign_in(world, "office@example.com", PASSWORD)


def test_an_id_from_elsewhere_belongs_to_one_user(world: World) -> None:
    add(world, "ada", external_id="42")

    with pytest.raises(Conflict) as refused:
        add(world, "bob", external_id="42")
    assert refused.value.code == "user.external_id_taken"


def test_claims_are_an_object(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        add(world, "ada", claims=["nickname"])
    assert list(problems_of(refused.value)) == ["claims"]


def test_groups_and_roles_come_with_the_user(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Field")
        create_group(uow, "Office")

    user = add(world, "ada", groups=("office", "FIELD"), roles=(AdminRole.OWNER,))

    assert (user.groups, user.roles) == (("Field", "Office"), ("owner",))
    with pytest.raises(NotFound):
        add(world, "bob", groups=("nowhere",))
    assert names(world) == ["ada"]


def test_a_user_is_found_by_id_name_or_lone_email(world: World) -> None:
    user = add(world, "ada", email="ada@example.com")

    with world.begin(write=False) as uow:
        for named in (user.id, "ADA", "ada@example.com"):
            found = find_user(uow, named)
            assert found is not None
            assert found.id == user.id
        for named in ("nobody", "", "a\0b", "x" * 5000):
            assert find_user(uow, named) is None
        with pytest.raises(NotFound):
            get_user(uow, "nobody")


def test_what_is_shown_of_a_user_holds_no_secret(world: World) -> None:
    document = user_document(add(world, "ada", password=PASSWORD))

    assert document["has_password"] is True
    assert "$argon2" not in repr(document)


def test_a_list_is_searched_and_filtered(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Field")
    add(world, "ada", name="Ada Lovelace", groups=("Field",))
    add(world, "bob", email="bob@lace.example", external_id="EMP-7")
    add(world, "cleo", status=UserStatus.INACTIVE)
    add(world, "dora", status=UserStatus.LOCKED)

    assert names(world) == ["ada", "bob", "cleo", "dora"]
    assert names(world, search="LACE") == ["ada", "bob"]
    assert names(world, search="emp-7") == ["bob"]
    assert names(world, search="%") == []
    assert names(world, search="\0") == []
    assert names(world, group="field") == ["ada"]
    assert names(world, status=UserStatus.ACTIVE) == ["ada", "bob"]
    assert names(world, status=UserStatus.INACTIVE) == ["cleo"]
    assert names(world, status=UserStatus.LOCKED) == ["dora"]
    with pytest.raises(NotFound):
        names(world, group="nowhere")


def test_pages_follow_each_other_while_others_write(world: World) -> None:
    for name in ("b", "d", "f", "h"):
        add(world, name)

    with world.begin(write=False) as uow:
        first = list_users(uow, UserQuery(limit=2))
    add(world, "a")
    add(world, "e")
    with world.begin(write=False) as uow:
        second = list_users(uow, UserQuery(limit=2, cursor=first.next_cursor))
        last = list_users(uow, UserQuery(limit=2, cursor=second.next_cursor))

    assert [user.username for user in (*first.users, *second.users, *last.users)] == [
        "b",
        "d",
        "e",
        "f",
        "h",
    ]
    assert last.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "!", "////", "gA", "\u0101"])
def test_a_cursor_that_we_did_not_give_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        names(world, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_has_a_size(world: World, limit: int) -> None:
    with pytest.raises(InvalidInput):
        names(world, limit=limit)


def change(world: World, user_id: UserId, version: int | None = None, **member: object) -> UserView:
    with world.begin() as uow:
        return update_user(uow, user_id, Profile(**member), version=version)  # type: ignore[arg-type]


def test_a_change_changes_what_it_says(world: World) -> None:
    with world.begin() as uow:
        create_group(uow, "Field")
    user = add(world, "ada", email="ada@example.com", name="Ada", groups=("Field",))
    world.advance(minutes=1)

    after = change(world, user.id, name="Ada L.", locale="en-NZ", groups=())

    assert (after.name, after.locale, after.email) == ("Ada L.", "en-NZ", "ada@example.com")
    assert (after.groups, after.version) == ((), user.version + 1)
    assert after.updated_at > user.updated_at
    assert world.events()[-1].params == {"fields": ["groups", "locale", "name"]}
    assert change(world, user.id, name=None).name is None


def test_a_change_to_the_same_changes_nothing(world: World) -> None:
    user = add(world, "ada", email="ada@example.com", email_verified=True)
    events = world.event_codes()

    assert change(world, user.id, username=" ada", email="ada@example.com") == user
    assert world.event_codes() == events


def test_of_two_who_edit_one_user_the_second_is_told(world: World) -> None:
    user = add(world, "ada")
    change(world, user.id, user.version, name="First")

    with pytest.raises(PreconditionFailed):
        change(world, user.id, user.version, name="Second")
    with world.begin(write=False) as uow:
        assert get_user(uow, user.id).name == "First"


def test_so_is_one_of_two_at_the_same_moment(world: World) -> None:
    user = add(world, "ada")

    def edit(name: str) -> bool:
        try:
            change(world, user.id, user.version, name=name)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(edit, [f"Name {number}" for number in range(12)])) == 1


def test_a_name_can_only_become_a_free_one(world: World) -> None:
    add(world, "bob", external_id="7")
    ada = add(world, "ada")

    with pytest.raises(Conflict) as refused:
        change(world, ada.id, username="BOB")
    assert refused.value.code == "user.username_taken"
    with pytest.raises(Conflict) as refused:
        change(world, ada.id, external_id="7")
    assert refused.value.code == "user.external_id_taken"
    with pytest.raises(InvalidInput):
        change(world, ada.id, username="")
    assert change(world, ada.id, username="Ada").username == "Ada"


def test_another_email_ends_links_and_tells_the_old_address(world: World) -> None:
    user = add(world, "ada", email="old@example.com", email_verified=True, password=PASSWORD)
    with world.begin() as uow:
        link = issue_recovery_link(uow, user.id, generation=1)

    after = change(world, user.id, email="new@example.com")

    assert (after.email, after.email_verified) == ("new@example.com", False)
    with world.begin(write=False) as uow:
        assert find_recovery(uow, link) is None
    (mail,) = world.outbox()
    assert (mail["to"], mail["template"]) == ("old@example.com", "email_changed")
    assert "email_verified" in world.events()[-1].params["fields"]


def test_an_email_may_be_verified_as_it_is_given(world: World) -> None:
    user = add(world, "ada")

    assert change(world, user.id, email="a@example.com", email_verified=True).email_verified
    assert world.outbox() == []


def test_who_comes_again_is_somebody_else(world: World) -> None:
    first = add(world, "alice", email="alice@example.com", status=UserStatus.INACTIVE)

    with pytest.raises(Conflict):
        add(world, "alice")
    second = add(world, "alice2", email="alice@example.com")

    assert second.sub != first.sub
    assert second.id != first.id
