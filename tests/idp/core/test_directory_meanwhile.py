"""What happens to an account while its directory is being asked, which holds no transaction."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.directory_accounts import lose_sight, state_of, take_look, take_state
from idp.core.directory_passwords import change_directory_password
from idp.core.directory_recheck import RecheckDue, recheck
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.password_change import ChangeForm, CurrentPasswordWrong, PasswordChanged
from idp.core.users import lock_user
from idp.ids import SessionId, UserId
from idp.store.sessions import SessionRow
from idp.store.throttle import ThrottleRow
from tests.support.directories import PASSWORD
from tests.support.directory_world import CORP, Directory, add_entry, link_of
from tests.support.late_directory import LateDirectory
from tests.support.ldap_proxy import Request
from tests.support.world import STAFF, World, open_world, trace_from

NEW = "seven wooden boats at noon"
HERE = trace_from("192.0.2.7")


@pytest.fixture
def world(database_url: str, clock: FakeClock, directory: Directory) -> Iterator[World]:
    """Give a product whose staff realm has a directory that takes passwords."""
    with open_world(
        database_url,
        clock,
        settings=directory.settings(write_back=True, sign_in_per_account="2/PT15M"),
    ) as opened:
        yield opened
        opened.runtime.directories.source(CORP).close()


def attempt(world: World, login: str, password: str = PASSWORD) -> LoginOutcome:
    form = SignInForm(username=login, password=password)
    return sign_in(world.runtime, STAFF, form, HERE)


def change(
    world: World, user_id: UserId, session_id: SessionId | None = None, current: str = PASSWORD
) -> object:
    form = ChangeForm(
        user_id=user_id,
        session_id=session_id,
        current_password=current,
        new_password=NEW,
        forced=False,
    )
    return change_directory_password(world.runtime, STAFF, form, HERE)


def look(world: World, user_id: UserId, login: str) -> None:
    """Take over what the directory says now, as a sync or another process does."""
    seen_at = world.clock.now()
    entry = world.runtime.directories.source(CORP).find_by_login(login)
    with world.begin() as uow:
        if entry is None:
            lose_sight(uow, user_id, seen_at=seen_at)
        else:
            take_state(uow, user_id, state_of(entry), seen_at=seen_at)


def counts(world: World) -> list[tuple[str, int, object]]:
    """Return every brake that counts anything, as it stands."""
    with world.begin(write=False) as uow:
        rows = uow.db.scalars(sa.select(ThrottleRow).where(ThrottleRow.count > 0))
        return sorted((row.bucket, row.count, row.window_ends_at) for row in rows)


class TestOlderLooks:
    def test_an_older_look_brings_nobody_back(self, world: World, directory: Directory) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        due = RecheckDue(user_id, CORP, link_of(world, user_id).stable_id)

        def shut_out() -> None:
            world.advance(seconds=1)
            directory.disable(dn)
            look(world, user_id, login)

        LateDirectory(world, shut_out)
        assert recheck(world.runtime, STAFF, due) is None

        assert world.user(user_id).status == "inactive"
        assert link_of(world, user_id).checked_at == world.clock.now()

    def test_an_older_sign_in_brings_nobody_back(self, world: World, directory: Directory) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)

        def shut_out() -> None:
            world.advance(seconds=1)
            directory.disable(dn)
            look(world, user_id, login)

        LateDirectory(world, shut_out)

        assert attempt(world, login) == LoginRefused()
        assert world.user(user_id).status == "inactive"

    def test_an_older_refusal_shuts_nobody_out(self, world: World, directory: Directory) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        directory.disable(dn)

        def let_in() -> None:
            world.advance(seconds=1)
            directory.enable(dn)
            look(world, user_id, login)

        LateDirectory(world, let_in)

        assert attempt(world, login) == LoginRefused()
        assert world.user(user_id).status == "active"

    def test_what_a_newer_look_asks_stays_asked(self, world: World, directory: Directory) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)

        def ask() -> None:
            world.advance(seconds=1)
            directory.ask_for_change(dn)
            look(world, user_id, login)

        LateDirectory(world, ask)

        assert isinstance(attempt(world, login), LoggedIn)
        assert world.credential(user_id).must_change

    def test_an_older_miss_ends_nothing(self, world: World, directory: Directory) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)
        epoch = world.user(user_id).epoch
        asked_at = world.clock.now() - timedelta(seconds=1)

        with world.begin() as uow:
            lose_sight(uow, user_id, seen_at=asked_at)

        assert world.user(user_id).epoch == epoch

    def test_whom_a_look_shut_out_the_next_run_compares_anew(
        self, world: World, directory: Directory
    ) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        seen = world.runtime.directories.source(CORP)
        with world.begin() as uow:
            entry = seen.find_by_login(login)
            assert entry is not None
            take_look(uow, user_id, entry, seen_at=uow.now)
        assert link_of(world, user_id).digest
        directory.disable(dn)

        attempt(world, login)

        assert link_of(world, user_id).is_disabled
        assert link_of(world, user_id).digest == ""


class TestAttemptsThatAreGivenBack:
    def test_an_attempt_that_nobody_could_judge_leaves_no_wait(
        self, world: World, directory: Directory
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)
        attempt(world, login, "wrong")
        before = counts(world)
        directory.proxy.answer(Request.BIND, 52)
        attempt(world, login)  # the one that would make everybody wait

        assert counts(world) == before

    @pytest.mark.parametrize("is_first_right", [True, False])
    def test_others_count_meanwhile_as_if_it_had_not_been_made(
        self, world: World, directory: Directory, *, is_first_right: bool
    ) -> None:
        _, login = directory.person()
        add_entry(world, login)

        def guess_and_fail() -> None:
            attempt(world, login, PASSWORD if is_first_right else "wrong")
            raise ZeroDivisionError

        LateDirectory(world, guess_and_fail)
        with pytest.raises(ZeroDivisionError):
            attempt(world, login)

        own = [each for each in counts(world) if each[1] > 0]
        assert {count for _, count, _ in own} == (set() if is_first_right else {1})
        assert isinstance(attempt(world, login), LoggedIn)

    def test_a_mistake_of_ours_does_not_count(self, world: World, directory: Directory) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)

        def fail() -> None:
            raise ZeroDivisionError

        for _ in range(3):
            LateDirectory(world, fail)
            with pytest.raises(ZeroDivisionError):
                attempt(world, login)
        LateDirectory(world, fail)
        with pytest.raises(ZeroDivisionError):
            change(world, user_id, current="wrong")

        assert counts(world) == []
        assert world.credential(user_id).failures == 0
        assert isinstance(attempt(world, login), LoggedIn)


class TestWriteBack:
    @pytest.mark.parametrize(
        ("stamp", "reason"),
        [("000001010000Z", "directory_disabled"), ("20250101000000Z", "directory_locked")],
    )
    def test_d_14_guesses_at_an_account_that_is_shut_out_there_count(
        self, world: World, directory: Directory, stamp: str, reason: str
    ) -> None:
        dn, login = directory.person()
        user_id = add_entry(world, login)
        stamped = f"pwdAccountLockedTime: {stamp}"
        directory.server.change(dn, "replace: pwdAccountLockedTime", stamped)

        told = [change(world, user_id, current="wrong") for _ in range(2)]

        assert told == [CurrentPasswordWrong()] * 2
        assert {count for _, count, _ in counts(world)} == {2}
        refused = [e.params["reason"] for e in world.events() if e.code == "user.sign_in_refused"]
        assert refused == [reason] * 2

    @pytest.mark.parametrize("act", [lock_user], ids=["lock"])
    def test_no_session_begins_for_whom_an_administrator_shut_out_meanwhile(
        self, world: World, directory: Directory, act: Callable[..., object]
    ) -> None:
        _, login = directory.person()
        user_id = add_entry(world, login)
        signed_in = attempt(world, login)
        assert isinstance(signed_in, LoggedIn)

        def shut_out() -> None:
            with world.begin() as uow:
                act(uow, user_id)

        LateDirectory(world, shut_out)
        outcome = change(world, user_id, signed_in.session_id)

        assert outcome == PasswordChanged(None)
        assert world.count(SessionRow) == 1
