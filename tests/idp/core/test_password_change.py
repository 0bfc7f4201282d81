"""Changing one's own password, willingly or not (catalogue F-17, R-17)."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.core.accounts import find_account_by_id
from idp.core.bulk_secrets import bulk_secret_mac
from idp.core.devices import is_known_device
from idp.core.guesses import LoginThrottled, TemporaryPasswordOver
from idp.core.links import find_not_me
from idp.core.login import LoggedIn, LoginRefused, SignInForm, sign_in
from idp.core.notices import NewPasswordRefused
from idp.core.password_change import (
    ChangeForm,
    ChangeOutcome,
    CurrentPasswordWrong,
    PasswordChanged,
    change_password,
)
from idp.core.recovery_requests import find_recovery, issue_recovery_link
from idp.core.roles import AdminRole, grant_role, revoke_role
from idp.core.sessions import find_signed_in
from idp.core.throttle import bucket_of
from idp.core.users import end_sessions, require_change
from idp.errors import InvalidInput, NotFound
from idp.ids import RawToken, SessionId, UserId
from idp.store.resets import BulkSecretRow
from idp.store.users import PasswordHistoryRow
from tests.support.meanwhile import during
from tests.support.world import PASSWORD, STAFF, World, open_world

NEW = "a different long sentence"


def change(  # noqa: PLR0913 - what a form and its browser send
    world: World,
    user_id: UserId,
    new: str = NEW,
    *,
    current: str = PASSWORD,
    session_id: SessionId | None = None,
    forced: bool = False,
    device: RawToken | None = None,
) -> ChangeOutcome:
    form = ChangeForm(
        user_id=user_id,
        session_id=session_id,
        current_password=current,
        new_password=new,
        forced=forced,
        device=device,
    )
    return change_password(world.runtime, STAFF, form)


def refused_codes(outcome: ChangeOutcome) -> list[str]:
    assert isinstance(outcome, NewPasswordRefused)
    return [finding.code for finding in outcome.findings]


def signs_in(world: World, username: str, password: str) -> bool:
    form = SignInForm(username=username, password=password)
    return isinstance(sign_in(world.runtime, STAFF, form), LoggedIn)


class TestAWillingChange:
    def test_the_new_password_works_and_the_old_one_does_not(self, world: World) -> None:
        ada = world.add_user("ada")

        assert change(world, ada) == PasswordChanged(None)

        assert signs_in(world, "ada", NEW)
        assert not signs_in(world, "ada", PASSWORD)

    def test_it_ends_everything_but_the_browser_it_was_made_in(self, world: World) -> None:
        ada = world.add_user("ada")
        here, here_cookie = world.begin_session(ada)
        _, elsewhere_cookie = world.begin_session(ada)

        outcome = change(world, ada, session_id=here)

        assert isinstance(outcome, PasswordChanged)
        assert outcome.session_secret is not None
        with world.begin(write=False) as uow:
            now_here = find_signed_in(uow, outcome.session_secret)
            assert find_signed_in(uow, here_cookie) is None
            assert find_signed_in(uow, elsewhere_cookie) is None
        assert now_here is not None
        assert now_here.session.id == outcome.session_id != here
        row = world.user(ada)
        assert (row.epoch, row.credential_epoch, row.credential_generation) == (2, 2, 2)

    def test_a_session_of_somebody_else_is_not_renewed(self, world: World) -> None:
        ada, bob = world.add_user("ada"), world.add_user("bob")
        of_bob, cookie = world.begin_session(bob)

        assert change(world, ada, session_id=of_bob) == PasswordChanged(None)

        with world.begin(write=False) as uow:
            assert find_signed_in(uow, cookie) is not None

    def test_open_links_are_dead_afterwards(self, world: World) -> None:
        ada = world.add_user("ada")
        with world.begin() as uow:
            link = issue_recovery_link(uow, ada, generation=1)

        change(world, ada)

        with world.begin(write=False) as uow:
            assert find_recovery(uow, link) is None

    def test_the_owner_is_told(self, world: World) -> None:
        ada = world.add_user("ada", user={"zoneinfo": "Pacific/Auckland"})

        change(world, ada)

        (mail,) = world.outbox()
        assert (mail["to"], mail["template"]) == ("ada@example.com", "password_changed")
        assert mail["context"]["how"] == "self"
        assert mail["context"]["changed_at"] == "2 November 2026 at 22:00 NZDT"
        assert mail["context"]["forgot_url"].endswith("/realms/staff/forgot-password")
        assert PASSWORD not in str(mail)
        assert NEW not in str(mail)

    def test_who_has_no_address_is_not_told(self, world: World) -> None:
        ada = world.add_user("ada", user={"email": None, "email_key": None})

        assert change(world, ada) == PasswordChanged(None)
        assert world.outbox() == []

    def test_the_usual_browser_stays_known(self, world: World) -> None:
        ada = world.add_user("ada")
        entry = sign_in(world.runtime, STAFF, SignInForm(username="ada", password=PASSWORD))
        assert isinstance(entry, LoggedIn)

        change(world, ada, device=entry.device_secret)

        with world.begin(write=False) as uow:
            account = find_account_by_id(uow, ada)
            assert is_known_device(uow, entry.device_secret, account)

    def test_it_is_stamped_with_the_policy_that_accepted_it(self, world: World) -> None:
        ada = world.add_user("ada", credential={"refused_under": 1})
        world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 9}}})

        change(world, ada)

        credential = world.credential(ada)
        assert (credential.judged_under, credential.refused_under) == (2, None)
        assert (credential.set_by, credential.set_at) == ("self", world.clock.now())
        assert world.event_codes() == ["password.changed"]


class TestTheCurrentPassword:
    def test_a_wrong_one_is_a_guess_like_any(self, world: World) -> None:
        ada = world.add_user("ada")

        outcomes = [change(world, ada, current="wrong") for _ in range(11)]

        assert outcomes == [CurrentPasswordWrong()] * 10 + [LoginThrottled(900)]
        assert change(world, ada) == LoginThrottled(900)
        assert world.credential(ada).failures == 10
        assert not signs_in(world, "ada", PASSWORD)

    def test_who_is_locked_or_inactive_changes_nothing(self, world: World) -> None:
        ada = world.add_user("ada", user={"status": "inactive"})
        bob = world.add_user("bob")
        world.change_user(bob, locked_at=world.clock.now())

        assert change(world, ada) == CurrentPasswordWrong()
        assert change(world, bob) == CurrentPasswordWrong()

    def test_a_temporary_one_whose_time_is_over_does_not_do(self, world: World) -> None:
        ada = world.add_user("ada", credential={"temporary_until": world.clock.now()})
        world.advance(seconds=1)

        assert change(world, ada, current="wrong") == CurrentPasswordWrong()
        assert change(world, ada) == TemporaryPasswordOver()

    def test_nobody_cannot_change_anything(self, world: World) -> None:
        with pytest.raises(NotFound):
            change(world, UserId("nobody"))


class TestTheNewPassword:
    @pytest.mark.parametrize("new", ["x" * 4097, "a\0bcdefghijk", "\ud800bcdefghijk"])
    def test_what_cannot_be_a_password_is_refused_at_once(self, world: World, new: str) -> None:
        ada = world.add_user("ada")

        with pytest.raises(InvalidInput):
            change(world, ada, new)

    def test_every_finding_is_listed_and_nothing_is_changed(self, world: World) -> None:
        ada = world.add_user("ada")
        rules = {"length": {"min": 12}, "characters": {"digits": 1, "uppercase": 1}}
        world.publish_policy({"enforcement": "never", "rules": rules})

        codes = refused_codes(change(world, ada, "short"))

        assert codes[0] == "password.too_short"
        assert len(codes) == 3
        assert signs_in(world, "ada", PASSWORD)
        refusal = next(e for e in world.events() if e.code == "password.rejected")
        assert refusal.params == {"findings": codes}

    def test_the_same_one_is_refused_where_the_rule_says_so(self, world: World) -> None:
        ada = world.add_user("ada")

        assert refused_codes(change(world, ada, PASSWORD)) == ["password.same_as_current"]

    def test_a_forced_change_refuses_the_same_one_whatever_the_rules(self, world: World) -> None:
        ada = world.add_user("ada")
        world.publish_policy({"enforcement": "never", "rules": {"length": {"min": 4}}})

        assert refused_codes(change(world, ada, PASSWORD, forced=True)) == [
            "password.same_as_current"
        ]
        assert change(world, ada, PASSWORD) == PasswordChanged(None)

    def test_who_must_change_cannot_use_the_willing_form_instead(self, world: World) -> None:
        world.publish_policy({"enforcement": "never", "rules": {"length": {"min": 4}}})
        ada = world.add_user("ada", credential={"must_change": True})

        assert refused_codes(change(world, ada, PASSWORD)) == ["password.same_as_current"]
        assert world.credential(ada).must_change
        assert change(world, ada) == PasswordChanged(None)
        assert not world.credential(ada).must_change

    def test_earlier_ones_are_refused_as_far_as_the_history_goes(self, world: World) -> None:
        world.publish_policy({"enforcement": "never", "rules": {"history": {"last": 2}}})
        ada = world.add_user("ada", "password 0")
        for n in range(1, 4):
            world.advance(days=1)
            change(world, ada, f"password {n}", current=f"password {n - 1}")

        for earlier in ("password 2", "password 1"):
            assert refused_codes(change(world, ada, earlier, current="password 3")) == [
                "password.used_before"
            ]
        assert change(world, ada, "password 0", current="password 3") == PasswordChanged(None)

    def test_earlier_ones_are_refused_as_long_as_the_history_goes(self, world: World) -> None:
        rules = {"history": {"within": "P30D"}}
        world.publish_policy({"enforcement": "never", "rules": rules})
        ada = world.add_user("ada", "password 0")
        change(world, ada, "password 1", current="password 0")

        world.advance(days=30)
        again = change(world, ada, "password 0", current="password 1")
        assert refused_codes(again) == ["password.used_before"]
        world.advance(seconds=1)
        assert change(world, ada, "password 0", current="password 1") == PasswordChanged(None)

    def test_a_history_is_not_flushed_in_an_afternoon(self, world: World) -> None:
        world.publish_policy({"enforcement": "never", "rules": {"history": {"last": 24}}})
        ada = world.add_user("ada", "password 0")
        for n in range(1, 11):
            change(world, ada, f"password {n}", current=f"password {n - 1}")

        outcome = change(world, ada, "password 11", current="password 10")
        assert isinstance(outcome, LoginThrottled)
        forced = change(world, ada, "password 11", current="password 10", forced=True)
        assert forced == PasswordChanged(None)

    def test_only_the_newest_hashes_are_kept(self, world: World) -> None:
        ada = world.add_user("ada", "password 0")

        for n in range(1, 28):
            change(world, ada, f"password {n}", current=f"password {n - 1}")

        assert world.count(PasswordHistoryRow) == 24

    def test_a_young_password_may_be_kept_for_a_while(self, world: World) -> None:
        ada = world.add_user("ada")
        world.publish_policy({"enforcement": "never", "rules": {"min_age": {"hours": 24}}})

        assert refused_codes(change(world, ada)) == ["password.too_new"]
        assert change(world, ada, forced=True) == PasswordChanged(None)

    def test_a_past_shared_one_is_refused_for_ever(self, world: World) -> None:
        ada = world.add_user("ada")
        mac = bulk_secret_mac(world.runtime.box, STAFF, "Autumn 2026 everybody")
        with world.begin() as uow:
            uow.db.add(BulkSecretRow(mac=mac, campaign_id="c", created_at=uow.now))

        assert refused_codes(change(world, ada, "Autumn 2026 everybody")) == [
            "password.past_bulk_secret"
        ]


class TestLeavingASharedPasswordBehind:
    def test_the_owner_gets_a_link_that_locks(self, world: World) -> None:
        ada = world.add_user("ada", credential={"campaign_id": "c", "set_by": "bulk"})

        change(world, ada)
        change(world, ada, "yet another sentence", current=NEW)

        first, second = world.outbox()
        assert first["template"] == "shared_secret_changed"
        assert second["template"] == "password_changed"
        assert world.credential(ada).campaign_id is None
        token = first["context"]["not_me_url"].rpartition("/")[2]
        with world.begin(write=False) as uow:
            found = find_not_me(uow, token)
        assert found is not None
        assert found.user_id == ada


class TestTwoAtOnce:
    def test_of_two_who_change_at_once_one_finds_out(self, world: World) -> None:
        ada = world.add_user("ada")
        outcomes: dict[str, ChangeOutcome] = {}
        barrier = threading.Barrier(4)

        def go(new: str) -> None:
            barrier.wait()
            outcomes[new] = change(world, ada, new)

        choices = [f"{NEW} {n}" for n in range(4)]
        threads = [threading.Thread(target=go, args=(choice,)) for choice in choices]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        winners = [new for new, outcome in outcomes.items() if outcome == PasswordChanged(None)]
        assert len(winners) == 1
        assert list(outcomes.values()).count(CurrentPasswordWrong()) == 3
        assert world.user(ada).credential_generation == 2
        assert world.count(PasswordHistoryRow) == 1
        assert signs_in(world, "ada", winners[0])

    def test_a_sign_in_with_the_old_password_does_not_outlive_the_change(
        self, world: World
    ) -> None:
        ada = world.add_user("ada")
        secrets: list[RawToken] = []
        barrier = threading.Barrier(5)

        def enter() -> None:
            barrier.wait()
            entry = sign_in(world.runtime, STAFF, SignInForm(username="ada", password=PASSWORD))
            if isinstance(entry, LoggedIn):
                secrets.append(entry.session_secret)

        def leave() -> None:
            barrier.wait()
            assert change(world, ada) == PasswordChanged(None)

        threads = [threading.Thread(target=enter) for _ in range(4)]
        threads.append(threading.Thread(target=leave))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with world.begin(write=False) as uow:
            assert [find_signed_in(uow, secret) for secret in secrets] == [None] * len(secrets)


def test_a_session_that_ends_meanwhile_is_not_gone_on_with(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        grant_role(uow, ada, AdminRole.AUDITOR)
    here, cookie = world.begin_session(ada)

    outcome = during(
        world,
        lambda uow: revoke_role(uow, ada, AdminRole.AUDITOR),
        lambda: change(world, ada, session_id=here),
    )

    assert outcome == PasswordChanged(None)
    assert signs_in(world, "ada", NEW)
    with world.begin(write=False) as uow:
        assert find_signed_in(uow, cookie) is None


def test_a_change_that_is_asked_for_meanwhile_is_a_forced_one(world: World) -> None:
    ada = world.add_user("ada")
    world.publish_policy({"rules": {"length": {"min": 8}}})

    outcome = during(
        world, lambda uow: require_change(uow, ada), lambda: change(world, ada, new=PASSWORD)
    )

    assert isinstance(outcome, NewPasswordRefused)
    assert outcome.findings[0].code == "password.same_as_current"
    assert change(world, ada) == PasswordChanged(None)


def test_guesses_under_another_name_do_not_get_in_the_way_of_changes(database_url: str) -> None:
    limits = {"sign_in_per_account": "10000/PT15M", "sign_in_per_address": "off"}
    with open_world(database_url, settings={"limits": limits}) as world:
        ada, email = add_user_guessed_at_by_email(world)
        is_done = threading.Event()
        wrong = SignInForm(username=email, password="wrong")

        def guess() -> None:
            while not is_done.is_set():
                assert sign_in(world.runtime, STAFF, wrong) == LoginRefused()

        def change_often() -> None:
            try:
                for _ in range(5):
                    assert change(world, ada) == PasswordChanged(None)
                    assert change(world, ada, PASSWORD, current=NEW) == PasswordChanged(None)
            finally:
                is_done.set()

        with ThreadPoolExecutor(3) as threads:
            running = [threads.submit(act) for act in (guess, guess, change_often)]
        for one in running:
            one.result()


def test_an_administrator_who_signs_the_user_out_does_not_get_in_the_way(world: World) -> None:
    ada = world.add_user("ada")
    is_done = threading.Event()

    def sign_out() -> None:
        while not is_done.is_set():
            with world.begin() as uow:
                end_sessions(uow, ada)

    def change_often() -> None:
        try:
            for new, current in ((NEW, PASSWORD), (PASSWORD, NEW)) * 5:
                here, _ = world.begin_session(ada)
                outcome = change(world, ada, new, current=current, session_id=here)
                assert isinstance(outcome, PasswordChanged)
        finally:
            is_done.set()

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(act) for act in (sign_out, change_often)]
    for one in running:
        one.result()


def add_user_guessed_at_by_email(world: World) -> tuple[UserId, str]:
    """Return a user whose brakes are locked by e-mail first, then by account."""
    while True:
        name = f"u{secrets.token_hex(4)}"
        user_id, email = world.add_user(name), f"{name}@example.com"
        with world.begin(write=False) as uow:
            if bucket_of(uow, "name", email) < bucket_of(uow, "account", user_id):
                return user_id, email
