"""Where the policy meets groups, imports, other people's rules, and two requests at once."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import sqlalchemy as sa
from werkzeug.test import Client as HttpClient

from idp.clock import FakeClock
from idp.core.accounts import find_account_to_write
from idp.core.decisions import decide
from idp.core.gate import Cleared, find_account
from idp.core.groups import create_group, remove_group, update_group
from idp.core.import_files import SourceRow
from idp.core.imports import Listener, import_users
from idp.core.jobs import find_job
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.password_change import ChangeForm, PasswordChanged, change_password
from idp.core.policy_notices import NOTICES_JOB, notify_batch
from idp.core.policy_versions import NewVersion, append_version, read_policy
from idp.core.profiles import Profile
from idp.core.users import NewUser, create_user, require_change
from idp.core.work import HOST, UnitOfWork
from idp.errors import Conflict, Unavailable
from idp.ids import ClientId, UserId
from idp.store.jobs import JobRow, OutboxRow
from policy.model import Candidate, Kind, Rule
from policy.rules import RULES
from policy.verdict import Finding
from tests.idp.core.test_parallel import at_once
from tests.support.story import open_story
from tests.support.world import PASSWORD, STAFF, World, open_world

APP = ClientId("app")
PATIENCE = 2.0
"""Seconds that one of two requests is held where the other one can meet it."""


def passes(world: World, user: UserId) -> bool:
    """Ask as a token endpoint does."""
    with world.begin() as uow:
        account = find_account(uow, user)
        assert account is not None
        gate = decide(uow, account, birth_epoch=account.epoch, session_ended=False, client_id=APP)
        return isinstance(gate, Cleared)


def log_in(world: World, name: str) -> None:
    """Sign in with the ordinary password."""
    form = SignInForm(username=name, password=PASSWORD)
    assert isinstance(sign_in(world.runtime, STAFF, form), LoggedIn)


def length(least: int, **more: object) -> dict[str, object]:
    """Return rules with this minimum length."""
    return {"length": {"min": least, "max": 256}, **more}


def in_strict(world: World, user: UserId) -> None:
    """Make a group and put somebody in."""
    with world.begin() as uow:
        create_group(uow, "strict")
        update_group(uow, "strict", add=[user])


@contextmanager
def watching(world: World, act: Callable[[str], None]) -> Iterator[None]:
    """Tell `act` of every statement that was run, in the thread that ran it."""

    def after(_c: object, _k: object, statement: str, *_: object) -> None:
        act(statement)

    sa.event.listen(world.runtime.database.engine, "after_cursor_execute", after)
    yield
    sa.event.remove(world.runtime.database.engine, "after_cursor_execute", after)


@pytest.fixture
def postgres_world(postgresql_url: str, clock: FakeClock) -> Iterator[World]:
    """Give a product over PostgreSQL, where two writers meet at rows."""
    with open_world(postgresql_url, clock) as opened:
        yield opened


class TestGroups:
    @pytest.mark.parametrize("way", ["leave", "remove"])
    def test_a_refusal_by_a_groups_rules_ends_with_the_membership(
        self, world: World, way: str
    ) -> None:
        ada = world.add_user("ada")  # 21 characters
        in_strict(world, ada)
        strict = {"strict": {"rules": length(30)}}
        mode = {"enforcement": "noncompliant"}
        world.publish_policy({**mode, "rules": length(12), "groups": strict})
        log_in(world, "ada")
        assert not passes(world, ada)

        with world.begin() as uow:
            if way == "leave":
                update_group(uow, "strict", remove=[ada])
        if way == "remove":
            world.publish_policy({**mode, "rules": length(12)})
            with world.begin() as uow:
                remove_group(uow, "strict")
        log_in(world, "ada")

        assert passes(world, ada)

    def test_a_group_that_began_a_grace_cannot_be_removed_while_it_may_run(
        self, world: World
    ) -> None:
        ada = world.add_user("ada")
        in_strict(world, ada)
        staged = {"enforcement": "everyone", "grace": "P7D"}
        strict = {"strict": {"rules": length(30)}}
        world.publish_policy({**staged, "rules": length(8), "groups": strict})
        world.advance(days=8)
        assert not passes(world, ada)
        world.publish_policy({**staged, "rules": length(30)})

        with world.begin() as uow, pytest.raises(Conflict) as refused:
            remove_group(uow, "strict")

        assert refused.value.code == "group.in_policy"
        assert not passes(world, ada)
        world.publish_policy({"enforcement": "everyone", "rules": length(30)})
        with world.begin() as uow:
            remove_group(uow, "strict")
        assert not passes(world, ada)

    def test_an_import_judges_a_member_by_its_groups(self, world: World) -> None:
        profile = Profile(username="ada", email="ada@example.com")
        ada = create_user(world.runtime, STAFF, NewUser(profile=profile), HOST)
        in_strict(world, ada.id)
        strict = {"strict": {"rules": length(30)}}
        world.publish_policy({"enforcement": "never", "rules": length(8), "groups": strict})

        row = SourceRow(2, {"username": "ada", "password": "short one 12"})
        nobody = Listener(rejected=lambda _: None, done=lambda _: None)
        summary = import_users(world.runtime, STAFF, [row], nobody, actor=HOST)

        assert (summary.rejected, summary.updated) == (1, 0)


class TestAList:
    RULES: ClassVar[Mapping[str, object]] = {
        "breached": {"source": "file", "on_failure": "refuse"}  # and no file is configured
    }

    @pytest.mark.parametrize("staging", [{"grace": "P7D"}, {"waves": {"groups": ["others"]}}])
    def test_that_is_down_stops_nobody_who_is_not_asked_yet(
        self, world: World, staging: Mapping[str, object]
    ) -> None:
        ada = world.add_user("ada")
        rules = length(8, **self.RULES)
        world.publish_policy({"enforcement": "noncompliant", **staging, "rules": rules})

        assert passes(world, ada)
        log_in(world, "ada")

        assert world.credential(ada).refused_under is None
        world.advance(days=15)
        with pytest.raises(Unavailable):
            log_in(world, "ada")


@dataclass(frozen=True, slots=True)
class NoBlank(Rule):
    """Somebody's rule about the act of changing."""

    name: ClassVar[str] = "no_blank"
    code: ClassVar[str] = "acme.blank"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("acme.rule.blank",)
    kind: ClassVar[Kind] = Kind.CHANGE

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        return (Finding(self.code),) if " " in candidate.password else ()


def test_a_change_rule_says_nothing_at_a_sign_in(world: World) -> None:
    world.runtime = replace(world.runtime, rules=(*RULES, NoBlank))
    ada = world.add_user("ada")
    rules = length(12, no_blank={})
    world.publish_policy({"enforcement": "noncompliant", "rules": rules})

    log_in(world, "ada")

    assert passes(world, ada)


def test_a_clock_that_was_ahead_once_does_not_stop_the_waves(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    waves = {"per_hour": 1}
    world.publish_policy({"enforcement": "everyone", "rules": length(30), "waves": waves})
    world.advance(days=10)  # a node whose clock is wrong, once
    assert not passes(world, ada)

    world.advance(days=-10, hours=1)

    assert not passes(world, bob)


class TestTwoAtOnce:
    def test_a_change_beside_an_administrator(self, postgres_world: World) -> None:
        world = postgres_world
        ada = world.add_user("ada")
        has_credential, has_user = threading.Event(), threading.Event()
        changing: list[int] = []

        def meet(statement: str) -> None:
            if threading.get_ident() in changing and statement.startswith("UPDATE credentials"):
                has_credential.set()
                has_user.wait(PATIENCE)

        def change() -> None:
            changing.append(threading.get_ident())
            form = ChangeForm(
                user_id=ada,
                session_id=None,
                current_password=PASSWORD,
                new_password="another horse and battery",
                forced=False,
            )
            assert isinstance(change_password(world.runtime, STAFF, form), PasswordChanged)

        def administrator() -> None:  # in the order of a bulk reset and of `require_change`
            has_credential.wait(PATIENCE)
            with world.begin() as uow:
                find_account_to_write(uow, ada)
                has_user.set()
                require_change(uow, ada)

        with watching(world, meet):
            at_once(change, administrator)

    def test_authorizing_beside_a_sign_in_of_the_same_browser(self, postgresql_url: str) -> None:
        with open_story(postgresql_url) as story:
            world = story.world
            ada, app = world.add_user("ada"), story.app()
            _, secret = world.begin_session(ada)
            browser = HttpClient(story.application, use_cookies=True)
            browser.set_cookie("__Host-idp-staff-session", secret)
            world.publish_policy({"enforcement": "observe", "rules": length(30)})
            world.advance(minutes=2)
            has_session, has_credential = threading.Event(), threading.Event()
            signing_in: list[int] = []

            def meet(statement: str) -> None:
                if threading.get_ident() in signing_in:
                    if statement.startswith("UPDATE credentials"):
                        has_credential.set()
                        has_session.wait(PATIENCE)
                elif statement.startswith("UPDATE sso_sessions"):
                    has_session.set()
                    has_credential.wait(PATIENCE)

            def sign_in_again() -> int:
                signing_in.append(threading.get_ident())
                form = SignInForm(username="ada", password=PASSWORD, session=secret)
                return 303 if isinstance(sign_in(world.runtime, STAFF, form), LoggedIn) else 0

            def authorize() -> int:
                return story.authorize(app, browser=browser).status

            with watching(world, meet):
                assert at_once(sign_in_again, authorize) == [303, 303]

    def test_jobs_about_one_date_mail_it_once(self, postgres_world: World) -> None:
        world = postgres_world
        world.add_user("ada")
        document = {"enforcement": "everyone", "grace": "P5D", "rules": length(30)}

        def publish(base: int) -> None:
            policy = read_policy(STAFF, document)
            with world.begin() as uow:
                new = NewVersion(policy=policy, document=document, origin="admin")
                append_version(uow, new, base=base)

        def notify(uow: UnitOfWork, version: int) -> None:
            rows = uow.db.scalars(sa.select(JobRow).where(JobRow.kind == NOTICES_JOB)).all()
            job = find_job(uow, next(row.id for row in rows if row.params["version"] == version))
            assert job is not None
            notify_batch(uow, job)

        def second() -> None:
            with world.begin() as uow:
                notify(uow, 3)

        publish(1)
        other = threading.Thread(target=second)
        with world.begin() as first:
            notify(first, 2)
            first.db.flush()
            publish(2)
            other.start()
            other.join(PATIENCE)  # it waits for the row that `first` wrote
        other.join()

        with world.begin(write=False) as uow:
            mails = sa.select(OutboxRow).where(OutboxRow.kind == "policy_notice")
            assert len(list(uow.db.scalars(mails))) == 1
