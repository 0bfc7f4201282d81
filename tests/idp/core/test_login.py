"""Signing in: who gets in, and that everybody else hears the same."""

import argon2
import pytest
import sqlalchemy as sa

from idp.adapters.hashing import PasswordHasher
from idp.clock import FakeClock
from idp.core.guesses import TemporaryPasswordOver
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.sessions import find_signed_in
from idp.errors import InvalidInput, Unavailable
from idp.ids import RawToken, UserId
from idp.store.users import KnownDeviceRow
from tests.support.world import PASSWORD, PORTAL, STAFF, World


def attempt(
    world: World,
    username: str,
    password: str = PASSWORD,
    *,
    device: RawToken | None = None,
    session: RawToken | None = None,
) -> LoginOutcome:
    form = SignInForm(username=username, password=password, device=device, session=session)
    return sign_in(world.runtime, STAFF, form)


def log_in(
    world: World,
    username: str,
    password: str = PASSWORD,
    *,
    device: RawToken | None = None,
    session: RawToken | None = None,
) -> LoggedIn:
    outcome = attempt(world, username, password, device=device, session=session)
    assert isinstance(outcome, LoggedIn)
    return outcome


def who(world: World, secret: RawToken) -> UserId | None:
    with world.begin(write=False) as uow:
        found = find_signed_in(uow, secret)
        return found.account.user_id if found else None


class TestWhoGetsIn:
    def test_the_right_password_opens_a_session(self, world: World) -> None:
        ada = world.add_user("Ada")

        outcome = log_in(world, "ada")

        assert outcome.user_id == ada
        assert who(world, outcome.session_secret) == ada
        assert world.event_codes() == ["user.signed_in"]
        assert world.user(ada).last_sign_in_at == world.clock.now()
        assert world.credential(ada).used_at == world.clock.now()

    @pytest.mark.parametrize("typed", ["ADA", " ada ", "ada@example.com", "Ada@Example.com"])
    def test_any_spelling_of_the_name_or_the_address_will_do(
        self, world: World, typed: str
    ) -> None:
        ada = world.add_user("ada")

        assert log_in(world, typed).user_id == ada

    def test_an_address_of_two_accounts_names_neither(self, world: World) -> None:
        shared = {"email": "office@example.com", "email_key": "office@example.com"}
        world.add_user("ada", user=shared)
        world.add_user("bob", user=shared)

        assert attempt(world, "office@example.com") == LoginRefused()

    def test_a_login_name_comes_before_an_address(self, world: World) -> None:
        bob = world.add_user("ada@example.com", user={"email": None, "email_key": None})
        world.add_user("ada", "another password")

        assert log_in(world, "ada@example.com").user_id == bob

    def test_unicode_forms_of_one_password_are_the_same(self, world: World) -> None:
        world.add_user("ada", "caf\u00e9 caf\u00e9 caf\u00e9")

        log_in(world, "ada", "cafe\u0301 cafe\u0301 cafe\u0301")

    @pytest.mark.parametrize(
        "other", [" correct horse battery", "correct horse battery ", "correct  horse battery"]
    )
    def test_blanks_count(self, world: World, other: str) -> None:
        world.add_user("ada")

        assert attempt(world, "ada", other) == LoginRefused()

    def test_nothing_is_cut_off(self, world: World) -> None:
        for length in (72, 128, 255):
            world.add_user(f"user{length}", "x" * length + "right")

            assert attempt(world, f"user{length}", "x" * length + "wrong") == LoginRefused()
            log_in(world, f"user{length}", "x" * length + "right")

    def test_the_same_name_in_the_other_realm_is_somebody_else(self, world: World) -> None:
        world.add_user("pat", realm=PORTAL)

        assert attempt(world, "pat") == LoginRefused()


class TestWhoDoesNot:
    @pytest.mark.parametrize(
        ("user", "credential"),
        [
            ({"status": "inactive"}, {}),
            ({"locked_at": FakeClock().now()}, {}),
            ({}, {"hash": "!"}),
            ({}, {"hash": "{SSHA}not a hash"}),
            ({}, {"blocked_at": FakeClock().now()}),
        ],
        ids=["inactive", "locked", "unusable", "damaged", "blocked"],
    )
    def test_the_right_password_of_a_closed_account_is_refused_like_a_wrong_one(
        self, world: World, user: dict[str, object], credential: dict[str, object]
    ) -> None:
        world.add_user("ada", user=user, credential=credential)

        assert attempt(world, "ada") == attempt(world, "ada", "wrong") == LoginRefused()
        assert world.event_codes() == ["user.sign_in_refused"] * 2

    def test_whom_nobody_knows_is_refused_like_that_too(self, world: World) -> None:
        world.add_user("ada", None)

        assert attempt(world, "ada") == attempt(world, "ghost") == LoginRefused()
        assert world.event_codes() == ["user.sign_in_refused"] * 2

    def test_every_refusal_costs_one_verification_and_the_same_statements(
        self, world: World
    ) -> None:
        world.add_user("ada")
        world.add_user("bob", user={"status": "inactive"})
        world.add_user("cy", None)
        for name in ("ada", "bob", "cy", "ghost"):
            attempt(world, name, "wrong")

        costs = {name: _cost(world, name) for name in ("ada", "bob", "cy", "ghost", "x" * 999)}

        assert len(set(costs.values())) == 1, costs

    @pytest.mark.parametrize("typed", ["", "a\0da", "\ud800", "x" * 5000, "ada'--"])
    def test_odd_names_are_nobodys(self, world: World, typed: str) -> None:
        world.add_user("ada")

        assert attempt(world, typed) == LoginRefused()

    @pytest.mark.parametrize("typed", ["", "a\0b", "\ud800"])
    def test_odd_passwords_are_wrong(self, world: World, typed: str) -> None:
        world.add_user("ada")

        assert attempt(world, "ada", typed) == LoginRefused()

    @pytest.mark.parametrize("name", ["ada", "ghost"])
    @pytest.mark.parametrize("typed", ["x" * 4097, "\u00e9" * 2049, "x" * 1_000_000])
    def test_huge_passwords_are_not_looked_at(self, world: World, name: str, typed: str) -> None:
        world.add_user("ada")

        with pytest.raises(InvalidInput) as refused:
            attempt(world, name, typed)

        assert refused.value.code == "password.too_large"
        assert world.event_codes() == []

    def test_the_name_of_nobody_is_not_written_down(self, world: World) -> None:
        attempt(world, "hunter2-my-password")

        (event,) = world.events()
        assert event.subject_id is None
        assert "hunter2" not in str(event.params)
        assert event.params["reason"] == "unknown_user"


def _cost(world: World, username: str) -> tuple[int, int]:
    """Return how many statements and turns at the hasher one refused sign-in takes."""
    statements: list[str] = []
    turns: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    class Counting(PasswordHasher):
        def verify(self, stored: str, password: str) -> bool:
            turns.append("verify")
            return super().verify(stored, password)

        def verify_nothing(self, password: str) -> None:
            turns.append("nothing")
            super().verify_nothing(password)

        def hash(self, password: str) -> str:
            turns.append("hash")
            return super().hash(password)

    hasher, world.runtime.hasher = world.runtime.hasher, Counting(memory_kib=8, time_cost=1)
    sa.event.listen(world.runtime.database.engine, "before_cursor_execute", note)
    attempt(world, username, "wrong again")
    sa.event.remove(world.runtime.database.engine, "before_cursor_execute", note)
    world.runtime.hasher = hasher
    return len(statements), len(turns)


class TestSessions:
    def test_signing_in_again_gives_a_new_secret_and_keeps_the_sid(self, world: World) -> None:
        world.add_user("ada")
        first = log_in(world, "ada")
        world.advance(hours=1)

        again = log_in(world, "ada", session=first.session_secret)

        assert again.session_id == first.session_id
        assert again.session_secret != first.session_secret
        assert who(world, first.session_secret) is None
        with world.begin(write=False) as uow:
            found = find_signed_in(uow, again.session_secret)
        assert found is not None
        assert found.session.auth_time == world.clock.now()

    def test_a_session_of_somebody_else_is_ended_first(self, world: World) -> None:
        world.add_user("ada")
        bob = world.add_user("bob")
        first = log_in(world, "ada")

        second = log_in(world, "bob", session=first.session_secret)

        assert who(world, first.session_secret) is None
        assert who(world, second.session_secret) == bob
        assert second.session_id != first.session_id

    def test_a_planted_cookie_opens_nothing(self, world: World) -> None:
        world.add_user("ada")
        planted = RawToken("p" * 43)

        outcome = log_in(world, "ada", session=planted, device=planted)

        assert planted not in (outcome.session_secret, outcome.device_secret)
        assert who(world, planted) is None


class TestDevices:
    def test_a_device_gets_a_new_secret_at_each_sign_in(self, world: World) -> None:
        world.add_user("ada")
        first = log_in(world, "ada")

        second = log_in(world, "ada", device=first.device_secret)

        assert second.device_secret != first.device_secret
        assert world.count(KnownDeviceRow) == 1

    def test_two_who_share_a_device_are_both_known_there(self, world: World) -> None:
        world.add_user("ada")
        world.add_user("bob")

        log_in(world, "bob", device=log_in(world, "ada").device_secret)

        assert world.count(KnownDeviceRow) == 2

    def test_only_the_newest_devices_are_kept(self, world: World) -> None:
        world.add_user("ada")

        for _ in range(23):
            log_in(world, "ada")

        assert world.count(KnownDeviceRow) == 20


class TestTemporaryPasswords:
    def test_it_works_until_its_time_is_over(self, world: World) -> None:
        until = world.clock.now().replace(hour=12)
        world.add_user("ada", credential={"temporary_until": until, "must_change": True})
        world.clock.advance(until - world.clock.now())

        log_in(world, "ada")

    def test_afterwards_only_who_knows_it_is_told(self, world: World) -> None:
        until = world.clock.now()
        world.add_user("ada", credential={"temporary_until": until, "must_change": True})
        world.advance(seconds=1)

        assert attempt(world, "ada", "wrong") == LoginRefused()
        assert attempt(world, "ada") == TemporaryPasswordOver()
        assert world.event_codes() == ["user.sign_in_refused"] * 2


class TestStanding:
    def test_a_marked_password_that_passes_is_accepted_silently(self, world: World) -> None:
        ada = world.add_user("ada")
        world.publish_policy({"enforcement": "noncompliant", "rules": {"length": {"min": 10}}})

        log_in(world, "ada")

        assert world.credential(ada).judged_under == 2
        assert "password.accepted" in world.event_codes()

    def test_a_marked_password_that_fails_is_remembered_as_refused(self, world: World) -> None:
        ada = world.add_user("ada")
        world.publish_policy({"enforcement": "noncompliant", "rules": {"length": {"min": 40}}})

        log_in(world, "ada")
        log_in(world, "ada")

        credential = world.credential(ada)
        assert (credential.judged_under, credential.refused_under) == (1, 2)
        assert world.event_codes().count("password.refused") == 1

    def test_where_everybody_must_change_a_passing_password_stays_marked(
        self, world: World
    ) -> None:
        ada = world.add_user("ada")
        world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 10}}})

        log_in(world, "ada")

        assert world.credential(ada).judged_under == 1

    @pytest.mark.parametrize(
        ("enforcement", "stamp"), [("everyone", 2), ("noncompliant", 2), ("never", 0)]
    )
    def test_an_imported_hash_is_judged_at_its_first_sign_in(
        self, world: World, enforcement: str, stamp: int
    ) -> None:
        ada = world.add_user("ada", credential={"judged_under": 0, "set_by": "import"})
        world.publish_policy({"enforcement": enforcement, "rules": {"length": {"min": 10}}})

        log_in(world, "ada")

        assert world.credential(ada).judged_under == stamp

    def test_a_name_as_password_is_seen_at_the_sign_in(self, world: World) -> None:
        ada = world.add_user("ada", "ada@example.com")
        world.publish_policy(
            {
                "enforcement": "noncompliant",
                "rules": {"length": {"min": 8}, "not_personal": {}, "blocklist": {"common": True}},
            }
        )

        log_in(world, "ada", "ada@example.com")

        assert world.credential(ada).refused_under == 2

    def test_an_old_hash_becomes_a_new_one_and_nothing_else(self, world: World) -> None:
        old = argon2.PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
        ada = world.add_user("ada", credential={"hash": old})

        log_in(world, "ada")

        row, credential = world.user(ada), world.credential(ada)
        assert not world.runtime.hasher.needs_rehash(credential.hash)
        assert (row.epoch, row.credential_generation, credential.judged_under) == (1, 1, 1)
        assert "password.rehashed" in world.event_codes()
        log_in(world, "ada")

    def test_who_keeps_a_shared_password_gets_an_own_salt_once(self, world: World) -> None:
        ada = world.add_user("ada", credential={"set_by": "bulk", "campaign_id": "campaign"})
        shared = world.credential(ada).hash

        log_in(world, "ada")
        own = world.credential(ada)
        log_in(world, "ada")

        assert own.hash not in (shared, None)
        assert world.credential(ada).hash == own.hash
        assert own.campaign_id == "campaign"


def test_who_cannot_be_looked_up_waits_until_the_list_answers(world: World) -> None:
    ada = world.add_user("ada")
    rules = {"breached": {"source": "file", "on_failure": "refuse"}}  # and no file is configured
    number = world.publish_policy({"enforcement": "noncompliant", "rules": rules})
    fresh = world.add_user("ben")

    with pytest.raises(Unavailable) as refused:
        attempt(world, "ada", PASSWORD)

    assert refused.value.code == "policy.not_checked"
    stored = world.credential(ada)
    assert (stored.judged_under, stored.refused_under, stored.used_at) == (1, None, None)
    assert isinstance(attempt(world, "ada", "a wrong one"), LoginRefused)
    assert isinstance(attempt(world, "ben", PASSWORD), LoggedIn)
    assert world.credential(fresh).judged_under == number


def test_a_policy_that_only_watches_stops_nobody_when_the_list_is_down(world: World) -> None:
    ada = world.add_user("ada")
    rules = {"breached": {"source": "file", "on_failure": "refuse"}}
    world.publish_policy({"enforcement": "observe", "rules": rules})

    assert isinstance(attempt(world, "ada", PASSWORD), LoggedIn)
    assert world.credential(ada).refused_under is None
