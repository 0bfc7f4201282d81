"""Somebody whom the directory has and no run read yet signs in (DECISIONS 23; real OpenLDAP)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.directory_sign_in import DirectoryDown
from idp.core.guesses import LoginThrottled
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.sync.runs import RunMode
from idp.store.groups import GroupRow, MembershipRow
from idp.store.users import UNUSABLE, UserRow
from tests.support.directories import PASSWORD
from tests.support.directory_world import CORP, Directory, link_of
from tests.support.late_directory import LateDirectory
from tests.support.ldap_proxy import Request
from tests.support.slapd import GROUPS, PEOPLE
from tests.support.syncing import sync_to_end
from tests.support.world import STAFF, World, open_world


@dataclass
class Office:
    """A product that takes newcomers, and the part of a directory that it reads."""

    world: World
    directory: Directory
    branch: str

    def hire(self, password: str = PASSWORD, **attributes: str) -> tuple[str, str]:
        """Let somebody be in the directory; return DN and login."""
        return self.directory.person(password, employeeType=self.branch, **attributes)

    def enter(self, login: str, password: str = PASSWORD) -> LoginOutcome:
        """Sign in."""
        return sign_in(self.world.runtime, STAFF, SignInForm(username=login, password=password))

    def find(self, login: str) -> UserRow | None:
        """Return the account that has a login."""
        with self.world.begin(write=False) as uow:
            query = sa.select(UserRow).where(UserRow.username_key == login)
            row: UserRow | None = uow.db.scalars(query).one_or_none()
            return row

    def reasons(self) -> list[str]:
        """Return why sign-ins were refused."""
        events = self.world.events()
        return [e.params["reason"] for e in events if e.code == "user.sign_in_refused"]


@contextmanager
def opened(
    database_url: str,
    clock: FakeClock,
    directory: Directory,
    **own: Any,  # noqa: ANN401 - keys of the section
) -> Iterator[Office]:
    branch = uuid4().hex
    settings: dict[str, Any] = {
        "just_in_time": True,
        "filter": f"(employeeType={branch})",
        "group_base": GROUPS,
        "group_filter": f"(description={branch})",
    }
    section = directory.settings(**settings | own)
    with open_world(database_url, clock, settings=section) as world:
        yield Office(world, directory, branch)
        world.runtime.directories.source(CORP).close()


@pytest.fixture
def office(database_url: str, clock: FakeClock, directory: Directory) -> Iterator[Office]:
    """Give one whose first plan was applied."""
    with opened(database_url, clock, directory) as place:
        place.hire()
        sync_to_end(place.world, CORP, RunMode.FULL)
        yield place


class TestWhoIsTakenIn:
    def test_somebody_new_is_in_and_is_who_a_run_would_make(self, office: Office) -> None:
        _, login = office.hire(mail="new@example.test", givenName="Noa")

        outcome = office.enter(login.upper())

        assert isinstance(outcome, LoggedIn)
        user = office.find(login)
        assert user is not None
        assert (user.id, user.connector, user.email, user.given_name) == (
            outcome.user_id, CORP, "new@example.test", "Noa",
        )  # fmt: skip
        assert office.world.credential(outcome.user_id).hash == UNUSABLE
        codes = office.world.event_codes()
        assert codes[-2:] == ["user.created", "user.signed_in"]
        run = sync_to_end(office.world, CORP, RunMode.FULL).run
        assert [run.counts[op] for op in ("create", "update", "conflict", "gone")] == [0] * 4

    def test_they_are_in_the_groups_that_the_last_run_read(
        self, database_url: str, clock: FakeClock, directory: Directory
    ) -> None:
        with opened(database_url, clock, directory) as office:
            office.hire()
            hidden = f"uid=nobody,{PEOPLE}"
            inner, outer = (f"cn={name}-{office.branch},{GROUPS}" for name in ("inner", "outer"))
            for dn, member in ((inner, hidden), (outer, inner)):
                name = dn.partition(",")[0].removeprefix("cn=")
                directory.server.add(
                    dn,
                    {
                        "objectClass": ["groupOfNames"],
                        "cn": [name],
                        "member": [member],
                        "description": [office.branch],
                    },
                )
            sync_to_end(office.world, CORP, RunMode.FULL)
            dn, login = office.hire()
            directory.server.change(outer, "add: member", f"member: {dn}")
            sync_to_end(office.world, CORP, RunMode.SWEEP)

            assert isinstance(office.enter(login), LoggedIn)

            with office.world.begin(write=False) as uow:
                query = sa.select(GroupRow.name).join(
                    MembershipRow, MembershipRow.group_id == GroupRow.id
                )
                assert [name.partition("-")[0] for name in uow.db.scalars(query)] == ["outer"]
            directory.server.delete(outer, inner)

    def test_two_at_once_are_one_account(self, office: Office) -> None:
        _, login = office.hire()
        outcomes: list[LoginOutcome] = []
        gate = threading.Barrier(2)

        def enter() -> None:
            gate.wait()
            outcomes.append(office.enter(login))

        threads = [threading.Thread(target=enter) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert all(isinstance(outcome, LoggedIn) for outcome in outcomes)
        assert office.find(login) is not None
        assert office.world.event_codes().count("user.created") == 2  # the first run made one

    def test_somebody_made_meanwhile_signs_in_to_that_account(self, office: Office) -> None:
        _, login = office.hire()
        LateDirectory(office.world, lambda: sync_to_end(office.world, CORP, RunMode.FULL))

        assert isinstance(office.enter(login), LoggedIn)

    @pytest.mark.parametrize("has", ["email", "login"])
    def test_somebody_with_the_address_of_a_local_account_is_let_in_as_a_run_would(
        self, office: Office, has: str
    ) -> None:
        mail = "shared@example.test"
        _, login = office.hire(mail=mail)
        own = {"email": mail, "email_key": mail}
        local = office.world.add_user(mail if has == "login" else "ada", user=own)
        signed_in = office.enter(login)

        assert isinstance(signed_in, LoggedIn)
        assert signed_in.user_id != local
        run = sync_to_end(office.world, CORP, RunMode.FULL).run
        assert [run.counts[op] for op in ("create", "update", "conflict")] == [0, 0, 0]


class TestWhoIsNot:
    def test_a_wrong_password_makes_nobody_and_counts(self, office: Office) -> None:
        _, login = office.hire()

        told = [office.enter(login, f"wrong {n}") for n in range(6)]

        assert told[:4] == [LoginRefused()] * 4
        assert all(isinstance(outcome, LoginThrottled) for outcome in told[4:])
        assert office.find(login) is None
        assert office.reasons()[:2] == ["wrong_password"] * 2

    def test_an_unknown_name_is_asked_for_once_and_refused_alike(self, office: Office) -> None:
        before = office.directory.count(Request.BIND)
        office.enter("ghost")  # whatever connection there has to be
        searches = office.directory.count(Request.SEARCH)

        assert office.enter("ghost") == LoginRefused()

        assert office.directory.count(Request.SEARCH) == searches + 1
        assert office.directory.count(Request.BIND) <= before + 1  # the connector's own
        assert office.reasons() == ["unknown_user"] * 2

    @pytest.mark.parametrize("name", ["*", "p*", "a*)(uid=*", ")(|(objectClass=*", "\\2a", "a\0"])
    def test_d_02_no_name_means_anything_to_a_filter(self, office: Office, name: str) -> None:
        _, login = office.hire()

        assert office.enter(name) == LoginRefused()
        assert office.enter(f"{login[:-1]}{name}") == LoginRefused()
        assert office.find(login) is None

    def test_whoever_is_outside_of_the_filter_is_nobody(self, office: Office) -> None:
        _, login = office.directory.person()

        assert office.enter(login) == LoginRefused()
        assert office.find(login) is None

    def test_whom_the_directory_shut_out_is_not_made(self, office: Office) -> None:
        dn, login = office.hire()
        office.directory.disable(dn)

        assert office.enter(login) == LoginRefused()
        assert (office.find(login), office.reasons()) == (None, ["directory_disabled"])

    def test_the_email_address_of_local_accounts_is_no_login(self, office: Office) -> None:
        _, login = office.hire()
        for name in ("ada", "ben"):  # of two with one address, it names neither
            office.world.add_user(name, user={"email": login, "email_key": login})
        office.enter("ghost")  # the connector's own sign-in is no guess
        binds = office.directory.count(Request.BIND)

        assert office.enter(login) == LoginRefused()

        assert office.directory.count(Request.BIND) == binds
        assert office.find(login) is None

    def test_an_account_that_got_another_login_there_is_no_newcomer(self, office: Office) -> None:
        dn, login = office.hire()
        first = office.enter(login)
        assert isinstance(first, LoggedIn)
        renamed = f"{login}-renamed"
        office.directory.server.change(dn, "add: uid", f"uid: {renamed}")
        binds = office.directory.count(Request.BIND)

        assert office.enter(renamed) == LoginRefused()

        assert office.directory.count(Request.BIND) == binds
        assert link_of(office.world, first.user_id).login == login

    def test_d_03_a_login_that_two_entries_have_is_nobodys(self, office: Office) -> None:
        (_, login), (other, _) = office.hire(), office.hire()
        office.directory.server.change(other, "add: uid", f"uid: {login}")
        office.enter("ghost")
        binds = office.directory.count(Request.BIND)

        assert office.enter(login) == LoginRefused()

        assert office.directory.count(Request.BIND) == binds
        assert office.find(login) is None

    def test_d_01_no_bind_without_a_password(self, office: Office) -> None:
        _, login = office.hire()
        office.enter("ghost")
        binds = office.directory.count(Request.BIND)

        assert office.enter(login, "") == LoginRefused()

        assert office.directory.count(Request.BIND) == binds
        assert office.reasons() == ["unknown_user", "wrong_password"]

    def test_a_sign_in_that_the_directory_cannot_judge_makes_nobody(self, office: Office) -> None:
        _, login = office.hire()
        office.enter("ghost")
        office.directory.proxy.answer(Request.BIND, 52)

        assert office.enter(login) == DirectoryDown()
        assert office.find(login) is None

    def test_in_an_outage_nobody_is_told_apart_and_nothing_counts(self, office: Office) -> None:
        _, login = office.hire()
        office.directory.go_down()

        assert [office.enter(name) for name in (login, "ghost") * 6] == [DirectoryDown()] * 12
        assert set(office.reasons()) == {"directory_down"}
        assert office.find(login) is None


class TestWhenItIsOff:
    def test_a_directory_that_verifies_no_passwords_takes_nobody_in(
        self, database_url: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.csv"
        file.write_text("id,login\n1,eve\n")
        connector = {"kind": "csv", "path": str(file), "just_in_time": True}
        with open_world(database_url, settings={"connectors": {CORP: connector}}) as world:
            sync_to_end(world, CORP, RunMode.FULL)
            file.write_text("id,login\n1,eve\n2,noa\n")

            form = SignInForm(username="noa", password=PASSWORD)
            assert sign_in(world.runtime, STAFF, form) == LoginRefused()
            assert world.events()[-1].params["reason"] == "directory_without_passwords"

    @pytest.mark.parametrize("is_on", [True, False], ids=["no plan yet", "off"])
    def test_nobody_is_looked_for(
        self, database_url: str, clock: FakeClock, directory: Directory, *, is_on: bool
    ) -> None:
        with opened(database_url, clock, directory, just_in_time=is_on) as office:
            _, old = office.hire()
            if not is_on:
                sync_to_end(office.world, CORP, RunMode.FULL)
            _, login = office.hire()
            asked = len(directory.proxy.requests)

            assert office.enter(login) == LoginRefused()
            assert office.enter("ghost") == LoginRefused()

            assert len(directory.proxy.requests) == asked
            assert (office.find(old) is None) == is_on
