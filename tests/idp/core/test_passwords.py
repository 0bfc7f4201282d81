"""The one way in which a password becomes somebody's; its owner is told (catalogue R-17)."""

import threading
from datetime import timedelta

import pytest

from idp.core.judging import Person
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.passwords import (
    MAX_PASSWORD_BYTES,
    PasswordSet,
    SetBy,
    Setting,
    normalise_password,
    prepare_hash,
    prepare_password,
    set_password,
    store_prepared,
)
from idp.core.recovery_requests import find_recovery, issue_recovery_link
from idp.core.sessions import find_signed_in
from idp.core.work import HOST, Actor
from idp.errors import Conflict, InvalidInput, NotFound, PasswordRejected
from idp.ids import UserId
from idp.store.users import PasswordHistoryRow
from tests.support.world import PASSWORD, PORTAL, STAFF, World

NEW = "a different long sentence"
ADMIN = Setting(source=SetBy.ADMIN, must_change=True)


def put(
    world: World,
    user_id: UserId,
    new: str = NEW,
    setting: Setting = ADMIN,
    *,
    generation: int | None = None,
) -> PasswordSet:
    return set_password(
        world.runtime,
        STAFF,
        user_id,
        new,
        setting,
        actor=Actor("user", "root"),
        expected_generation=generation,
    )


def signs_in(world: World, username: str, password: str) -> bool:
    form = SignInForm(username=username, password=password)
    return isinstance(sign_in(world.runtime, STAFF, form), LoggedIn)


class TestTheFormOfAPassword:
    def test_composed_and_decomposed_are_one(self) -> None:
        assert normalise_password("cafe\u0301") == normalise_password("caf\u00e9") == "caf\u00e9"

    @pytest.mark.parametrize("raw", ["  a  b  ", "\u00a0", "\ufb01", "A", "\t", "\U0001f600"])
    def test_everything_else_stays_as_typed(self, raw: str) -> None:
        assert normalise_password(raw) == raw

    @pytest.mark.parametrize("raw", ["a\0b", "\0", "\ud800", "x\udfff"])
    def test_what_cannot_be_stored_safely_is_refused(self, raw: str) -> None:
        with pytest.raises(InvalidInput, match=r"password\.malformed"):
            normalise_password(raw)

    def test_the_cap_counts_bytes_before_and_after(self) -> None:
        assert len(normalise_password("x" * MAX_PASSWORD_BYTES)) == MAX_PASSWORD_BYTES
        for raw in ("x" * (MAX_PASSWORD_BYTES + 1), "\u00e9" * 2049, "\u0958" * 1000):
            with pytest.raises(InvalidInput, match=r"password\.too_large"):
                normalise_password(raw)


class TestSettingSomebodysPassword:
    def test_it_replaces_the_old_one_and_ends_everything(self, world: World) -> None:
        ada = world.add_user("ada")
        _, cookie = world.begin_session(ada)
        with world.begin() as uow:
            link = issue_recovery_link(uow, ada, generation=1)
        until = world.clock.now() + timedelta(days=3)

        done = put(world, ada, setting=Setting(source=SetBy.ADMIN, temporary_until=until))

        assert done == PasswordSet(ada, 2)
        credential = world.credential(ada)
        assert (credential.set_by, credential.temporary_until) == ("admin", until)
        with world.begin(write=False) as uow:
            assert find_signed_in(uow, cookie) is None
            assert find_recovery(uow, link) is None
        assert signs_in(world, "ada", NEW)
        assert not signs_in(world, "ada", PASSWORD)

    def test_the_owner_is_told_but_not_where_the_administrator_sits(self, world: World) -> None:
        ada = world.add_user("ada")

        put(world, ada)

        (mail,) = world.outbox()
        assert mail["template"] == "password_changed"
        assert (mail["context"]["how"], mail["context"]["address"]) == ("administrator", None)
        (event,) = world.events()
        assert (event.code, event.actor_id) == ("password.set", "root")
        assert event.params == {"by": "admin", "must_change": True}

    def test_only_an_administrators_choice_is_announced(self, world: World) -> None:
        ada = world.add_user("ada")

        put(world, ada, setting=Setting(source=SetBy.IMPORT))

        assert world.outbox() == []

    def test_the_policy_counts_whoever_sets_it(self, world: World) -> None:
        ada = world.add_user("ada")

        with pytest.raises(PasswordRejected) as refused:
            put(world, ada, "short")

        assert [finding.code for finding in refused.value.findings] == ["password.too_short"]
        assert world.event_codes() == []
        assert signs_in(world, "ada", PASSWORD)

    def test_the_current_and_the_earlier_ones_are_known_by_their_hashes(self, world: World) -> None:
        ada = world.add_user("ada")
        rules = {"differs_from_current": {}, "history": {"last": 3}}
        world.publish_policy({"enforcement": "never", "rules": rules})
        with pytest.raises(PasswordRejected):
            put(world, ada, PASSWORD)
        put(world, ada)

        with pytest.raises(PasswordRejected) as refused:
            put(world, ada, PASSWORD)

        assert [finding.code for finding in refused.value.findings] == ["password.used_before"]

    def test_it_lifts_throttling(self, world: World) -> None:
        ada = world.add_user("ada", credential={"failures": 95})
        for _ in range(12):
            signs_in(world, "ada", "wrong")
        assert world.credential(ada).blocked_at is not None

        put(world, ada)

        assert signs_in(world, "ada", NEW)

    def test_a_locked_account_stays_locked(self, world: World) -> None:
        ada = world.add_user("ada", user={"locked_at": world.clock.now()})

        put(world, ada)

        assert not signs_in(world, "ada", NEW)

    def test_an_account_without_a_password_gets_its_first_one(self, world: World) -> None:
        ada = world.add_user("ada", None)

        assert put(world, ada).generation == 2
        assert world.count(PasswordHistoryRow) == 0
        assert signs_in(world, "ada", NEW)

    def test_an_unusable_hash_is_not_history(self, world: World) -> None:
        ada = world.add_user("ada", credential={"hash": "!"})

        put(world, ada)

        assert world.count(PasswordHistoryRow) == 0

    def test_nobody_has_none(self, world: World) -> None:
        with pytest.raises(NotFound):
            put(world, UserId("nobody"))

    def test_who_expects_another_generation_is_told(self, world: World) -> None:
        ada = world.add_user("ada")

        with pytest.raises(Conflict):
            put(world, ada, generation=7)
        assert put(world, ada, generation=1).generation == 2

    def test_of_two_who_set_it_at_once_one_is_told(self, world: World) -> None:
        ada = world.add_user("ada")
        results: list[PasswordSet | Conflict] = []
        barrier = threading.Barrier(3)

        def go(n: int) -> None:
            barrier.wait()
            try:
                results.append(put(world, ada, f"{NEW} {n}", generation=1))
            except Conflict as conflict:
                results.append(conflict)

        threads = [threading.Thread(target=go, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert results.count(PasswordSet(ada, 2)) == 1
        assert world.user(ada).credential_generation == 2


class TestPreparedPasswords:
    def test_somebody_new_is_judged_even_where_nothing_is_enforced(self, world: World) -> None:
        rules = {"length": {"min": 6}, "not_personal": {}}
        world.publish_policy({"enforcement": "never", "rules": rules}, realm=PORTAL)
        pat = Person(username="pat@example.com", email="pat@example.com", names=("Patricia",))

        for refused in ("12345", "Patricia1"):
            with pytest.raises(PasswordRejected):
                prepare_password(world.runtime, PORTAL, pat, refused)

        assert prepare_password(world.runtime, PORTAL, pat, "123456").stamp.version == 2

    def test_a_first_password_moves_no_counter(self, world: World) -> None:
        ada = world.add_user("ada", None)
        person = Person(username="ada", email=None)
        prepared = prepare_password(world.runtime, STAFF, person, NEW)

        with world.begin() as uow:
            store_prepared(uow, ada, prepared, Setting(source=SetBy.ADMIN, must_change=True))

        assert world.user(ada).credential_generation == 1
        assert world.credential(ada).must_change
        assert signs_in(world, "ada", NEW)

    def test_one_in_place_of_another_does(self, world: World) -> None:
        ada = world.add_user("ada")
        prepared = prepare_password(world.runtime, STAFF, Person(username="a", email=None), NEW)

        with world.runtime.begin(STAFF, actor=HOST) as uow:
            store_prepared(uow, ada, prepared, Setting(source=SetBy.IMPORT))

        assert world.user(ada).credential_generation == 2
        assert world.count(PasswordHistoryRow) == 1

    def test_a_hash_from_elsewhere_is_judged_when_it_is_typed(self, world: World) -> None:
        ada = world.add_user("ada", None)
        set_at = world.clock.now() - timedelta(days=400)
        foreign = world.runtime.hasher.hash(NEW)

        with world.begin() as uow:
            prepared = prepare_hash(world.runtime, foreign, set_at=set_at)
            store_prepared(uow, ada, prepared, Setting(source=SetBy.IMPORT))

        credential = world.credential(ada)
        assert (credential.judged_under, credential.set_at) == (0, set_at)
        assert signs_in(world, "ada", NEW)
        assert world.credential(ada).judged_under == 1

    @pytest.mark.parametrize("stored", ["", "!", "plain", "$argon2id$v=19$m=9999999,t=1,p=1$a$b"])
    def test_what_is_no_affordable_hash_is_not_taken_over(self, world: World, stored: str) -> None:
        with pytest.raises(InvalidInput, match=r"password_hash\.unknown"):
            prepare_hash(world.runtime, stored)
