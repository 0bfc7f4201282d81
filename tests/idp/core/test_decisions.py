"""The gate asked in earnest: observe, grace and waves, and what is kept on record of them."""

import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from idp.core.decision_records import Decided, Decision, list_decisions, replay
from idp.core.decisions import decide
from idp.core.gate import AccountFacts, Cleared, Reason, Refused, find_account
from idp.core.groups import create_group, update_group
from idp.core.policies import stamp_of
from idp.core.users import deactivate_user, lock_user, require_change
from idp.ids import ClientId, UserId
from idp.jobs.runner import Runner
from idp.store.decisions import DecisionRow
from idp.store.groups import MembershipRow
from idp.store.realms import RealmRow
from idp.store.users import CredentialRow
from policy.verdict import RequiredAction, WithheldBy
from tests.support import campaigns
from tests.support.world import STAFF, World

APP = ClientId("app")
LONG: Mapping[str, object] = {"length": {"min": 24, "max": 256}}
"""Rules that the password of the tests does not meet, though it met those of version 1."""
SHORT: Mapping[str, object] = {"length": {"min": 8, "max": 256}}


def _publish(world: World, rules: Mapping[str, object] = LONG, **more: object) -> int:
    return world.publish_policy({"enforcement": "everyone", "rules": rules, **more})


def _decide(world: World, user: str, client: str = APP) -> Cleared | Refused:
    """Ask as a token endpoint does, in a transaction of its own."""
    with world.begin() as uow:
        account = find_account(uow, UserId(user))
        assert account is not None
        return decide(
            uow,
            account,
            birth_epoch=account.epoch,
            session_ended=False,
            client_id=ClientId(client),
        )


def _facts(world: World, user: str) -> AccountFacts:
    """Return what a request reads of an account now."""
    with world.begin(write=False) as uow:
        account = find_account(uow, UserId(user))
        assert account is not None
        return account


def _passes(world: World, user: str) -> bool:
    return isinstance(_decide(world, user), Cleared)


def _asked(world: World, users: list[str]) -> set[str]:
    """Return who of these is asked for another password now."""
    return {user for user in users if not _passes(world, user)}


def _decisions(world: World, user: str) -> list[Decision]:
    with world.begin(write=False) as uow:
        return list_decisions(uow, UserId(user))


@pytest.fixture(autouse=True)
def _replays(world: World) -> Iterator[None]:
    """After each test, every decision on record comes out the same again."""
    yield
    with world.begin(write=False) as uow:
        users = set(uow.db.scalars(sa.select(DecisionRow.user_id)))
        for user in users:
            for decision in list_decisions(uow, UserId(user)):
                assert replay(uow, decision) == decision.answer


class TestThePlainPass:
    def test_leaves_nothing(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, SHORT, waves={"per_hour": 1})

        assert _passes(world, ada)

        assert world.count(DecisionRow) == 0


class TestTheRecord:
    def test_keeps_what_was_decided_and_on_what_it_rests(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world)

        gate = _decide(world, ada)

        [decision] = _decisions(world, ada)
        assert isinstance(gate, Refused)
        assert gate.verdict is not None
        assert decision.answer.outcome is Decided.REFUSED
        assert decision.answer.reason is Reason.PASSWORD_CHANGE_REQUIRED
        assert decision.answer.action is RequiredAction.CHANGE_PASSWORD
        assert decision.answer.findings == gate.verdict.findings
        assert (decision.policy_version, decision.judged_under, decision.count) == (2, 1, 1)
        assert (decision.client_id, decision.at) == (APP, world.clock.now())

    def test_counts_the_same_decision_of_a_day(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world)
        begun = world.clock.now()
        for _ in range(3):
            _decide(world, ada)
            world.advance(minutes=5)

        [decision] = _decisions(world, ada)
        assert (decision.count, decision.at) == (3, begun)
        assert decision.last_at == begun + timedelta(minutes=10)

    def test_begins_anew_with_another_day_app_answer_or_version(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world)
        _decide(world, ada)
        world.advance(minutes=1)
        _decide(world, ada, "another")
        world.advance(days=1)
        _decide(world, ada)
        world.advance(minutes=1)
        _publish(world, {**LONG, "history": {"last": 3}})
        _decide(world, ada)
        world.advance(minutes=1)
        with world.begin() as uow:
            require_change(uow, ada)
        _decide(world, ada)

        found = _decisions(world, ada)
        assert [(d.client_id, d.policy_version, len(d.answer.findings)) for d in found] == [
            (APP, 3, 2),
            (APP, 3, 1),
            (APP, 2, 1),
            ("another", 2, 1),
            (APP, 2, 1),
        ]

    def test_comes_in_pages(self, world: World) -> None:
        ada, bob = world.add_user("ada"), world.add_user("bob")
        _publish(world)
        for _ in range(5):
            _decide(world, ada)
            _decide(world, bob)
            world.advance(days=1)

        with world.begin(write=False) as uow:
            first = list_decisions(uow, ada, limit=2)
            rest = list_decisions(uow, ada, before=first[-1].id)

        assert len(first + rest) == len({d.id for d in first + rest}) == 5
        assert {d.user_id for d in first + rest} == {ada}

    @pytest.mark.parametrize(
        ("use_case", "reason"),
        [
            (lock_user, Reason.ACCOUNT_LOCKED),
            (deactivate_user, Reason.ACCOUNT_DISABLED),
            (require_change, Reason.PASSWORD_CHANGE_REQUIRED),
        ],
    )
    def test_tells_of_the_account_too(self, world: World, use_case: object, reason: Reason) -> None:
        ada = world.add_user("ada")
        with world.begin() as uow:
            use_case(uow, ada)  # type: ignore[operator]  # any of three

        _decide(world, ada)

        assert [decision.answer.reason for decision in _decisions(world, ada)] == [reason]

    def test_tells_of_what_is_asked_with(self, world: World) -> None:
        ada, bob = world.add_user("ada", user={"epoch": 3, "credential_epoch": 2}), "bob"
        bob = world.add_user("bob", password=None)
        for user, epoch, ended in ((ada, 1, False), (ada, 2, False), (bob, 1, True)):
            with world.begin() as uow:
                account = find_account(uow, UserId(user))
                assert account is not None
                decide(uow, account, birth_epoch=epoch, session_ended=ended, client_id=APP)
            world.advance(minutes=1)

        reasons = [d.answer.reason for user in (ada, bob) for d in _decisions(world, user)]
        assert reasons == [Reason.SESSION_ENDED, Reason.CREDENTIAL_CHANGED, Reason.SESSION_ENDED]
        assert [d.judged_under for d in _decisions(world, bob)] == [None]

    def test_is_gone_after_thirteen_months(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world)
        _decide(world, ada)
        world.advance(days=399)
        Runner(world.runtime).run_once()
        assert world.count(DecisionRow) == 1

        world.advance(days=2)
        Runner(world.runtime).run_once()

        assert world.count(DecisionRow) == 0


class TestObserving:
    def test_stops_nobody_and_is_noted_once(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, enforcement="observe")

        for _ in range(3):
            assert _passes(world, ada)
            world.advance(days=1)

        [decision] = _decisions(world, ada)
        assert decision.answer.outcome is Decided.WITHHELD
        assert decision.answer.withheld_by is WithheldBy.OBSERVE
        assert decision.answer.action is RequiredAction.CHANGE_PASSWORD
        assert [finding.code for finding in decision.answer.findings] == ["policy.stricter"]
        assert decision.count == 1

    def test_is_noted_again_under_another_version_and_for_another_password(
        self, world: World
    ) -> None:
        ada = world.add_user("ada")
        for _ in range(2):
            _publish(world, enforcement="observe")
            assert _passes(world, ada)
            world.advance(minutes=1)
        world.change_user(ada, credential_generation=2)
        world.change_credential(ada, noted_under=None)
        assert _passes(world, ada)

        assert [d.policy_version for d in _decisions(world, ada)] == [3, 3, 2]

    def test_lets_an_administrators_wish_through(self, world: World) -> None:
        ada = world.add_user("ada", credential={"must_change": True})
        _publish(world, enforcement="observe")

        assert not _passes(world, ada)


class TestGrace:
    @pytest.mark.parametrize(("seconds", "passes"), [(-1, True), (0, False), (1, False)])
    def test_ends_to_the_second(
        self,
        world: World,
        seconds: int,
        passes: bool,  # noqa: FBT001 - a column
    ) -> None:
        ada = world.add_user("ada")
        _publish(world, grace="P7D")
        assert _passes(world, ada)

        world.advance(days=7, seconds=seconds)

        assert _passes(world, ada) is passes

    def test_is_not_begun_again_by_an_edit(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, grace="P7D")
        world.advance(days=6)
        _publish(world, grace="P7D")
        assert _passes(world, ada)
        world.advance(days=1)

        assert not _passes(world, ada)

    def test_is_taken_away_by_a_version_without(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, grace="P7D")
        assert _passes(world, ada)

        _publish(world)

        assert not _passes(world, ada)

    def test_is_noted_once_and_the_stop_after_it_too(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, grace="P7D")
        for _ in range(8):
            _decide(world, ada)
            world.advance(days=1)

        found = [(d.answer.outcome, d.answer.withheld_by) for d in _decisions(world, ada)]
        assert found == [(Decided.REFUSED, None), (Decided.WITHHELD, WithheldBy.GRACE)]


class TestWaves:
    def test_ask_so_many_in_an_hour(self, world: World) -> None:
        users = campaigns.add_users(world, 7)
        _publish(world, waves={"per_hour": 3})

        first = _asked(world, users)
        again = _asked(world, users)
        world.advance(hours=1)
        second = _asked(world, users)
        world.advance(hours=1)

        assert first == again
        assert (len(first), len(second)) == (3, 6)
        assert first < second
        assert _asked(world, users) == set(users)

    def test_an_hour_is_one_of_the_clock(self, world: World) -> None:
        users = campaigns.add_users(world, 4)
        world.advance(minutes=59)
        _publish(world, waves={"per_hour": 1})

        assert len(_asked(world, users)) == 1
        world.advance(minutes=1)

        assert len(_asked(world, users)) == 2

    def test_whoever_was_asked_stays_asked(self, world: World) -> None:
        users = campaigns.add_users(world, 2)
        _publish(world, waves={"per_hour": 1})
        [asked] = _asked(world, users)
        _publish(world, waves={"per_hour": 1, "quiet": "00:00/23:59"})

        assert _asked(world, users) == {asked}

    def test_begin_when_the_grace_is_over(self, world: World) -> None:
        users = campaigns.add_users(world, 2)
        _publish(world, grace="P2D", waves={"per_hour": 1})
        world.advance(days=2, seconds=-1)
        assert _asked(world, users) == set()

        world.advance(seconds=1)

        assert len(_asked(world, users)) == 1

    def test_a_clock_that_is_behind_takes_the_places_of_the_hour_that_began(
        self, world: World
    ) -> None:
        users = campaigns.add_users(world, 4)
        _publish(world, waves={"per_hour": 2})
        world.advance(minutes=59 - world.clock.now().minute)

        early = _asked(world, users[:1])
        world.advance(minutes=1)
        first = _asked(world, users[1:2])
        world.advance(minutes=-1)
        behind = _asked(world, users[2:])

        assert (len(early), len(first), len(behind)) == (1, 1, 1)
        with world.begin(write=False) as uow:
            assert uow.db.get_one(RealmRow, STAFF).wave_used == 2

    def test_nobody_is_asked_in_quiet_hours(self, world: World) -> None:
        users = campaigns.add_users(world, 2)
        quiet = {"quiet": "22:00/06:00", "zone": "Pacific/Auckland"}
        _publish(world, waves={"per_hour": 1, **quiet})  # it is 22:00 in Auckland

        assert _asked(world, users) == set()
        world.advance(hours=8, seconds=-1)
        assert _asked(world, users) == set()
        world.advance(seconds=1)
        assert len(_asked(world, users)) == 1

    def test_a_part_of_the_users_is_asked_and_the_rest_at_the_deadline(self, world: World) -> None:
        users = campaigns.add_users(world, 100)
        _publish(world, waves={"percent": 30, "deadline": "P14D"})

        first = _asked(world, users)
        world.advance(days=14, seconds=-1)
        assert _asked(world, users) == first
        world.advance(seconds=1)

        assert 15 < len(first) < 45
        assert _asked(world, users) == set(users)

    def test_members_of_groups_are_asked_first(self, world: World) -> None:
        ada, bob = world.add_user("ada"), world.add_user("bob")
        with world.begin() as uow:
            create_group(uow, "Pilot")
            update_group(uow, "Pilot", add=[ada])
        _publish(world, waves={"groups": ["Pilot"]})

        assert _asked(world, [ada, bob]) == {ada}

    def test_a_full_hour_writes_nothing_to_the_realm(self, world: World) -> None:
        users = campaigns.add_users(world, 3)
        _publish(world, waves={"per_hour": 1})
        _asked(world, users)
        _asked(world, users)

        with world.begin(write=False) as uow:
            realm = uow.db.get_one(RealmRow, STAFF)
        assert realm.wave_used == 1
        assert [world.credential(user).placed_under for user in users].count(2) == 1

    def test_a_request_that_came_too_late_for_the_last_place_lets_go(self, world: World) -> None:
        ada, bob = world.add_user("ada"), world.add_user("bob")
        _publish(world, waves={"per_hour": 1})
        late = _facts(world, ada)  # it read that the hour has a place
        assert not _passes(world, bob)

        with world.begin() as uow:
            gate = decide(uow, late, birth_epoch=late.epoch, session_ended=False, client_id=APP)

        assert isinstance(gate, Cleared)
        assert world.credential(ada).placed_under is None
        world.advance(hours=1)
        assert not _passes(world, ada)

    def test_a_request_beside_the_one_that_took_the_place_takes_none(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, waves={"per_hour": 2})
        late = _facts(world, ada)
        assert not _passes(world, ada)

        with world.begin() as uow:
            gate = decide(uow, late, birth_epoch=late.epoch, session_ended=False, client_id=APP)
            used = uow.db.get_one(RealmRow, STAFF).wave_used

        assert isinstance(gate, Refused)
        assert used == 1

    def test_parallel_decisions_never_exceed_the_cap_and_place_nobody_twice(
        self, world: World
    ) -> None:
        users = campaigns.add_users(world, 12)
        _publish(world, waves={"per_hour": 5})
        barrier = threading.Barrier(6)
        refused: list[str] = []

        def run(number: int) -> None:
            barrier.wait()
            for step in range(len(users)):  # everybody by every thread, each begins elsewhere
                user = users[(step + 2 * number) % len(users)]
                if not _passes(world, user):
                    refused.append(user)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with world.begin(write=False) as uow:
            placed = set(
                uow.db.scalars(
                    sa.select(CredentialRow.user_id).where(CredentialRow.placed_under == 2)
                )
            )
            realm = uow.db.get_one(RealmRow, STAFF)
        assert len(placed) == realm.wave_used == 5
        assert set(refused) == placed
        assert _asked(world, users) == placed

    def test_parallel_decisions_about_one_user_take_one_place(self, world: World) -> None:
        ada = world.add_user("ada")
        _publish(world, waves={"per_hour": 5})
        barrier = threading.Barrier(8)
        passed: list[bool] = []

        def run() -> None:
            barrier.wait()
            passed.append(_passes(world, ada))

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with world.begin(write=False) as uow:
            realm = uow.db.get_one(RealmRow, STAFF)
        assert passed == [False] * 8
        assert realm.wave_used == 1
        [decision] = _decisions(world, ada)
        assert decision.count == 8


class TestGroups:
    @pytest.fixture
    def ada(self, world: World) -> UserId:
        """Give somebody whose password everybody's rules accept, and those of Office do not."""
        ada = world.add_user("ada")
        with world.begin() as uow:
            create_group(uow, "Office")
            create_group(uow, "Field")
        groups = {"Office": {"rules": LONG}, "Field": {"rules": {"length": {"min": 10}}}}
        _publish(world, SHORT, groups=groups)
        return ada

    def _move(self, world: World, user: UserId, *, into: str = "", out_of: str = "") -> None:
        with world.begin() as uow:
            if into:
                update_group(uow, into, add=[user])
            if out_of:
                update_group(uow, out_of, remove=[user])

    def test_joining_a_stricter_group_counts_at_the_next_token(
        self, world: World, ada: UserId
    ) -> None:
        assert _passes(world, ada)
        self._move(world, ada, into="Office")
        assert not _passes(world, ada)

        self._move(world, ada, out_of="Office")

        assert _passes(world, ada)
        assert world.count(MembershipRow) == 0
        [decision] = _decisions(world, ada)
        assert decision.facts["groups"] == ["office"]

    def test_a_password_keeps_the_groups_it_was_judged_by(self, world: World, ada: UserId) -> None:
        self._move(world, ada, into="Office")
        with world.begin(write=False) as uow:
            account = find_account(uow, ada)
            assert account is not None
            stamp = stamp_of(account.policy)
        assert (stamp.version, stamp.groups) == (2, "office")
        world.change_credential(ada, judged_under=stamp.version, judged_groups=stamp.groups)

        assert _passes(world, ada)
        self._move(world, ada, out_of="Office")
        assert _passes(world, ada)
        self._move(world, ada, into="Field")
        assert _passes(world, ada)  # Office asked for more than Field does
        world.change_credential(ada, judged_groups="")

        assert not _passes(world, ada)

    def test_the_grace_of_what_a_group_asked_first_goes_on_when_everybody_is_asked(
        self, world: World
    ) -> None:
        ada, ben = world.add_user("ada"), world.add_user("ben")
        with world.begin() as uow:
            create_group(uow, "Office")
            update_group(uow, "Office", add=[ada])
        _publish(world, SHORT, groups={"Office": {"rules": LONG}}, grace="P7D")
        world.advance(days=5)

        _publish(world, LONG, grace="P7D")  # names no group any more
        world.advance(days=2)

        assert _asked(world, [ada, ben]) == {ada}
        world.advance(days=5)
        assert _asked(world, [ada, ben]) == {ada, ben}
