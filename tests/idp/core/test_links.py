"""One-time links: finishing a change, locking an account, making the first administrator."""

import threading
from datetime import timedelta

import pytest

from idp.adapters.secretbox import KeyFileBox
from idp.core.links import (
    Action,
    NotMe,
    find_action,
    find_not_me,
    find_setup,
    finish_action,
    issue_action_link,
    issue_not_me_link,
    issue_setup_link,
    redeem_not_me,
    redeem_setup,
)
from idp.core.recovery_requests import find_recovery, issue_recovery_link
from idp.core.sessions import find_signed_in
from idp.errors import Conflict
from idp.ids import ClientId, FamilyId, RawToken, RealmName, UserId
from idp.store.recovery import OneTimeLinkRow
from idp.store.users import RoleGrantRow
from tests.support.world import PORTAL, STAFF, World

FAMILY = FamilyId("family")


def issue_action(world: World, user_id: UserId, family_id: FamilyId = FAMILY) -> RawToken:
    epoch = world.user(user_id).epoch
    with world.begin() as uow:
        return issue_action_link(
            uow, user_id=user_id, client_id=ClientId("mobile"), family_id=family_id, epoch=epoch
        )


def action(world: World, token: RawToken, realm: RealmName = STAFF) -> Action | None:
    with world.begin(realm, write=False) as uow:
        return find_action(uow, token)


class TestFinishingAChange:
    def test_the_link_tells_whose_change_it_is(self, world: World) -> None:
        ada = world.add_user("ada")

        token = issue_action(world, ada)

        assert action(world, token) == Action(
            user_id=ada, client_id=ClientId("mobile"), family_id=FAMILY, username="ada"
        )

    def test_looking_spends_nothing_and_finishing_does(self, world: World) -> None:
        token = issue_action(world, world.add_user("ada"))
        assert [action(world, token) is None for _ in range(3)] == [False] * 3

        with world.begin() as uow:
            assert finish_action(uow, token)
        with world.begin() as uow:
            assert not finish_action(uow, token)
        assert action(world, token) is None

    def test_it_lives_for_ten_minutes(self, world: World) -> None:
        token = issue_action(world, world.add_user("ada"))

        world.advance(minutes=10, seconds=-1)
        assert action(world, token) is not None
        world.advance(seconds=1)
        assert action(world, token) is None
        with world.begin() as uow:
            assert not finish_action(uow, token)

    def test_an_app_that_asks_again_soon_gets_the_same_one(self, world: World) -> None:
        ada = world.add_user("ada")
        token = issue_action(world, ada)
        world.advance(minutes=5)

        assert issue_action(world, ada) == token
        assert world.count(OneTimeLinkRow) == 1

    def test_later_it_gets_another_and_only_that_one_lives(self, world: World) -> None:
        ada = world.add_user("ada")
        first = issue_action(world, ada)
        world.advance(minutes=5, seconds=1)

        second = issue_action(world, ada)

        assert action(world, first) is None
        assert action(world, second) is not None

    def test_after_a_new_key_it_gets_another(self, world: World) -> None:
        ada = world.add_user("ada")
        first = issue_action(world, ada)
        world.runtime.box = KeyFileBox({b"new!": b"n" * 32})

        second = issue_action(world, ada)

        assert action(world, first) is None
        assert action(world, second) is not None

    def test_families_have_their_own(self, world: World) -> None:
        ada = world.add_user("ada")

        first, second = issue_action(world, ada), issue_action(world, ada, FamilyId("other"))

        assert action(world, first) is not None
        assert action(world, second) is not None

    def test_many_who_ask_at_once_leave_one_alive(self, world: World) -> None:
        ada = world.add_user("ada")
        tokens: list[RawToken] = []
        barrier = threading.Barrier(4)

        def go() -> None:
            barrier.wait()
            tokens.append(issue_action(world, ada))

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(tokens) == 4
        assert len(set(tokens)) == 1

    def test_a_closed_account_has_none(self, world: World) -> None:
        ada, bob = world.add_user("ada"), world.add_user("bob")
        of_ada = issue_action(world, ada)
        of_bob = issue_action(world, bob, FamilyId("other"))
        world.change_user(ada, status="inactive")
        world.change_user(bob, locked_at=world.clock.now())

        assert action(world, of_ada) is None
        assert action(world, of_bob) is None

    def test_it_is_nothing_in_the_other_realm(self, world: World) -> None:
        token = issue_action(world, world.add_user("ada"))

        assert action(world, token, PORTAL) is None


class TestNotMe:
    def issue(self, world: World, user_id: UserId) -> RawToken:
        with world.begin() as uow:
            return issue_not_me_link(uow, user_id)

    def test_it_locks_the_account_and_ends_everything(self, world: World) -> None:
        ada = world.add_user("ada")
        _, cookie = world.begin_session(ada)
        with world.begin() as uow:
            way_back = issue_recovery_link(uow, ada, generation=1)
        token = self.issue(world, ada)
        with world.begin(write=False) as uow:
            assert find_not_me(uow, token) == NotMe(user_id=ada, username="ada")

        with world.begin() as uow:
            assert redeem_not_me(uow, token) == NotMe(user_id=ada, username="ada")

        row = world.user(ada)
        assert (row.locked_at, row.epoch_cause) == (world.clock.now(), "not_me")
        with world.begin(write=False) as uow:
            assert find_signed_in(uow, cookie) is None
            assert find_recovery(uow, way_back) is None
        (mail,) = world.outbox()
        assert (mail["template"], mail["context"]["cause"]) == ("account_locked", "not_me")
        assert world.event_codes() == ["user.locked"]

    def test_it_works_once(self, world: World) -> None:
        ada = world.add_user("ada")
        token = self.issue(world, ada)
        with world.begin() as uow:
            redeem_not_me(uow, token)
        world.change_user(ada, locked_at=None)

        with world.begin() as uow:
            assert redeem_not_me(uow, token) is None

        assert world.user(ada).locked_at is None

    def test_it_lives_for_a_week(self, world: World) -> None:
        token = self.issue(world, world.add_user("ada"))
        world.advance(days=7)

        with world.begin() as uow:
            assert redeem_not_me(uow, token) is None

    def test_another_kind_of_link_does_not_do(self, world: World) -> None:
        token = issue_action(world, world.add_user("ada"))

        with world.begin() as uow:
            assert redeem_not_me(uow, token) is None
            assert not redeem_setup(uow, token)


class TestSetUp:
    def issue(self, world: World) -> RawToken:
        with world.begin() as uow:
            return issue_setup_link(uow)

    def is_good(self, world: World, token: RawToken) -> bool:
        with world.begin(write=False) as uow:
            return find_setup(uow, token)

    def make_owner(self, world: World) -> UserId:
        ada = world.add_user("ada")
        with world.begin() as uow:
            uow.db.add(RoleGrantRow(user_id=ada, role="owner", granted_at=uow.now))
        return ada

    def test_it_works_once_within_a_day(self, world: World) -> None:
        token = self.issue(world)
        world.clock.advance(timedelta(hours=24, seconds=-1))

        assert self.is_good(world, token)
        with world.begin() as uow:
            assert redeem_setup(uow, token)
        assert not self.is_good(world, token)
        with world.begin() as uow:
            assert not redeem_setup(uow, token)

    def test_it_ends_after_a_day(self, world: World) -> None:
        token = self.issue(world)
        world.advance(hours=24)

        assert not self.is_good(world, token)

    def test_a_further_one_ends_the_first(self, world: World) -> None:
        first, second = self.issue(world), self.issue(world)

        assert not self.is_good(world, first)
        assert self.is_good(world, second)

    def test_once_there_is_an_owner_it_is_closed(self, world: World) -> None:
        token = self.issue(world)
        self.make_owner(world)

        assert not self.is_good(world, token)
        with world.begin() as uow:
            assert not redeem_setup(uow, token)
        with pytest.raises(Conflict, match=r"setup\.closed"):
            self.issue(world)
