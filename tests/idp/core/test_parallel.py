"""Two at the same moment: nothing is lost, nothing happens twice, and nobody gets an error."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from idp.core.accounts import find_account_by_id
from idp.core.devices import is_known_device
from idp.core.key_ring import key_rows
from idp.core.keys import NewKey, create_first_keys, make_keys, rotate_keys
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.work import SYSTEM
from idp.errors import Conflict
from idp.ids import RawToken, UserId
from tests.support.world import PASSWORD, STAFF, World

ROUNDS, PARALLEL = 5, 4
T = TypeVar("T")


def at_once(*acts: Callable[[], T]) -> list[T]:
    """Return what acts answer that begin at the same moment; an error of one is raised."""
    barrier = threading.Barrier(len(acts))
    answers: list[T] = []
    errors: list[BaseException] = []

    def run(act: Callable[[], T]) -> None:
        barrier.wait()
        try:
            answers.append(act())
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


def signing_in(world: World, name: str, device: RawToken | None) -> Callable[[], LoggedIn]:
    """Return a sign-in of somebody in a browser that was known under `device`."""

    def act() -> LoggedIn:
        form = SignInForm(username=name, password=PASSWORD, device=device, session=None)
        outcome = sign_in(world.runtime, STAFF, form)
        assert isinstance(outcome, LoggedIn)
        return outcome

    return act


def is_known(world: World, device: RawToken, user_id: UserId) -> bool:
    """Tell whether a browser counts as one of a user's own."""
    with world.begin(write=False) as uow:
        return is_known_device(uow, device, find_account_by_id(uow, user_id))


def test_sign_ins_at_once_in_one_browser_are_all_remembered(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    device = signing_in(world, "ada", None)().device_secret
    device = signing_in(world, "bob", device)().device_secret

    for _ in range(ROUNDS):
        acts = [signing_in(world, name, device) for name in ("ada", "bob") * (PARALLEL // 2)]
        outcomes = at_once(*acts)

        secrets = [outcome.device_secret for outcome in outcomes]
        assert len(set(secrets)) == PARALLEL
        known = Counter(
            user_id
            for secret in secrets
            for user_id in (ada, bob)
            if is_known(world, secret, user_id)
        )
        assert known[ada] >= PARALLEL // 2
        assert known[bob] >= PARALLEL // 2
        assert not is_known(world, device, ada)
        assert not is_known(world, device, bob)
        device = secrets[0]


def test_of_planned_rotations_at_once_one_is_made(world: World) -> None:
    create_first_keys(world.runtime, STAFF, actor=SYSTEM)
    kinds = len(make_keys())

    def rotate() -> bool:
        try:
            rotate_keys(world.runtime, STAFF, actor=SYSTEM)
        except Conflict:
            return False
        return True

    for number in range(2, 2 + ROUNDS):
        outcomes = at_once(*[rotate] * PARALLEL)

        assert sorted(outcomes) == [False] * (PARALLEL - 1) + [True]
        with world.begin(write=False) as uow:
            assert len(key_rows(uow)) == number * kinds
        world.advance(minutes=7)
    assert world.event_codes().count("key.rotated") == 1 + ROUNDS


def test_of_first_keys_at_once_one_set_is_made(world: World) -> None:
    def creating(fresh: Sequence[NewKey]) -> Callable[[], bool]:
        return lambda: create_first_keys(world.runtime, STAFF, actor=SYSTEM, fresh=fresh)

    outcomes = at_once(*[creating(make_keys()) for _ in range(PARALLEL)])

    assert sorted(outcomes) == [False] * (PARALLEL - 1) + [True]
