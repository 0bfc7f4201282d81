"""A forgotten password, from the page that asks for an address to the one that takes a new one.

Catalogue R-04, R-06, R-07, R-12, R-16, R-17.
"""

import json
import threading
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from idp.core.epochs import lock_account
from idp.core.login import LoggedIn, LoginOutcome, SignInForm, sign_in
from idp.core.notices import NewPasswordRefused
from idp.core.profiles import Profile
from idp.core.recovery import (
    LinkInvalid,
    Recovered,
    RecoveryOutcome,
    complete_recovery,
    request_recovery,
)
from idp.core.recovery_codes import CodeRefused, redeem_recovery_code
from idp.core.recovery_mails import make_recovery_mail
from idp.core.recovery_requests import find_recovery, issue_recovery_link, kill_recovery
from idp.core.reset_links import MailToSend, NotNeeded
from idp.core.sessions import find_signed_in
from idp.core.users import update_user
from idp.core.work import NO_TRACE, Trace
from idp.errors import InvalidInput
from idp.ids import RawToken, RealmName
from idp.jobs.runner import Runner
from idp.store.jobs import OutboxRow
from idp.store.recovery import RecoveryRequestRow
from idp.store.throttle import ThrottleRow
from idp.store.users import UserRow
from tests.support.world import PASSWORD, PORTAL, STAFF, World, trace_from

NEW = "a different long sentence"
BROWSER = RawToken("browser of ada")


def order(
    world: World,
    email: str = "ada@example.com",
    *,
    browser: RawToken = BROWSER,
    trace: Trace = NO_TRACE,
    realm: RealmName = STAFF,
) -> None:
    """Ask for a mail that has not gone out yet."""
    request_recovery(world.runtime, realm, email, browser, trace)


def ask(
    world: World,
    email: str = "ada@example.com",
    *,
    browser: RawToken = BROWSER,
    trace: Trace = NO_TRACE,
    realm: RealmName = STAFF,
) -> None:
    """Ask for a mail, and have it go out at once."""
    order(world, email, browser=browser, trace=trace, realm=realm)
    world.outbox(realm=realm)


def accounts_in_mail(world: World, number: int = -1) -> list[dict[str, str]]:
    accounts: list[dict[str, str]] = world.outbox()[number]["context"]["accounts"]
    return accounts


def link_in_mail(world: World, number: int = -1) -> RawToken:
    return RawToken(accounts_in_mail(world, number)[0]["link"].rpartition("/")[2])


def code_in_mail(world: World, number: int = -1) -> str:
    return accounts_in_mail(world, number)[0]["code"]


def finish(world: World, link: RawToken, new: str = NEW) -> RecoveryOutcome:
    return complete_recovery(world.runtime, STAFF, link, new)


def type_code(world: World, code: str, browser: RawToken = BROWSER) -> RawToken | CodeRefused:
    return redeem_recovery_code(world.runtime, STAFF, code, browser)


def statements_of(world: World, act: Callable[[], object]) -> list[str]:
    """Return what an act asks of the database."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(world.runtime.database.engine, "before_cursor_execute", note)
    act()
    sa.event.remove(world.runtime.database.engine, "before_cursor_execute", note)
    return statements


def enter(world: World, password: str) -> LoginOutcome:
    return sign_in(world.runtime, STAFF, SignInForm(username="ada", password=password))


def is_good(world: World, link: RawToken, realm: RealmName = STAFF) -> bool:
    with world.begin(realm, write=False) as uow:
        return find_recovery(uow, link) is not None


class TestAsking:
    def test_the_owner_gets_a_link_and_a_code(self, world: World) -> None:
        world.add_user("ada", user={"given_name": "Ada"})

        ask(world, " ADA@example.com ", trace=trace_from("192.0.2.1"))

        (mail,) = world.outbox()
        (account,) = mail["context"]["accounts"]
        assert (mail["to"], mail["template"]) == ("ada@example.com", "recovery")
        assert mail["context"]["minutes"] == 30
        assert account["username"] == "ada"
        assert account["link"].startswith("http://localhost:8080/realms/staff/reset-password/")
        assert len(link_in_mail(world)) == 43
        assert len(account["code"].replace("-", "")) == 8
        (event,) = world.events()
        assert (event.code, event.address) == ("password.reset_requested", "192.0.2.1")

    def test_asking_changes_nothing_for_the_account(self, world: World) -> None:
        ada = world.add_user("ada")
        before = world.user(ada).epoch, world.user(ada).credential_generation

        ask(world)

        assert (world.user(ada).epoch, world.user(ada).credential_generation) == before
        assert isinstance(enter(world, PASSWORD), LoggedIn)

    @pytest.mark.parametrize(
        "typed", ["ghost@example.com", "", "a\0b@example.com", "\ud800", "x" * 10_000, "ada"]
    )
    def test_nobody_gets_nothing(self, world: World, typed: str) -> None:
        world.add_user("ada")

        ask(world, typed)

        assert world.outbox() == []
        assert world.event_codes() == ["password.reset_requested"]
        assert typed[:5] == "" or typed not in str(world.events()[0].params)

    @pytest.mark.parametrize("case", ["inactive", "locked"])
    def test_closed_accounts_get_nothing(self, world: World, case: str) -> None:
        closed = {"status": "inactive"} if case == "inactive" else {}
        ada = world.add_user("ada", user=closed)
        if case == "locked":
            world.change_user(ada, locked_at=world.clock.now())

        ask(world)

        assert world.outbox() == []

    def test_one_mail_names_every_account_of_the_address(self, world: World) -> None:
        office = {"email": "office@example.com", "email_key": "office@example.com"}
        for name in ("bob", "ada", "cy"):
            world.add_user(name, user=office)

        ask(world, "office@example.com")

        accounts = accounts_in_mail(world)
        assert len(world.outbox()) == 1
        assert [account["username"] for account in accounts] == ["ada", "bob", "cy"]
        assert len({account["link"] for account in accounts}) == 3
        assert len({account["code"] for account in accounts}) == 3

    @pytest.mark.parametrize("typed", ["Ada@Strasse.example", "ada@straße.example"])
    def test_addresses_that_only_look_up_alike_share_no_mail(
        self, world: World, typed: str
    ) -> None:
        key = "ada@strasse.example"
        world.add_user("ada", user={"email": "Ada@strasse.example", "email_key": key})
        world.add_user("Mallory", user={"email": "ada@straße.example", "email_key": key})
        owner = "ada" if "ss" in typed else "Mallory"

        ask(world, typed)

        (mail,) = world.outbox()
        assert mail["to"].lower() == typed.lower()
        assert [account["username"] for account in accounts_in_mail(world)] == [owner]

    @pytest.mark.parametrize("typed", ["ada@Stra\u017fse.example", "\uff41da@strasse.example"])
    def test_a_spelling_that_could_mean_either_gets_nothing(self, world: World, typed: str) -> None:
        key = "ada@strasse.example"
        world.add_user("ada", user={"email": key, "email_key": key})
        world.add_user("mallory", user={"email": "ada@straße.example", "email_key": key})

        ask(world, typed)

        assert world.outbox() == []

    def test_a_link_is_dead_once_the_address_means_another_mailbox(self, world: World) -> None:
        email = {"email": "ada@strasse.example", "email_key": "ada@strasse.example"}
        ada = world.add_user("ada", user=email)
        ask(world, "ada@strasse.example")
        [account] = accounts_in_mail(world)
        link = RawToken(account["link"].rpartition("/")[2])
        assert is_good(world, link)

        with world.begin() as uow:
            update_user(uow, ada, Profile(email="ada@straße.example"))

        assert not is_good(world, link)

    def test_any_spelling_of_the_only_address_will_do(self, world: World) -> None:
        world.add_user("ada")

        ask(world, "\uff21DA@example.com")

        assert [mail["to"] for mail in world.outbox()] == ["ada@example.com"]

    def test_the_other_realm_knows_nothing_of_it(self, world: World) -> None:
        world.add_user("pat", realm=PORTAL)

        ask(world, "pat@example.com")
        assert world.outbox() == []

        ask(world, "pat@example.com", realm=PORTAL)
        link = world.outbox(realm=PORTAL)[0]["context"]["accounts"][0]["link"]
        token = RawToken(link.rpartition("/")[2])
        assert "/realms/portal/" in link
        assert is_good(world, token, PORTAL)
        assert not is_good(world, token)

    def test_nothing_that_opens_the_account_is_stored_in_clear(self, world: World) -> None:
        world.add_user("ada")

        ask(world)

        with world.begin(write=False) as uow:
            connection = uow.db.connection()
            stored = str(
                [
                    connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608 - ours
                    for table in ("recovery_requests", "outbox", "audit_events", "throttle")
                ]
            )
        assert link_in_mail(world) not in stored
        assert code_in_mail(world) not in stored
        assert code_in_mail(world).replace("-", "") not in stored

    def test_asking_takes_the_same_statements_for_anybody(self, world: World) -> None:
        world.add_user("ada")
        known, unknown = (
            statements_of(world, partial(order, world, f"{name}@example.com"))
            for name in ("ada", "ghost")
        )

        assert known == unknown
        assert not any("users" in statement for statement in known)


class TestWhenTheMailGoesOut:
    def deliver(self, world: World) -> None:
        Runner(world.runtime).run_once()

    def test_a_worker_sends_it(self, world: World) -> None:
        world.add_user("ada")
        order(world)
        order(world, "ghost@example.com")

        self.deliver(world)

        (mail,) = world.mail.messages
        assert mail["To"] == "ada@example.com"
        assert "/realms/staff/reset-password/" in mail.get_content()

    def test_a_mail_that_is_sent_again_has_the_same_link_and_code(self, world: World) -> None:
        ada = world.add_user("ada")
        order(world)
        first = self.make(world)
        world.advance(minutes=20)

        again = self.make(world)

        assert again == first
        assert isinstance(again, MailToSend)
        link = RawToken(again.context["accounts"][0]["link"].rpartition("/")[2])
        world.advance(minutes=20)
        assert finish(world, link) == Recovered(ada)
        assert world.event_codes().count("password.reset_requested") == 1

    def test_a_password_that_was_set_meanwhile_ends_it(self, world: World) -> None:
        ada = world.add_user("ada")
        order(world)
        world.advance(minutes=1)
        world.change_credential(ada, set_at=world.clock.now())

        assert isinstance(self.make(world), NotNeeded)

    def make(self, world: World) -> MailToSend | NotNeeded:
        with world.begin() as uow:
            (row,) = uow.db.scalars(sa.select(OutboxRow))
            order = json.loads(world.runtime.box.decrypt(row.payload, purpose="outbox"))
            return make_recovery_mail(uow, row.id, order)


class TestLimits:
    def test_three_mails_an_hour_to_one_address(self, world: World) -> None:
        world.add_user("ada")

        for n in range(20):
            ask(world, trace=trace_from(f"192.0.2.{n}"))

        assert len(world.outbox()) == 3
        codes = world.event_codes()
        assert codes.count("password.reset_requested") == 3
        assert codes.count("password.reset_suppressed") == 17
        world.advance(hours=1)
        ask(world)
        assert len(world.outbox()) == 4

    def test_twenty_requests_an_hour_from_one_place(self, world: World) -> None:
        world.add_user("ada")
        here = trace_from("2001:db8::1")
        for n in range(20):
            ask(world, f"ghost{n}@example.com", trace=here)

        ask(world, trace=trace_from("2001:db8::2"))
        assert world.outbox() == []
        ask(world, trace=trace_from("2001:db8:1::1"))
        assert len(world.outbox()) == 1

    def test_three_requests_stay_open(self, world: World) -> None:
        world.add_user("ada")
        links = []
        for _ in range(4):
            ask(world)
            links.append(link_in_mail(world))
            world.advance(minutes=1)
            with world.begin() as uow:
                uow.db.execute(sa.delete(ThrottleRow))

        assert [is_good(world, link) for link in links] == [False, True, True, True]


class TestTheLink:
    def test_it_sets_a_password_and_signs_nobody_in(self, world: World) -> None:
        ada = world.add_user("ada")
        _, cookie = world.begin_session(ada)
        ask(world)

        assert finish(world, link_in_mail(world)) == Recovered(ada)

        assert isinstance(enter(world, NEW), LoggedIn)
        assert not isinstance(enter(world, PASSWORD), LoggedIn)
        with world.begin(write=False) as uow:
            assert find_signed_in(uow, cookie) is None
        assert world.credential(ada).set_by == "recovery"
        notice = world.outbox()[-1]
        assert (notice["template"], notice["context"]["how"]) == ("password_changed", "recovery")
        assert "password.reset_completed" in world.event_codes()

    def test_looking_at_it_spends_nothing(self, world: World) -> None:
        ada = world.add_user("ada")
        ask(world)
        link = link_in_mail(world)

        assert [is_good(world, link) for _ in range(3)] == [True] * 3

        assert finish(world, link) == Recovered(ada)

    def test_it_works_once(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        link = link_in_mail(world)
        finish(world, link)

        assert finish(world, link, "once more, with feeling") == LinkInvalid()
        assert isinstance(enter(world, NEW), LoggedIn)

    def test_finishing_one_ends_the_others(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        ask(world)
        first, second = link_in_mail(world, 0), link_in_mail(world, 1)

        finish(world, first)

        assert finish(world, second) == LinkInvalid()

    def test_it_lives_for_half_an_hour_to_the_second(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        link = link_in_mail(world)

        world.advance(minutes=30, seconds=-2)
        assert is_good(world, link)
        world.advance(seconds=4)
        assert finish(world, link) == LinkInvalid()

    @pytest.mark.parametrize("end", ["generation", "inactive", "locked", "killed"])
    def test_whatever_else_happens_to_the_account_ends_it(self, world: World, end: str) -> None:
        ada = world.add_user("ada")
        ask(world)
        with world.begin() as uow:
            match end:
                case "generation":
                    row = uow.db.get_one(UserRow, (uow.realm, ada))
                    row.credential_generation += 1
                case "inactive":
                    uow.db.get_one(UserRow, (uow.realm, ada)).status = "inactive"
                case "locked":
                    lock_account(uow, ada)
                case _:
                    kill_recovery(uow, ada)

        assert finish(world, link_in_mail(world)) == LinkInvalid()

    @pytest.mark.parametrize("link", ["", "x", "x" * 43, "\ud800", "a\0b"])
    def test_made_up_links_are_nothing(self, world: World, link: str) -> None:
        world.add_user("ada")

        assert finish(world, RawToken(link)) == LinkInvalid()

    def test_a_refused_password_does_not_spend_it(self, world: World) -> None:
        ada = world.add_user("ada")
        ask(world)
        link = link_in_mail(world)

        outcome = finish(world, link, "short")

        assert isinstance(outcome, NewPasswordRefused)
        assert [finding.code for finding in outcome.findings] == ["password.too_short"]
        assert finish(world, link) == Recovered(ada)

    def test_a_huge_password_is_not_looked_at(self, world: World) -> None:
        with pytest.raises(InvalidInput):
            finish(world, RawToken("x"), "x" * 4097)

    def test_who_must_change_cannot_take_the_same_one(self, world: World) -> None:
        world.publish_policy({"enforcement": "never", "rules": {"length": {"min": 4}}})
        world.add_user("ada", credential={"must_change": True})
        ask(world)

        assert isinstance(finish(world, link_in_mail(world), PASSWORD), NewPasswordRefused)

    def test_it_is_the_way_out_of_an_expired_temporary_password(self, world: World) -> None:
        ada = world.add_user("ada", credential={"temporary_until": world.clock.now()})
        world.advance(days=1)
        ask(world)

        assert finish(world, link_in_mail(world)) == Recovered(ada)
        assert isinstance(enter(world, NEW), LoggedIn)

    def test_it_lifts_throttling_and_the_last_stop(self, world: World) -> None:
        ada = world.add_user("ada", credential={"failures": 99})
        for _ in range(12):
            enter(world, "wrong")
        assert world.credential(ada).blocked_at is not None
        ask(world)

        assert finish(world, link_in_mail(world)) == Recovered(ada)
        assert isinstance(enter(world, NEW), LoggedIn)

    def test_who_leaves_a_shared_password_behind_gets_a_link_that_locks(self, world: World) -> None:
        world.add_user("ada", credential={"campaign_id": "c", "set_by": "bulk"})
        ask(world)
        finish(world, link_in_mail(world))

        assert world.outbox()[-1]["template"] == "shared_secret_changed"

    def test_an_account_without_a_password_gets_its_first_one(self, world: World) -> None:
        ada = world.add_user("ada", None)
        ask(world)

        assert finish(world, link_in_mail(world)) == Recovered(ada)
        assert isinstance(enter(world, NEW), LoggedIn)

    def test_of_two_who_finish_at_once_one_wins(self, world: World) -> None:
        ada = world.add_user("ada")
        ask(world)
        link = link_in_mail(world)
        outcomes: list[RecoveryOutcome] = []
        barrier = threading.Barrier(4)

        def go(n: int) -> None:
            barrier.wait()
            outcomes.append(finish(world, link, f"{NEW} {n}"))

        threads = [threading.Thread(target=go, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert outcomes.count(Recovered(ada)) == 1
        assert outcomes.count(LinkInvalid()) == 3
        assert world.user(ada).credential_generation == 2

    def test_an_administrators_link_lives_a_day(self, world: World) -> None:
        ada = world.add_user("ada")
        with world.begin() as uow:
            link = issue_recovery_link(uow, ada, generation=1, campaign_id="c")

        world.advance(hours=24, seconds=-1)
        assert is_good(world, link)
        world.advance(seconds=1)
        assert not is_good(world, link)


class TestTheCode:
    def test_it_stands_for_the_link(self, world: World) -> None:
        ada = world.add_user("ada")
        ask(world)

        link = type_code(world, code_in_mail(world))

        assert isinstance(link, str)
        assert finish(world, link) == Recovered(ada)

    @pytest.mark.parametrize("hyphen", ["-", " ", "", " - "])
    def test_people_may_type_it_as_they_like(self, world: World, hyphen: str) -> None:
        world.add_user("ada")
        ask(world)
        typed = code_in_mail(world).lower().replace("-", hyphen)

        assert isinstance(type_code(world, f"  {typed} "), str)

    def test_look_alikes_are_read_as_what_was_meant(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        code = code_in_mail(world).replace("0", "O").replace("1", "l")

        assert isinstance(type_code(world, code), str)

    def test_it_works_once(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        code = code_in_mail(world)
        type_code(world, code)

        assert type_code(world, code) == CodeRefused()
        assert is_good(world, link_in_mail(world))

    def test_it_works_only_where_it_was_asked_for(self, world: World) -> None:
        world.add_user("ada")
        ask(world)

        assert type_code(world, code_in_mail(world), RawToken("other")) == CodeRefused()
        assert isinstance(type_code(world, code_in_mail(world)), str)

    def test_five_wrong_ones_burn_it_and_leave_the_link_alive(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        for _ in range(5):
            assert type_code(world, "00000000") == CodeRefused()

        assert type_code(world, code_in_mail(world)) == CodeRefused()
        assert is_good(world, link_in_mail(world))
        ask(world)
        assert isinstance(type_code(world, code_in_mail(world)), str)

    def test_ten_wrong_ones_a_day_are_enough_for_one_account(self, world: World) -> None:
        world.add_user("ada")
        for _ in range(2):
            ask(world)
            for _ in range(5):
                type_code(world, "00000000")
        ask(world)

        assert type_code(world, code_in_mail(world)) == CodeRefused()
        world.advance(days=1)
        ask(world)
        assert isinstance(type_code(world, code_in_mail(world)), str)

    @pytest.mark.parametrize("typed", ["", "ABC", "x" * 5000, "\ud800" * 8, "!!!!!!!!", "\0" * 8])
    def test_what_is_no_code_costs_no_try(self, world: World, typed: str) -> None:
        world.add_user("ada")
        ask(world)
        for _ in range(6):
            assert type_code(world, typed) == CodeRefused()

        assert isinstance(type_code(world, code_in_mail(world)), str)

    def test_it_dies_with_the_link(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        world.advance(minutes=31)

        assert type_code(world, code_in_mail(world)) == CodeRefused()

    def test_what_it_gave_dies_with_the_link(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        world.advance(minutes=29)
        link = type_code(world, code_in_mail(world))
        assert isinstance(link, str)
        world.advance(minutes=2)

        assert finish(world, link) == LinkInvalid()

    def test_who_asked_for_nobody_hears_the_same(self, world: World) -> None:
        ask(world, "ghost@example.com")

        assert [type_code(world, "00000000") for _ in range(12)] == [CodeRefused()] * 12

    def test_and_it_takes_the_same_statements(self, world: World) -> None:
        world.add_user("ada")
        browsers = {name: RawToken(f"browser of {name}") for name in ("ada", "ghost")}
        for name, browser in browsers.items():
            ask(world, f"{name}@example.com", browser=browser)

        known, unknown = (
            statements_of(world, partial(type_code, world, "00000000", browser))
            for browser in browsers.values()
        )

        assert known == unknown

    def test_parallel_tries_are_all_counted(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        barrier = threading.Barrier(4)

        def go() -> None:
            barrier.wait()
            type_code(world, "00000000")

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with world.begin(write=False) as uow:
            assert [row.code_tries for row in uow.db.query(RecoveryRequestRow)] == [4]

    def test_of_many_who_type_it_at_once_one_gets_a_link(self, world: World) -> None:
        world.add_user("ada")
        ask(world)
        code = code_in_mail(world)
        outcomes: list[RawToken | CodeRefused] = []
        barrier = threading.Barrier(4)

        def go() -> None:
            barrier.wait()
            outcomes.append(type_code(world, code))

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert outcomes.count(CodeRefused()) == 3
