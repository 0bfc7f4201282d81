"""Guessing passwords: how soon it stops, whom it stops, what it gives away (L-09, L-13)."""

import threading
from collections.abc import Iterator

import pytest

from idp.clock import FakeClock
from idp.core.guesses import LoginThrottled
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.throttle import network_of, release_account
from idp.core.work import NO_TRACE, Trace
from idp.ids import RawToken, UserId
from tests.support.world import PASSWORD, STAFF, World, open_world, trace_from

QUARTER = 15 * 60


def attempt(
    world: World,
    username: str,
    password: str = PASSWORD,
    *,
    device: RawToken | None = None,
    trace: Trace = NO_TRACE,
) -> LoginOutcome:
    form = SignInForm(username=username, password=password, device=device)
    return sign_in(world.runtime, STAFF, form, trace)


def guess(
    world: World, username: str, times: int, *, trace: Trace = NO_TRACE
) -> list[LoginOutcome]:
    return [attempt(world, username, f"wrong {n}", trace=trace) for n in range(times)]


@pytest.fixture
def strict(database_url: str, clock: FakeClock) -> Iterator[World]:
    """Give a world in which three wrong passwords are too many."""
    limits = {"sign_in_per_account": "3/PT15M", "sign_in_per_address": "5/PT15M"}
    with open_world(database_url, clock, settings={"limits": limits}) as opened:
        yield opened


class TestOneAccount:
    def test_ten_are_refused_and_then_everybody_waits(self, world: World) -> None:
        world.add_user("ada")

        assert guess(world, "ada", 10) == [LoginRefused()] * 10
        assert attempt(world, "ada", "wrong") == LoginThrottled(QUARTER)
        assert attempt(world, "ada", PASSWORD) == LoginThrottled(QUARTER)

    def test_nobody_waits_alike(self, world: World) -> None:
        world.add_user("ada")

        assert guess(world, "ghost", 13) == guess(world, "ada", 13)

    def test_the_wait_ends_by_itself(self, strict: World) -> None:
        strict.add_user("ada")
        guess(strict, "ada", 3)

        strict.advance(seconds=QUARTER - 1)
        assert attempt(strict, "ada") == LoginThrottled(1)
        strict.advance(seconds=1)
        assert isinstance(attempt(strict, "ada"), LoggedIn)

    def test_each_further_failure_doubles_the_wait_up_to_an_hour(self, strict: World) -> None:
        guess(strict, "ghost", 3)
        waits = []
        for _ in range(4):
            outcome = attempt(strict, "ghost", "wrong")
            assert isinstance(outcome, LoginThrottled)
            waits.append(outcome.retry_after // 60)
            strict.advance(seconds=outcome.retry_after)
            assert attempt(strict, "ghost", "wrong") == LoginRefused()

        assert waits == [15, 30, 60, 60]

    def test_attempts_during_the_wait_do_not_make_it_longer(self, strict: World) -> None:
        strict.add_user("ada")
        guess(strict, "ada", 20)

        strict.advance(seconds=QUARTER)

        assert isinstance(attempt(strict, "ada"), LoggedIn)

    def test_a_quiet_day_is_forgotten(self, strict: World) -> None:
        strict.add_user("ada")
        guess(strict, "ada", 3)
        strict.advance(hours=2)

        assert guess(strict, "ada", 2) == [LoginRefused()] * 2
        assert isinstance(attempt(strict, "ada"), LoggedIn)

    def test_failures_outside_of_the_window_do_not_add_up(self, strict: World) -> None:
        for _ in range(5):
            assert guess(strict, "ghost", 2) == [LoginRefused()] * 2
            strict.advance(minutes=16)

    def test_a_success_begins_anew(self, strict: World) -> None:
        ada = strict.add_user("ada")
        for _ in range(3):
            guess(strict, "ada", 2)
            assert isinstance(attempt(strict, "ada"), LoggedIn)

        assert strict.credential(ada).failures == 0

    def test_two_names_of_one_account_share_its_tries_in_silence(self, strict: World) -> None:
        ada = strict.add_user("ada")
        guess(strict, "ada", 3)

        assert attempt(strict, "ada@example.com") == LoginRefused()
        assert strict.events()[-1].params["reason"] == "throttled"
        assert strict.credential(ada).failures == 3
        guess(strict, "ghost", 3)
        assert attempt(strict, "ghost@example.com") == LoginRefused()
        assert guess(strict, "ada@example.com", 3) == guess(strict, "ghost@example.com", 3)

    def test_the_trail_tells_when_it_began(self, strict: World) -> None:
        ada = strict.add_user("ada")
        guess(strict, "ada", 5)

        codes = [(event.code, event.subject_id) for event in strict.events()]
        assert codes.count(("user.throttled", ada)) == 1
        assert codes.count(("user.sign_in_refused", ada)) == 5
        assert strict.credential(ada).throttled_until is not None

    def test_the_brake_can_be_switched_off(self, database_url: str) -> None:
        limits = {"sign_in_per_account": "off", "sign_in_per_address": "off"}
        with open_world(database_url, settings={"limits": limits}) as world:
            world.add_user("ada")
            guess(world, "ada", 15, trace=trace_from("192.0.2.1"))

            assert isinstance(attempt(world, "ada"), LoggedIn)

    def test_an_administrator_can_lift_it(self, strict: World) -> None:
        ada = strict.add_user("ada")
        guess(strict, "ada", 5)

        with strict.begin() as uow:
            release_account(uow, ada)

        assert isinstance(attempt(strict, "ada"), LoggedIn)

    def test_lifting_it_for_nobody_does_nothing(self, strict: World) -> None:
        with strict.begin() as uow:
            release_account(uow, UserId("nobody"))

        assert strict.event_codes() == []


class TestTheLastStop:
    def test_a_hundred_failures_in_a_row_stop_the_password(self, strict: World) -> None:
        ada = strict.add_user("ada", credential={"failures": 98})
        for _ in range(2):
            attempt(strict, "ada", "wrong")
            strict.advance(days=1)

        assert attempt(strict, "ada") == LoginRefused()
        assert strict.credential(ada).blocked_at is not None
        (mail,) = strict.outbox()
        assert (mail["template"], mail["to"]) == ("account_locked", "ada@example.com")
        assert mail["context"]["cause"] == "attempts"

    def test_what_is_not_looked_at_does_not_count(self, strict: World) -> None:
        ada = strict.add_user("ada")
        guess(strict, "ada", 50)

        assert strict.credential(ada).failures == 3


class TestKnownDevices:
    def test_strangers_do_not_stop_the_owner_at_the_usual_browser(self, strict: World) -> None:
        strict.add_user("ada")
        first = attempt(strict, "ada")
        assert isinstance(first, LoggedIn)
        guess(strict, "ada", 10, trace=trace_from("203.0.113.9"))

        assert isinstance(attempt(strict, "ada"), LoginThrottled)
        assert isinstance(attempt(strict, "ada", device=first.device_secret), LoggedIn)

    def test_the_usual_browser_has_its_own_limit(self, strict: World) -> None:
        strict.add_user("ada")
        first = attempt(strict, "ada")
        assert isinstance(first, LoggedIn)
        for _ in range(3):
            assert attempt(strict, "ada", "wrong", device=first.device_secret) == LoginRefused()

        assert isinstance(attempt(strict, "ada", device=first.device_secret), LoginThrottled)
        assert isinstance(attempt(strict, "ada"), LoggedIn)

    def test_who_shares_it_does_not_begin_anew_by_signing_in(self, strict: World) -> None:
        strict.add_user("ada")
        strict.add_user("bob")
        shared = attempt(strict, "ada")
        for n in range(3):
            assert isinstance(shared, LoggedIn)
            assert (
                attempt(strict, "ada", f"guess {n}", device=shared.device_secret) == LoginRefused()
            )
            shared = attempt(strict, "bob", device=shared.device_secret)

        assert isinstance(shared, LoggedIn)
        assert isinstance(attempt(strict, "ada", device=shared.device_secret), LoginThrottled)

    def test_it_is_known_for_its_own_user_only(self, strict: World) -> None:
        strict.add_user("ada")
        strict.add_user("bob")
        first = attempt(strict, "ada")
        assert isinstance(first, LoggedIn)
        for _ in range(3):
            attempt(strict, "bob", "wrong", device=first.device_secret)

        assert isinstance(attempt(strict, "bob"), LoginThrottled)

    def test_it_is_forgotten_when_the_password_is_set_elsewhere(self, strict: World) -> None:
        ada = strict.add_user("ada")
        first = attempt(strict, "ada")
        assert isinstance(first, LoggedIn)
        strict.change_user(ada, credential_generation=2)
        guess(strict, "ada", 3)

        assert isinstance(attempt(strict, "ada", device=first.device_secret), LoginThrottled)


class TestOneAddress:
    def test_many_names_from_one_address_are_stopped(self, strict: World) -> None:
        strict.add_user("ada")
        here = trace_from("203.0.113.9")
        for n in range(5):
            assert attempt(strict, f"ghost{n}", "x", trace=here) == LoginRefused()

        assert isinstance(attempt(strict, "ada", trace=here), LoginThrottled)
        assert isinstance(attempt(strict, "ada", trace=trace_from("203.0.113.10")), LoggedIn)

    def test_an_own_account_does_not_reset_the_address(self, strict: World) -> None:
        strict.add_user("mallory")
        here = trace_from("203.0.113.9")
        for n in range(5):
            attempt(strict, f"ghost{n}", "x", trace=here)
            attempt(strict, "mallory", trace=here)

        assert isinstance(attempt(strict, "ghost", "x", trace=here), LoginThrottled)

    def test_the_wait_at_an_address_does_not_grow(self, strict: World) -> None:
        here = trace_from("203.0.113.9")
        for n in range(5):
            attempt(strict, f"ghost{n}", "x", trace=here)
        strict.advance(minutes=15)

        for n in range(5):
            assert attempt(strict, f"other{n}", "x", trace=here) == LoginRefused()

    @pytest.mark.parametrize(
        ("address", "counted_as"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("unix", "unix"),
            (None, None),
        ],
    )
    def test_who_an_address_is_counted_as(
        self, address: str | None, counted_as: str | None
    ) -> None:
        assert network_of(address) == counted_as


class TestManyAtOnce:
    def test_parallel_guesses_get_no_more_answers_than_single_ones(self, strict: World) -> None:
        ada = strict.add_user("ada")
        outcomes: list[LoginOutcome] = []
        barrier = threading.Barrier(12)

        def go(n: int) -> None:
            barrier.wait()
            outcomes.append(attempt(strict, "ada", f"wrong {n}"))

        threads = [threading.Thread(target=go, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert outcomes.count(LoginRefused()) == 3
        assert strict.credential(ada).failures == 3
        assert len(outcomes) == 12

    def test_right_and_wrong_ones_at_once_do_not_block_each_other(self, world: World) -> None:
        world.add_user("ada")
        outcomes: list[LoginOutcome] = []
        barrier = threading.Barrier(8)

        def go(n: int) -> None:
            barrier.wait()
            outcomes.append(attempt(world, "ada", PASSWORD if n % 2 else "wrong"))

        threads = [threading.Thread(target=go, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(isinstance(outcome, LoggedIn) for outcome in outcomes) == 4
        assert outcomes.count(LoginRefused()) == 4
