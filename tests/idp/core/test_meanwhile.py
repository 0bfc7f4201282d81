"""What happens to an account while its password is being hashed, which holds no lock."""

from collections.abc import Callable

import pytest

from idp.adapters.hashing import PasswordHasher
from idp.core.guesses import LoginThrottled
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.notices import NewPasswordRefused
from idp.core.password_change import (
    ChangeForm,
    CurrentPasswordWrong,
    PasswordChanged,
    change_password,
)
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.recovery import LinkInvalid, Recovered, complete_recovery
from idp.core.recovery_requests import issue_recovery_link
from idp.core.users import require_change
from idp.core.work import HOST
from idp.errors import Conflict
from idp.ids import UserId
from tests.support.world import PASSWORD, STAFF, World

NEW = "a different long sentence"


class SlowHasher(PasswordHasher):
    """A hasher during whose work something else happens, `times` times."""

    def __init__(self, meanwhile: Callable[[int], None], times: int = 1) -> None:
        super().__init__(memory_kib=8, time_cost=1)
        self._meanwhile = meanwhile
        self._times = times
        self._done = 0

    def verify(self, stored: str, password: str) -> bool:
        """Verify while something else happens."""
        is_right = super().verify(stored, password)
        if self._done < self._times:
            self._done += 1
            self._meanwhile(self._done)
        return is_right


class SlowMaker(PasswordHasher):
    """A hasher that is done with a new password only after something else happened, each time."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(memory_kib=8, time_cost=1)
        self._meanwhile = meanwhile

    def hash(self, password: str) -> str:
        """Hash while something else happens."""
        self._meanwhile()
        return super().hash(password)


@pytest.fixture
def ada(world: World) -> UserId:
    return world.add_user("ada")


def enter(world: World, password: str = PASSWORD) -> LoginOutcome:
    return sign_in(world.runtime, STAFF, SignInForm(username="ada", password=password))


def change(world: World, ada: UserId) -> object:
    form = ChangeForm(
        user_id=ada,
        session_id=None,
        current_password=PASSWORD,
        new_password=NEW,
        forced=False,
    )
    return change_password(world.runtime, STAFF, form)


def move_generation(world: World, ada: UserId) -> Callable[[int], None]:
    return lambda n: world.change_user(ada, credential_generation=n + 1)


def guess_wrong(world: World) -> Callable[[int], None]:
    def go(_n: int) -> None:
        for _ in range(10):
            assert enter(world, "wrong") == LoginRefused()

    return go


def test_a_sign_in_starts_over_when_the_password_was_set(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(move_generation(world, ada))

    assert isinstance(enter(world), LoggedIn)


def test_but_not_for_ever(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(move_generation(world, ada), times=3)

    assert enter(world) == LoginRefused()


def test_a_sign_in_notices_that_the_account_was_closed(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(lambda _n: world.change_user(ada, status="inactive"))

    assert enter(world) == LoginRefused()
    assert world.events()[-1].params["reason"] == "account_disabled"


def test_a_right_password_waits_when_others_used_the_tries_up(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(guess_wrong(world))

    assert enter(world) == LoginThrottled(900)


def test_so_does_a_change(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(guess_wrong(world))

    assert change(world, ada) == LoginThrottled(900)


def test_a_change_starts_over_when_the_password_was_set(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(move_generation(world, ada))

    assert change(world, ada) == PasswordChanged(None)


def test_a_change_that_is_overtaken_twice_is_refused(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(move_generation(world, ada), times=2)

    with pytest.raises(Conflict, match="set_meanwhile"):
        change(world, ada)


def test_a_change_notices_a_new_password(world: World, ada: UserId) -> None:
    other = world.runtime.hasher.hash("somebody else's choice")

    def set_elsewhere(_n: int) -> None:
        world.change_credential(ada, hash=other)
        world.change_user(ada, credential_generation=2)

    world.runtime.hasher = SlowHasher(set_elsewhere)

    assert change(world, ada) == CurrentPasswordWrong()


def test_an_administrator_is_told_that_somebody_was_faster(world: World, ada: UserId) -> None:
    world.runtime.hasher = SlowHasher(move_generation(world, ada))

    with pytest.raises(Conflict, match="set_meanwhile"):
        set_password(world.runtime, STAFF, ada, NEW, Setting(source=SetBy.ADMIN), actor=HOST)


@pytest.mark.parametrize("what", ["password", "status"])
def test_a_link_notices_what_happened_to_its_account(world: World, ada: UserId, what: str) -> None:
    with world.begin() as uow:
        link = issue_recovery_link(uow, ada, generation=1)

    def happen(n: int) -> None:
        if what == "status":
            world.change_user(ada, status="inactive")
        else:
            move_generation(world, ada)(n)

    world.runtime.hasher = SlowHasher(happen)

    assert complete_recovery(world.runtime, STAFF, link, NEW) == LinkInvalid()


def test_a_link_notices_that_another_password_was_asked_for(world: World, ada: UserId) -> None:
    world.publish_policy({"rules": {"length": {"min": 8, "max": 256}}})
    with world.begin() as uow:
        link = issue_recovery_link(uow, ada, generation=1)

    def ask_for_another() -> None:
        with world.begin() as uow:
            require_change(uow, ada)

    world.runtime.hasher = SlowMaker(ask_for_another)

    refused = complete_recovery(world.runtime, STAFF, link, PASSWORD)
    assert isinstance(refused, NewPasswordRefused)
    assert [finding.code for finding in refused.findings] == ["password.same_as_current"]
    assert world.credential(ada).must_change
    assert isinstance(complete_recovery(world.runtime, STAFF, link, NEW), Recovered)
