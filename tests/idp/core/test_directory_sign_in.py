"""Signing in with the password of a directory (catalogue D-01, D-02, D-06, D-14; real OpenLDAP)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.directory_accounts import GONE, state_of, take_state
from idp.core.directory_sign_in import RETRY_AFTER, DirectoryDown
from idp.core.gate import find_account, must_change
from idp.core.guesses import LoginThrottled
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.sessions import find_signed_in
from idp.core.work import NO_TRACE, Trace
from idp.ids import RawToken, UserId
from idp.store.throttle import ThrottleRow
from idp.store.users import UNUSABLE
from tests.support.directories import PASSWORD, SPELLINGS
from tests.support.directory_world import CORP, Directory, Settings, add_entry, link_of
from tests.support.ldap_proxy import Request
from tests.support.world import PASSWORD as LOCAL_PASSWORD
from tests.support.world import PORTAL, STAFF, RecordedPause, World, open_world, trace_from


@contextmanager
def opened_world(database_url: str, clock: FakeClock, settings: Settings) -> Iterator[World]:
    with open_world(database_url, clock, settings=settings) as opened:
        yield opened
        opened.runtime.directories.source(CORP).close()


@pytest.fixture
def world(database_url: str, clock: FakeClock, directory: Directory) -> Iterator[World]:
    """Give a product whose staff realm has a directory."""
    with opened_world(database_url, clock, directory.settings()) as opened:
        yield opened


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


def known_device(world: World, login: str) -> RawToken:
    """Sign in from a new device and return its cookie."""
    outcome = attempt(world, login)
    assert isinstance(outcome, LoggedIn)
    return outcome.device_secret


def reasons(world: World) -> list[str]:
    return [
        event.params["reason"] for event in world.events() if event.code == "user.sign_in_refused"
    ]


def has_to_change(world: World, user_id: UserId) -> bool:
    with world.begin(write=False) as uow:
        facts = find_account(uow, user_id)
        assert facts is not None
        return must_change(facts, uow.now)


class TestWhoGetsIn:
    def test_the_right_password_of_the_directory_opens_a_session(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)
        world.advance(minutes=3)

        outcome = attempt(world, login.upper())

        assert isinstance(outcome, LoggedIn)
        assert outcome.user_id == user_id
        assert world.event_codes() == ["user.signed_in"]
        assert link_of(world, user_id).checked_at == world.clock.now()

    def test_nothing_of_the_password_is_stored(self, world: World, directory: Directory) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)

        attempt(world, login)

        assert world.credential(user_id).hash == UNUSABLE

    @pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
    def test_a_password_goes_there_as_it_was_typed(
        self, world: World, directory: Directory, spelling: str
    ) -> None:
        _, login = directory.person(spelling)
        add_entry(world, login)

        assert isinstance(attempt(world, login, spelling), LoggedIn)

    def test_a_local_account_never_touches_the_directory(
        self, world: World, directory: Directory
    ) -> None:
        world.add_user("ada")
        asked = len(directory.proxy.requests)

        assert isinstance(attempt(world, "ada", LOCAL_PASSWORD), LoggedIn)
        assert attempt(world, "ada", "wrong") == LoginRefused()
        assert attempt(world, "ghost", "wrong") == LoginRefused()

        assert len(directory.proxy.requests) == asked

    def test_whoever_has_to_change_there_is_in_and_the_gate_asks(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        directory.ask_for_change(dn)

        assert isinstance(attempt(world, login), LoggedIn)

        assert has_to_change(world, user_id)

    def test_an_expired_password_is_asked_about_until_there_is_another_one(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.late_person()
        user_id = add_entry(world, login)

        assert isinstance(attempt(world, login), LoggedIn)
        world.advance(minutes=1)
        look_again(world, user_id, login)

        assert has_to_change(world, user_id)  # although only a sign-in tells that it expired
        directory.set_password(dn, "another Horse 8")
        look_again(world, user_id, login)
        assert not has_to_change(world, user_id)

    def test_what_the_directory_no_longer_asks_is_no_longer_asked(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.person()
        directory.ask_for_change(dn)
        user_id = add_entry(world, login)
        assert has_to_change(world, user_id)
        directory.server.change(dn, "delete: pwdReset")

        attempt(world, login)

        assert not has_to_change(world, user_id)

    def test_a_password_changed_there_ends_what_was_given_before_the_session_opens(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        world.change_credential(user_id, set_at=datetime(2020, 1, 1, tzinfo=UTC))
        old = attempt(world, login)
        directory.set_password(dn, PASSWORD)
        before = world.user(user_id).credential_generation

        new = attempt(world, login)

        assert world.user(user_id).credential_generation == before + 1
        assert isinstance(old, LoggedIn)
        assert isinstance(new, LoggedIn)
        with world.begin(write=False) as uow:
            assert find_signed_in(uow, old.session_secret) is None
            assert find_signed_in(uow, new.session_secret) is not None


class TestWhoDoesNot:
    def test_a_wrong_password_is_counted_like_any(self, world: World, directory: Directory) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)

        assert attempt(world, login, "wrong") == LoginRefused()

        assert reasons(world) == ["wrong_password"]
        assert world.credential(user_id).failures == 1

    def test_a_disabled_account_is_out_at_once_and_hears_nothing_else(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        attempt(world, login)
        directory.disable(dn)

        assert attempt(world, login) == LoginRefused()

        assert world.user(user_id).status == "inactive"
        assert reasons(world) == ["directory_disabled"]
        assert "user.deactivated" in world.event_codes()

    def test_a_locked_account_is_told_only_to_the_trail(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        directory.server.change(
            dn, "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 20261101000000Z"
        )

        assert attempt(world, login) == LoginRefused()

        assert reasons(world) == ["directory_locked"]
        assert world.user(user_id).status == "active"

    def test_an_entry_that_is_gone_is_refused(self, world: World, directory: Directory) -> None:
        dn, login = directory.person()
        add_entry(world, login)
        directory.server.delete(dn)

        assert attempt(world, login) == LoginRefused()
        assert reasons(world) == ["directory_unknown"]

    @pytest.mark.parametrize("typed", ["", "a\0b", "\ud800"])
    def test_d_01_no_bind_without_a_password_ever_reaches_the_directory(
        self, world: World, directory: Directory, typed: str
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        asked = len(directory.proxy.requests)

        assert attempt(world, login, typed) == LoginRefused()

        assert len(directory.proxy.requests) == asked
        assert reasons(world) == ["wrong_password"]

    @pytest.mark.parametrize("typed", [" ", "   ", "\u200b"])
    def test_d_01_blanks_are_a_password_like_any(
        self, world: World, directory: Directory, typed: str
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)

        assert attempt(world, login, typed) == LoginRefused()

    @pytest.mark.parametrize(
        "name",
        [
            "*",
            "a*)(uid=*",
            ")(|(objectClass=*",
            "\\2a",
            "a\0",
            "a\nb",
            "\u00fc\u00f1",
            "x" * 10_000,
        ],
    )
    def test_d_02_no_name_means_anything_to_a_filter(
        self, world: World, directory: Directory, name: str
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        asked = len(directory.proxy.requests)

        assert attempt(world, name) == LoginRefused()
        assert attempt(world, f"{login}{name}") == LoginRefused()

        assert len(directory.proxy.requests) == asked

    def test_an_account_of_a_directory_that_is_not_configured_any_more_stays_out(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        world.change_user(add_entry(world, login), connector="former")

        assert attempt(world, login) == LoginRefused()
        assert reasons(world) == ["directory_not_configured"]

    def test_a_directory_that_verifies_no_passwords_lets_nobody_in(
        self, database_url: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.csv"
        file.write_text("id,login\n1,eve\n")
        settings = {"connectors": {CORP: {"kind": "csv", "path": str(file)}}}
        with open_world(database_url, settings=settings) as world:
            add_entry(world, "eve")

            assert attempt(world, "eve") == LoginRefused()
            assert reasons(world) == ["directory_without_passwords"]

    def test_an_account_that_is_locked_here_is_not_asked_about(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)
        world.change_user(user_id, locked_at=world.clock.now())
        binds = directory.count(Request.BIND)

        assert attempt(world, login) == LoginRefused()

        assert directory.count(Request.BIND) == binds
        assert reasons(world) == ["account_locked"]


class TestOutages:
    def test_d_06_a_directory_that_does_not_answer_says_so_and_counts_nothing(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)
        directory.go_down()

        for _ in range(12):
            assert attempt(world, login) == DirectoryDown()

        assert set(reasons(world)) == {"directory_down"}
        assert world.credential(user_id).failures == 0
        assert world.count(ThrottleRow) == len(counted(world, 0))
        directory.proxy.behave()
        world.runtime.directories.source(CORP).close()
        world.advance(seconds=RETRY_AFTER)
        assert isinstance(attempt(world, login), LoggedIn)

    def test_d_06_a_local_account_signs_in_while_the_directory_hangs(
        self, world: World, directory: Directory
    ) -> None:
        world.add_user("ada")
        directory.proxy.stall(Request.SEARCH)
        directory.proxy.stall(Request.BIND)
        asked = len(directory.proxy.requests)

        assert isinstance(attempt(world, "ada", LOCAL_PASSWORD), LoggedIn)
        assert len(directory.proxy.requests) == asked

    def test_in_an_outage_every_name_without_success_gets_the_same_answer(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        ada = world.add_user("ada")
        directory.go_down()

        answers = [attempt(world, name, "wrong") for name in (login, "ghost", "ada", login)]

        assert answers == [DirectoryDown()] * 4
        assert reasons(world) == [
            "directory_down", "unknown_user", "wrong_password", "directory_down",
        ]  # fmt: skip
        assert world.credential(ada).failures == 1
        assert len(counted(world, 1)) == 2  # ada's name and her account
        assert isinstance(attempt(world, "ada", LOCAL_PASSWORD), LoggedIn)

    def test_an_outage_lasts_for_every_name_until_the_directory_answers(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        world.add_user("ada")
        directory.go_down()
        attempt(world, login)
        world.advance(hours=3)

        assert [attempt(world, name, "wrong") for name in ("ghost", "ada")] == [DirectoryDown()] * 2

        directory.proxy.behave()
        world.runtime.directories.source(CORP).close()
        world.advance(seconds=RETRY_AFTER)
        assert attempt(world, "ghost") == LoginRefused()
        assert attempt(world, "ada", "wrong") == LoginRefused()

    def test_in_an_outage_every_refused_name_waits_for_the_directory_as_its_own_do(
        self, world: World, directory: Directory
    ) -> None:
        (_, login), (_, closed) = directory.person(), directory.person()
        add_entry(world, login)
        world.change_user(add_entry(world, closed), status="inactive")
        world.add_user("ada")
        asked = {}
        for name in (login, "ghost", "ada", closed):
            world.runtime.outages.note_failed(CORP, world.clock.now())
            before = directory.count(Request.SEARCH)
            assert attempt(world, name, "wrong") == LoginRefused()  # it is there again
            asked[name] = directory.count(Request.SEARCH) - before

        assert asked == dict.fromkeys(asked, 1)

    def test_an_outage_in_one_realm_is_no_business_of_the_other(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        directory.go_down()
        attempt(world, login)

        form = SignInForm(username="ghost", password="wrong")
        assert sign_in(world.runtime, PORTAL, form) == LoginRefused()


class TestTime:
    def test_every_refusal_of_a_realm_with_a_directory_waits_to_one_floor(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        world.add_user("ada")
        pause = world.runtime.pause
        assert isinstance(pause, RecordedPause)

        for name in (login, "ada", "ghost"):
            attempt(world, name, "wrong")
        attempt(world, "ada", LOCAL_PASSWORD)

        assert len(pause.waits) == 3
        assert all(0.5 <= wait <= 0.6 for wait in pause.waits)
        assert len(set(pause.waits)) > 1

    def test_a_realm_without_one_does_not_wait(self, world: World) -> None:
        pause = world.runtime.pause
        assert isinstance(pause, RecordedPause)

        form = SignInForm(username="ghost", password="wrong")
        sign_in(world.runtime, PORTAL, form)

        assert pause.waits == []


class TestGuessing:
    def test_d_14_our_limit_comes_before_the_directorys(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="2/PT15M")
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person()
            add_entry(world, login)
            binds = directory.count(Request.BIND)

            told = [attempt(world, login, f"guess {n}") for n in range(50)]

            assert told[:2] == [LoginRefused()] * 2
            assert all(isinstance(outcome, LoginThrottled) for outcome in told[2:])
            assert directory.count(Request.BIND) <= binds + 2
            world.advance(minutes=15)
            assert isinstance(attempt(world, login), LoggedIn)

    def test_d_14_not_more_reach_the_directory_when_they_come_all_at_once(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="2/PT15M")
        with opened_world(database_url, clock, settings) as world:
            dn, login = directory.person()
            add_entry(world, login)
            gate = threading.Barrier(12)
            outcomes: list[LoginOutcome] = []

            def guess(number: int) -> None:
                gate.wait()
                outcomes.append(attempt(world, login, f"guess {number}"))

            threads = [threading.Thread(target=guess, args=(n,)) for n in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert len(outcomes) == 12
            assert len(directory.server.read(dn, "pwdFailureTime")["pwdfailuretime"]) == 2

    def test_d_14_all_devices_together_have_one_limit(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="2/PT15M")
        with opened_world(database_url, clock, settings) as world:
            dn, login = directory.person()
            add_entry(world, login)
            devices = [None, *(known_device(world, login) for _ in range(4))]

            for number in range(1000):
                trace = trace_from(f"192.0.2.{number % 250 + 1}")
                device = devices[number % len(devices)]
                attempt(world, login, f"guess {number}", device=device, trace=trace)

            assert len(directory.server.read(dn, "pwdFailureTime")["pwdfailuretime"]) == 2
            assert "user.throttled" in world.event_codes()

    def test_d_14_no_more_than_the_limit_fall_into_any_window(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="3/PT15M")
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person(**directory.ruled_by("strict"))
            add_entry(world, login)
            reached = []
            for _ in range(5):
                before = directory.count(Request.BIND)
                attempt(world, login, "wrong")
                reached.append(directory.count(Request.BIND) - before > 0)
                world.advance(minutes=8)

            assert reached == [True, True, True, False, True]  # a quarter after the third

    def test_whoever_sits_at_a_known_device_is_told_to_wait(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="2/PT15M")
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person()
            add_entry(world, login)
            device = known_device(world, login)
            for _ in range(2):
                attempt(world, login, "wrong")

            told = attempt(world, login, device=device)

            assert told == LoginThrottled(15 * 60)
            world.advance(minutes=15)
            assert isinstance(attempt(world, login, device=device), LoggedIn)

    def test_names_of_all_kinds_meet_the_same_limit(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="2/PT15M")
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person()
            add_entry(world, login)
            world.add_user("ada")

            told = {
                name: [type(attempt(world, name, "wrong")) for _ in range(4)]
                for name in (login, "ada", "ghost")
            }

            assert len({tuple(each) for each in told.values()}) == 1
            assert told["ghost"] == [LoginRefused, LoginRefused, LoginThrottled, LoginThrottled]

    def test_a_right_password_lets_the_counting_begin_anew(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(sign_in_per_account="2/PT15M")
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person()
            add_entry(world, login)

            for _ in range(3):
                assert attempt(world, login, "wrong") == LoginRefused()
                assert isinstance(attempt(world, login), LoggedIn)

            assert world.count(ThrottleRow) == 0


class TestOurPolicy:
    POLICY: ClassVar = {
        "enforcement": "noncompliant",
        "rules": {"length": {"min": 30, "max": 256}},
    }

    def test_it_does_not_judge_what_a_directory_rules(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)
        world.publish_policy({**self.POLICY, "enforcement": "everyone"})

        assert isinstance(attempt(world, login), LoggedIn)

        assert not has_to_change(world, user_id)
        assert world.credential(user_id).judged_under == 0

    @pytest.mark.parametrize("enforcement", ["noncompliant", "everyone"])
    def test_it_judges_at_the_sign_in_when_it_is_told_to(
        self, database_url: str, clock: FakeClock, directory: Directory, enforcement: str
    ) -> None:
        settings = directory.settings(enforce_policy=True)
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person()
            user_id = add_entry(world, login)
            number = world.publish_policy({**self.POLICY, "enforcement": enforcement})

            assert isinstance(attempt(world, login), LoggedIn)

            assert has_to_change(world, user_id)
            assert world.credential(user_id).refused_under == number
            number = world.publish_policy(
                {"enforcement": enforcement, "rules": {"length": {"min": 8, "max": 256}}}
            )
            assert isinstance(attempt(world, login), LoggedIn)
            assert not has_to_change(world, user_id)
            assert world.credential(user_id).judged_under == number
            assert world.credential(user_id).hash == UNUSABLE

    def test_under_never_it_judges_nothing(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        settings = directory.settings(enforce_policy=True)
        with opened_world(database_url, clock, settings) as world:
            _, login = directory.person()
            user_id = add_entry(world, login)
            world.publish_policy({**self.POLICY, "enforcement": "never"})

            attempt(world, login)

            assert not has_to_change(world, user_id)
            assert world.credential(user_id).refused_under is None


def counted(world: World, count: int) -> list[str]:
    with world.begin(write=False) as uow:
        return list(uow.db.scalars(sa.select(ThrottleRow.bucket).where(ThrottleRow.count == count)))


def look_again(world: World, user_id: UserId, login: str) -> None:
    """Take over what the directory says, as a sync does."""
    entry = world.runtime.directories.source(CORP).find_by_login(login)
    with world.begin() as uow:
        state = GONE if entry is None else state_of(entry)
        take_state(uow, user_id, state, seen_at=uow.now)
