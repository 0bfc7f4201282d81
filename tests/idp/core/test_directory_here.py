"""What administrators and the policy can do here to the accounts of a directory, and what not."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.accounts import Account, find_account_by_id
from idp.core.directory_accounts import EntryState, take_state
from idp.core.groups import create_group, remove_group, set_groups, update_group
from idp.core.import_files import SourceRow
from idp.core.import_rows import ImportRow, read_row
from idp.core.import_writing import ReadyRow, write_rows
from idp.core.mails import mail_account_locked, mail_password_changed
from idp.core.plans import PlanView
from idp.core.policy_explaining import explain_account
from idp.core.policy_outcomes import Outcome
from idp.core.policy_report import get_policy_report
from idp.core.profiles import Profile
from idp.core.recovery import LinkInvalid, complete_recovery, request_recovery
from idp.core.recovery_requests import issue_recovery_link
from idp.core.users import (
    NewUser,
    create_user,
    deactivate_user,
    get_user,
    lock_user,
    reactivate_user,
    require_change,
    send_reset,
    set_user_password,
    unlock_user,
    update_user,
)
from idp.core.work import HOST, UnitOfWork
from idp.errors import Conflict
from idp.ids import UserId, new_raw_token
from idp.jobs.runner import Runner
from idp.store.directories import DirectoryGroupRow
from idp.store.groups import MembershipRow
from idp.store.recovery import RecoveryRequestRow
from idp.store.users import UNUSABLE
from tests.idp.core.test_mails import render
from tests.support.campaigns import apply, plan_reset, publish, run_reset, targets
from tests.support.directory_world import CORP, WHERE, add_entry, link_of
from tests.support.world import STAFF, World, open_world

OPEN = EntryState(is_enabled=True, must_change=False, password_set_at=None)
SHUT = EntryState(is_enabled=False, must_change=False, password_set_at=None)
HASH = "0" * 64
STRICT = {"enforcement": "everyone", "rules": {"length": {"min": 30, "max": 256}}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a directory: a file with eve in it."""
    path = tmp_path / "people.csv"
    path.write_text("id,login\n1,eve\n2,mallory\n")
    return path


@pytest.fixture
def world(database_url: str, clock: FakeClock, file: Path) -> Iterator[World]:
    """Give a product with a directory."""
    connector = {"kind": "csv", "path": str(file), "change_password_at": WHERE}
    settings = {"connectors": {CORP: connector}}
    with open_world(database_url, clock, settings=settings) as opened:
        yield opened


@pytest.fixture
def eve(world: World) -> UserId:
    """Give an account of the directory."""
    return add_entry(world, "eve")


def refused(world: World, act: Callable[[UnitOfWork], object]) -> Conflict:
    with pytest.raises(Conflict) as conflict, world.begin() as uow:
        act(uow)
    return conflict.value


def counted(plan: PlanView, name: str) -> Any:  # noqa: ANN401 - counts are JSON
    return plan.counts[name]


def tell(world: World, user_id: UserId, state: EntryState) -> None:
    with world.begin() as uow:
        take_state(uow, user_id, state, seen_at=uow.now)


class TestItsLogin:
    LOGIN = "ada@example.test"

    @pytest.fixture(autouse=True)
    def ada(self, world: World, file: Path) -> None:
        """Give an account of the directory whose login is an e-mail address."""
        file.write_text(f"id,login\n1,{self.LOGIN}\n")
        add_entry(world, self.LOGIN, user={"email": None, "email_key": None})

    def test_d_01_it_is_not_the_email_address_of_somebody_here(self, world: World) -> None:
        ben = world.add_user("ben")
        address = self.LOGIN.upper()
        new = NewUser(profile=Profile(username="cat", email=address))
        acts: dict[str, Callable[[UnitOfWork], object]] = {
            "change": lambda uow: update_user(uow, ben, Profile(email=address)),
            "import of somebody new": lambda uow: _import(uow, username="cat", email=address),
            "import": lambda uow: _import(uow, username="ben", email=address),
        }
        with pytest.raises(Conflict, match=r"user\.email_is_login"):
            create_user(world.runtime, STAFF, new, HOST)
        for name, act in acts.items():
            assert refused(world, act).code == "user.email_is_login", name

        with world.begin() as uow:
            update_user(uow, ben, Profile(email=f"x{self.LOGIN}"))
        assert world.user(ben).email == f"x{self.LOGIN}"

    def test_an_import_asks_once_for_all_its_rows(self, world: World) -> None:
        world.add_user("ben")
        world.add_user("cat")
        said: list[str] = []

        def note(_c: object, _k: object, statement: str, *_: object) -> None:
            said.append(statement)

        engine = world.runtime.database.engine
        names = ("ben", "cat", "dan", "eli", "fay")
        rows = [{"username": name, "email": f"{name}@other.test"} for name in names]
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            with world.begin() as uow:
                _import_all(uow, rows)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)

        assert sum("connector IS NOT NULL" in statement for statement in said) == 1
        assert sum("INSERT INTO users" in statement for statement in said) == 1


def _import(uow: UnitOfWork, **cells: str) -> None:
    _import_all(uow, [cells])


def _import_all(uow: UnitOfWork, all_cells: Sequence[dict[str, str]]) -> None:
    rows = [read_row(SourceRow(2, cells), uow.now) for cells in all_cells]
    write_rows(uow, [ReadyRow(row, None) for row in rows if isinstance(row, ImportRow)])


class TestItsPassword:
    def test_nobody_sets_it_here(self, world: World, eve: UserId) -> None:
        with pytest.raises(Conflict) as conflict:
            set_user_password(world.runtime, STAFF, eve, "a quite good password", actor=HOST)

        assert (conflict.value.code, conflict.value.status) == ("user.directory_owned", 409)
        assert world.credential(eve).hash == UNUSABLE

    @pytest.mark.parametrize("act", [send_reset, require_change])
    def test_nobody_asks_for_another_one_here(
        self, world: World, eve: UserId, act: Callable[[UnitOfWork, UserId], object]
    ) -> None:
        assert refused(world, lambda uow: act(uow, eve)).code == "user.directory_owned"
        assert world.outbox() == []

    def test_r_15_the_mail_says_where_it_is_and_holds_no_link(
        self, world: World, eve: UserId
    ) -> None:
        world.add_user("ada", user={"email": "eve@example.test", "email_key": "eve@example.test"})
        request_recovery(world.runtime, STAFF, "eve@example.test", new_raw_token())

        [mail] = world.outbox()

        told = {each["username"]: each for each in mail["context"]["accounts"]}
        assert told["eve"] == {"username": "eve", "link": None, "where": WHERE}
        assert told["ada"]["link"] is not None
        assert world.count(RecoveryRequestRow) == 1

    def test_r_15_a_link_from_before_the_directory_owned_it_sets_none(
        self, world: World, eve: UserId
    ) -> None:
        with world.begin() as uow:
            link = issue_recovery_link(uow, eve, generation=world.user(eve).credential_generation)

        outcome = complete_recovery(world.runtime, STAFF, link, "a quite good password")

        assert outcome == LinkInvalid()
        assert world.credential(eve).hash == UNUSABLE

    @pytest.mark.parametrize("connector", [CORP, "former"])
    @pytest.mark.parametrize(
        "write",
        [
            lambda uow, account: mail_password_changed(uow, account.owner, "self", account.entry),
            lambda uow, account: mail_account_locked(uow, account.owner, "attempts", account.entry),
        ],
        ids=["changed", "locked"],
    )
    def test_r_15_no_mail_sends_anybody_to_a_page_that_helps_only_others(
        self,
        world: World,
        eve: UserId,
        connector: str,
        write: Callable[[UnitOfWork, Account], object],
    ) -> None:
        world.change_user(eve, connector=connector)
        with world.begin() as uow:
            account = find_account_by_id(uow, eve)
            assert account is not None
            write(uow, account)

        [mail] = world.outbox()

        _, body = render(mail)
        assert "/forgot-password" not in body
        assert (WHERE if connector == CORP else "your administrator") in " ".join(body.split())


class TestBulk:
    @pytest.mark.parametrize("mode", ["shared", "link", "require_change"])
    def test_a_bulk_reset_leaves_it_out_and_says_so(
        self, world: World, eve: UserId, mode: str
    ) -> None:
        world.add_user("ada")
        world.publish_policy({"rules": {"length": {"min": 4, "max": 64}}})

        plan = run_reset(world, mode)

        assert counted(plan, "excluded_because")["directory_owned"] == 1
        assert {t.username: t.excluded for t in targets(world, plan).values()} == {
            "ada": None,
            "eve": "directory_owned",
        }
        assert world.credential(eve).hash == UNUSABLE
        assert not world.credential(eve).must_change

    def test_an_account_that_became_a_directorys_since_the_plan_is_skipped(
        self, world: World
    ) -> None:
        people = [world.add_user(f"user{number}") for number in range(150)]
        plan = plan_reset(world, password="shared horse battery")
        world.change_user(people[0], connector=CORP)

        Runner(world.runtime).run_job(apply(world, plan))

        assert targets(world, plan)["user0"].outcome == "skipped:directory_owned"
        assert world.credential(people[0]).set_by == "self"

    def test_preview_and_report_count_it_as_exempt(self, world: World, eve: UserId) -> None:
        world.add_user("ada")

        plan = publish(world, STRICT, accept_conflicts=True)

        assert counted(plan, "states")["exempt"] == 1
        assert counted(plan, "exempt_because")["directory_owned"] == 1
        assert counted(plan, "states")["must_change"] == 1
        with world.begin(write=False) as uow:
            report = get_policy_report(uow)
            explained = explain_account(uow, eve)
        assert report.outcomes[Outcome.EXEMPT] == 1
        assert report.have_to_change == 1
        assert explained.outcome is Outcome.EXEMPT
        assert (explained.findings, explained.at_sign_in) == ((), "let_in")
        assert explained.password is not None

    def test_what_the_directory_asks_is_counted_as_asked(self, world: World, eve: UserId) -> None:
        world.change_credential(eve, must_change=True)

        plan = publish(world, STRICT, accept_conflicts=True)

        assert counted(plan, "states")["asked_already"] == 1

    def test_with_enforce_policy_it_counts_like_any(
        self, database_url: str, clock: FakeClock, file: Path
    ) -> None:
        connector = {"kind": "csv", "path": str(file), "enforce_policy": True}
        settings = {"connectors": {CORP: connector}}
        with open_world(database_url, clock, settings=settings) as world:
            add_entry(world, "eve")

            plan = publish(world, STRICT, accept_conflicts=True)

            assert counted(plan, "states")["judged"] == 1
            assert counted(plan, "exempt_because")["directory_owned"] == 0


class TestItsState:
    def test_an_administrators_word_and_the_directorys_do_not_mix(
        self, world: World, eve: UserId
    ) -> None:
        with world.begin() as uow:
            deactivate_user(uow, eve)
        tell(world, eve, OPEN)

        assert world.user(eve).status == "inactive"
        assert (link_of(world, eve).is_removed, link_of(world, eve).is_disabled) == (True, False)

        with world.begin() as uow:
            assert reactivate_user(uow, eve).status == "active"
        assert not link_of(world, eve).is_removed
        params = [event.params for event in world.events() if "activated" in event.code]
        assert params == [{}, {}]

    def test_only_the_directory_brings_back_whom_it_disabled(
        self, world: World, eve: UserId
    ) -> None:
        tell(world, eve, SHUT)

        said = refused(world, lambda uow: reactivate_user(uow, eve))

        assert (said.code, said.params) == ("user.disabled_by_directory", {"connector": CORP})
        tell(world, eve, OPEN)
        assert world.user(eve).status == "active"

    def test_whom_both_shut_out_needs_both(self, world: World, eve: UserId) -> None:
        tell(world, eve, SHUT)
        with world.begin() as uow:
            deactivate_user(uow, eve)
            deactivate_user(uow, eve)
        tell(world, eve, OPEN)
        assert world.user(eve).status == "inactive"

        with world.begin() as uow:
            reactivate_user(uow, eve)

        assert world.user(eve).status == "active"
        assert world.event_codes().count("user.deactivated") == 2

    def test_locking_is_ours_alone(self, world: World, eve: UserId) -> None:
        with world.begin() as uow:
            lock_user(uow, eve)
        tell(world, eve, OPEN)
        assert world.user(eve).locked_at is not None
        with world.begin() as uow:
            assert unlock_user(uow, eve).status == "active"


class TestItsProfile:
    def test_what_the_directory_owns_is_changed_there(self, world: World, eve: UserId) -> None:
        change = Profile(username="eva", email="eva@example.com", name="Eva", locale="en-NZ")

        said = refused(world, lambda uow: update_user(uow, eve, change))

        assert said.code == "user.directory_owned"
        assert said.params == {"fields": ["email", "name", "username"]}
        assert world.user(eve).locale is None

    def test_the_rest_is_ours(self, world: World, eve: UserId) -> None:
        same = world.user(eve)
        change = Profile(
            username=same.username, email=same.email, locale="mi-NZ", zoneinfo="Pacific/Auckland"
        )

        with world.begin() as uow:
            update_user(uow, eve, change)

        assert (world.user(eve).locale, world.user(eve).zoneinfo) == ("mi-NZ", "Pacific/Auckland")


class TestItsGroups:
    def _make(self, world: World, eve: UserId) -> None:
        with world.begin() as uow:
            create_group(uow, "Ours")
            group = create_group(uow, "Theirs")
            uow.db.add(
                DirectoryGroupRow(
                    group_id=group.id,
                    connector=CORP,
                    stable_id="g1",
                    address_hash=HASH,
                    digest=HASH,
                )
            )
            uow.db.add(MembershipRow(group_id=group.id, user_id=eve))

    @pytest.mark.parametrize(
        "act",
        [
            lambda uow, eve: update_group(uow, "Theirs", new_name="Mine"),
            lambda uow, eve: update_group(uow, "Theirs", description="Mine"),
            lambda uow, eve: update_group(uow, "Theirs", remove=[eve]),
            lambda uow, eve: remove_group(uow, "Theirs"),
        ],
        ids=["rename", "describe", "leave", "remove"],
    )
    def test_a_directorys_group_is_changed_there(
        self, world: World, eve: UserId, act: Callable[[UnitOfWork, UserId], object]
    ) -> None:
        self._make(world, eve)

        said = refused(world, lambda uow: act(uow, eve))

        assert (said.code, said.params) == ("group.directory_owned", {"names": ["Theirs"]})

    def test_setting_the_groups_of_a_user_keeps_the_directorys(
        self, world: World, eve: UserId
    ) -> None:
        self._make(world, eve)

        with world.begin() as uow:
            assert set_groups(uow, eve, ["Ours"])
            assert not set_groups(uow, eve, ["Ours"])
            assert get_user(uow, eve).groups == ("Ours", "Theirs")
            assert set_groups(uow, eve, [])
            assert get_user(uow, eve).groups == ("Theirs",)

    def test_nobody_is_put_into_one_here(self, world: World, eve: UserId) -> None:
        self._make(world, eve)
        ada = world.add_user("ada")

        said = refused(world, lambda uow: set_groups(uow, ada, ["Theirs"]))

        assert said.code == "group.directory_owned"
