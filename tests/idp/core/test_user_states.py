"""Locked, removed, brought back, signed out: what an account is worth afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idp.core.gate import Reason, Refused, clear, find_account
from idp.core.guesses import LoginThrottled
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.recovery_requests import find_recovery, issue_recovery_link
from idp.core.roles import AdminRole, grant_role, revoke_role
from idp.core.sessions import find_signed_in, list_sessions
from idp.core.users import (
    UserStatus,
    UserView,
    deactivate_user,
    end_sessions,
    get_user,
    lock_user,
    reactivate_user,
    require_change,
    send_reset,
    set_user_password,
    unlock_user,
)
from idp.core.work import HOST, UnitOfWork
from idp.errors import Conflict, IdpError, NotFound, PasswordRejected
from idp.ids import RawToken, UserId
from idp.store.users import KnownDeviceRow
from tests.support.world import PASSWORD, STAFF, World, open_world

Act = Callable[[UnitOfWork, UserId], object]
SHUTTING: list[Act] = [lock_user, deactivate_user]


def act(world: World, action: Act, user_id: UserId) -> object:
    with world.begin() as uow:
        return action(uow, user_id)


def attempt(
    world: World, username: str, password: str = PASSWORD, device: RawToken | None = None
) -> object:
    form = SignInForm(username=username, password=password, device=device)
    return sign_in(world.runtime, STAFF, form)


def refusal(world: World, user_id: UserId, birth_epoch: int) -> Reason | None:
    with world.begin(write=False) as uow:
        account = find_account(uow, user_id)
        assert account is not None
        answer = clear(account, birth_epoch=birth_epoch, session_ended=False, now=uow.now)
    return answer.reason if isinstance(answer, Refused) else None


def is_signed_in(world: World, secret: RawToken) -> bool:
    with world.begin(write=False) as uow:
        return find_signed_in(uow, secret) is not None


def reset_link(world: World, user_id: UserId) -> RawToken:
    generation = world.user(user_id).credential_generation
    with world.begin() as uow:
        return issue_recovery_link(uow, user_id, generation=generation)


def is_link_good(world: World, link: RawToken) -> bool:
    with world.begin(write=False) as uow:
        return find_recovery(uow, link) is not None


@pytest.mark.parametrize(
    ("shut", "open_again", "reason"),
    [
        (lock_user, unlock_user, Reason.ACCOUNT_LOCKED),
        (deactivate_user, reactivate_user, Reason.ACCOUNT_DISABLED),
    ],
)
def test_a_shut_account_is_worth_nothing_and_nothing_of_it_comes_back(
    world: World, shut: Act, open_again: Act, reason: Reason
) -> None:
    user_id = world.add_user("ada")
    _, secret = world.begin_session(user_id)
    birth_epoch, sub = world.user(user_id).epoch, world.user(user_id).sub
    link = reset_link(world, user_id)

    act(world, shut, user_id)

    assert not isinstance(attempt(world, "ada"), LoggedIn)
    assert not is_signed_in(world, secret)
    assert not is_link_good(world, link)
    assert refusal(world, user_id, birth_epoch) is reason

    act(world, open_again, user_id)

    assert not is_signed_in(world, secret)
    assert not is_link_good(world, link)
    assert refusal(world, user_id, birth_epoch) is Reason.SESSION_ENDED
    assert isinstance(attempt(world, "ada"), LoggedIn)
    assert world.user(user_id).sub == sub


def test_a_lock_moves_both_counters_but_is_no_change_of_password(world: World) -> None:
    user_id = world.add_user("ada")
    before = world.user(user_id)

    act(world, lock_user, user_id)

    after = world.user(user_id)
    assert after.epoch == before.epoch + 1
    assert after.credential_generation == before.credential_generation + 1
    assert after.credential_epoch == before.credential_epoch


def test_doing_it_twice_does_it_once(world: World) -> None:
    user_id = world.add_user("ada")

    for action in (lock_user, lock_user, unlock_user):
        act(world, action, user_id)
    for action in (deactivate_user, deactivate_user, reactivate_user, reactivate_user):
        act(world, action, user_id)

    assert world.event_codes() == [
        "user.locked",
        "user.unlocked",
        "user.deactivated",
        "user.reactivated",
    ]


def test_a_removed_account_that_was_locked_stays_locked(world: World) -> None:
    user_id = world.add_user("ada")
    act(world, lock_user, user_id)
    act(world, deactivate_user, user_id)
    with world.begin(write=False) as uow:
        assert get_user(uow, user_id).status is UserStatus.INACTIVE

    act(world, reactivate_user, user_id)

    with world.begin(write=False) as uow:
        assert get_user(uow, user_id).status is UserStatus.LOCKED
    assert not isinstance(attempt(world, "ada"), LoggedIn)


def test_unlocking_forgets_wrong_passwords(database_url: str) -> None:
    limits = {"limits": {"sign_in_per_account": "3/PT15M"}}
    with open_world(database_url, settings=limits) as world:
        user_id = world.add_user("ada")
        for _ in range(4):
            attempt(world, "ada", "wrong wrong wrong")
        assert isinstance(attempt(world, "ada"), LoginThrottled)

        act(world, unlock_user, user_id)

        assert isinstance(attempt(world, "ada"), LoggedIn)


def test_a_known_device_is_a_stranger_after_a_lock(world: World) -> None:
    user_id = world.add_user("ada")
    first = attempt(world, "ada")
    assert isinstance(first, LoggedIn)

    act(world, deactivate_user, user_id)
    act(world, reactivate_user, user_id)

    with world.begin(write=False) as uow:
        assert list_sessions(uow, user_id) == []
    assert world.count(KnownDeviceRow) == 0


def test_asking_for_a_change_leaves_sessions_unless_told(world: World) -> None:
    user_id = world.add_user("ada")
    _, secret = world.begin_session(user_id)
    epoch = world.user(user_id).epoch

    act(world, require_change, user_id)

    assert is_signed_in(world, secret)
    assert refusal(world, user_id, epoch) is Reason.PASSWORD_CHANGE_REQUIRED
    with world.begin() as uow:
        view = require_change(uow, user_id, end_sessions=True)
    assert view.password is not None
    assert view.password.must_change
    assert not is_signed_in(world, secret)
    assert refusal(world, user_id, epoch) is Reason.SESSION_ENDED
    assert [code for code in world.event_codes() if code == "user.must_change"] == [
        "user.must_change"
    ] * 2


def test_asking_twice_asks_once(world: World) -> None:
    user_id = world.add_user("ada")

    act(world, require_change, user_id)
    act(world, require_change, user_id)

    assert world.event_codes() == ["user.must_change"]


def test_only_a_password_can_be_asked_to_change(world: World) -> None:
    user_id = world.add_user("ada", password=None)

    with pytest.raises(Conflict) as refused:
        act(world, require_change, user_id)
    assert refused.value.code == "user.no_password"


def test_signing_out_everywhere_ends_apps_too(world: World) -> None:
    user_id = world.add_user("ada")
    secrets = [world.begin_session(user_id)[1] for _ in range(3)]
    epoch = world.user(user_id).epoch

    assert act(world, end_sessions, user_id) == 3
    assert act(world, end_sessions, user_id) == 0

    assert not any(is_signed_in(world, secret) for secret in secrets)
    assert refusal(world, user_id, epoch) is Reason.SESSION_ENDED
    assert isinstance(attempt(world, "ada"), LoggedIn)


def test_an_administrators_password_is_temporary(world: World) -> None:
    user_id = world.add_user("ada", user={"email": "ada@example.com"})
    _, secret = world.begin_session(user_id)

    view = set_user_password(world.runtime, STAFF, user_id, "a new one to use", actor=HOST)

    assert view.password is not None
    assert view.password.must_change
    assert view.password.temporary_until == world.clock.now() + timedelta(days=3)
    assert not is_signed_in(world, secret)
    assert isinstance(attempt(world, "ada", "a new one to use"), LoggedIn)
    assert [mail["to"] for mail in world.outbox()] == ["ada@example.com"]


def test_unless_it_is_said_to_be_permanent(world: World) -> None:
    user_id = world.add_user("ada")

    view = set_user_password(
        world.runtime, STAFF, user_id, "a new one to use", permanent=True, actor=HOST
    )

    assert view.password is not None
    assert (view.password.must_change, view.password.temporary_until) == (False, None)


def test_it_meets_the_policy_like_any_other(world: World) -> None:
    user_id = world.add_user("ada")

    with pytest.raises(PasswordRejected):
        set_user_password(world.runtime, STAFF, user_id, "short", actor=HOST)
    assert isinstance(attempt(world, "ada"), LoggedIn)


def test_a_link_can_be_sent_to_who_has_no_password_yet(world: World) -> None:
    user_id = world.add_user("ada", password=None, user={"email": "ada@example.com"})

    act(world, send_reset, user_id)

    (mail,) = world.outbox()
    assert (mail["to"], mail["template"]) == ("ada@example.com", "reset_link")
    link = mail["context"]["link"].rpartition("/")[2]
    assert is_link_good(world, link)
    world.advance(hours=24)
    assert not is_link_good(world, link)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"email": None, "email_key": None}, "user.no_email"),
        ({"status": "inactive"}, "user.inactive"),
    ],
)
def test_no_link_goes_to_who_cannot_use_it(
    world: World, columns: dict[str, object], code: str
) -> None:
    user_id = world.add_user("ada", user=columns)

    with pytest.raises(Conflict) as refused:
        act(world, send_reset, user_id)
    assert refused.value.code == code
    assert world.outbox() == []


def test_no_link_goes_to_a_locked_user(world: World) -> None:
    user_id = world.add_user("ada")
    act(world, lock_user, user_id)

    with pytest.raises(Conflict) as refused:
        act(world, send_reset, user_id)
    assert refused.value.code == "user.locked"


@pytest.mark.parametrize(
    "action",
    [
        lock_user,
        unlock_user,
        deactivate_user,
        reactivate_user,
        require_change,
        end_sessions,
        send_reset,
    ],
)
def test_nothing_happens_to_nobody(world: World, action: Act) -> None:
    world.add_user("ada")

    with pytest.raises(NotFound):
        act(world, action, UserId("nobody"))


def owner(world: World, username: str) -> UserId:
    user_id = world.add_user(username)
    with world.begin() as uow:
        grant_role(uow, user_id, AdminRole.OWNER)
    return user_id


def lose_role(uow: UnitOfWork, user_id: UserId) -> object:
    return revoke_role(uow, user_id, AdminRole.OWNER)


@pytest.mark.parametrize("action", [*SHUTTING, lose_role])
def test_the_last_owner_who_can_act_stays(world: World, action: Act) -> None:
    first, second = owner(world, "first"), owner(world, "second")
    act(world, action, first)

    with pytest.raises(Conflict) as refused:
        act(world, action, second)

    assert refused.value.code == "admin.last_owner"
    assert isinstance(attempt(world, "second"), LoggedIn)


@pytest.mark.parametrize("action", [*SHUTTING, lose_role])
def test_two_owners_cannot_go_at_the_same_moment(world: World, action: Act) -> None:
    owners = [owner(world, name) for name in ("one", "two", "three")]

    def go(user_id: UserId) -> str:
        try:
            act(world, action, user_id)
        except IdpError as refused:
            return refused.code
        return "gone"

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(pool.map(go, owners))

    assert answers == ["admin.last_owner", "gone", "gone"]


def test_a_view_tells_how_the_account_stands(world: World) -> None:
    user_id = world.add_user("ada", credential={"campaign_id": "c"})

    view = act(world, lock_user, user_id)

    assert isinstance(view, UserView)
    assert (view.status, view.locked_at) == (UserStatus.LOCKED, world.clock.now())
    assert view.password is not None
    assert view.password.is_shared
