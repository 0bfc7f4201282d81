"""Every kind of job: run twice, and killed at every commit there is, it comes to the same end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core import cleanup, policy_notices, policy_snapshots, reset_batches
from idp.core.plans import undo_plan
from idp.core.sync import applying, erasing
from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import sync_directory
from idp.core.work import HOST
from idp.jobs import JOBS
from idp.jobs.runner import Runner
from idp.store.audit import AuditEventRow
from idp.store.decisions import PolicySnapshotRow
from idp.store.directories import DirectoryLinkRow
from idp.store.flow import AuthorizationRequestRow
from idp.store.groups import MembershipRow
from idp.store.jobs import OutboxRow
from idp.store.resets import ResetMemberRow
from idp.store.throttle import ThrottleRow
from idp.store.users import CredentialRow, PasswordHistoryRow, UserRow
from tests.support import campaigns
from tests.support.killing import run_with_deaths
from tests.support.world import STAFF, World, open_world

USERS = 20
BATCH = 3
LONG = "kereru-over-the-harbour"
DIRECTORY = "crm"


@pytest.fixture
def world(database_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[World]:
    """Give a product with a directory, whose file a scenario writes."""
    connector = {"kind": "csv", "path": str(tmp_path / "people.csv")}
    with open_world(database_url, clock, settings={"connectors": {DIRECTORY: connector}}) as made:
        yield made


@dataclass(frozen=True)
class Scenario:
    """A job to be done, and the check that it was done exactly once."""

    begin: Callable[[World], None]
    check: Callable[[World], None]


def _begin_reset(world: World) -> None:
    campaigns.add_users(world, USERS)
    campaigns.apply(world, campaigns.plan_reset(world, password=LONG))


def _check_reset(world: World) -> None:
    with world.begin(write=False) as uow:
        users = uow.db.execute(sa.select(UserRow.epoch, UserRow.credential_generation)).all()
        hashes = set(uow.db.scalars(sa.select(CredentialRow.hash)))
    assert [tuple(row) for row in users] == [(2, 2)] * USERS
    assert len(hashes) == 1
    assert _subjects(world, "reset.user_reset") == USERS
    assert world.event_codes().count("reset.applied") == 1
    assert world.count(ResetMemberRow) == USERS
    assert world.count(PasswordHistoryRow) == USERS


def _begin_undo(world: World) -> None:
    campaigns.add_users(world, USERS)
    plan = campaigns.run_reset(world, password=LONG)
    undo_plan(world.runtime, STAFF, plan.id, HOST)


def _check_undo(world: World) -> None:
    with world.begin(write=False) as uow:
        users = uow.db.execute(sa.select(UserRow.epoch, UserRow.credential_generation)).all()
        sources = set(uow.db.scalars(sa.select(CredentialRow.set_by)))
    assert [tuple(row) for row in users] == [(3, 3)] * USERS
    assert sources == {"self"}
    assert _subjects(world, "reset.user_undone") == USERS
    [event] = [event for event in world.events() if event.code == "reset.undone"]
    assert event.params["restored"] == USERS
    assert world.count(PasswordHistoryRow) == 0


def _begin_cleanup(world: World) -> None:
    with world.begin() as uow:
        for number in range(USERS):
            ends_at = uow.now - timedelta(days=2) if number % 2 else uow.now + timedelta(days=2)
            uow.db.add(ThrottleRow(bucket=f"{number:064d}", count=1, window_ends_at=ends_at))


def _check_cleanup(world: World) -> None:
    with world.begin(write=False) as uow:
        left = list(uow.db.scalars(sa.select(ThrottleRow.bucket)))
    assert sorted(int(bucket) % 2 for bucket in left) == [0] * (USERS // 2)


def _begin_cleaning_requests(world: World) -> None:
    with world.begin() as uow:
        for number in range(USERS):
            is_over = bool(number % 2)
            ends_at = uow.now + timedelta(days=-1 if is_over else 1)
            row = AuthorizationRequestRow(
                id_hash=f"{number:064d}",
                browser_hash="",
                client_id="web",
                params={},
                consented=[],
                created_at=uow.now,
                expires_at=ends_at,
            )
            uow.db.add(row)


def _check_cleaning_requests(world: World) -> None:
    with world.begin(write=False) as uow:
        left = list(uow.db.scalars(sa.select(AuthorizationRequestRow.id_hash)))
    assert sorted(int(found) % 2 for found in left) == [0] * (USERS // 2)


def _begin_forgetting(world: World) -> None:
    campaigns.add_users(world, USERS)
    campaigns.run_reset(world, password=LONG)
    world.advance(days=8)


def _check_forgetting(world: World) -> None:
    assert world.count(ResetMemberRow) == 0


def _begin_snapshot(world: World) -> None:
    campaigns.add_users(world, USERS)
    world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 20, "max": 64}}})


def _check_snapshot(world: World) -> None:
    with world.begin(write=False) as uow:
        query = sa.select(PolicySnapshotRow.active_users, PolicySnapshotRow.have_to_change)
        counts = {tuple(row) for row in uow.db.execute(query)}
    assert counts == {(USERS, USERS)}


def _begin_notices(world: World) -> None:
    campaigns.add_users(world, USERS)
    rules = {"length": {"min": 30, "max": 256}}
    campaigns.publish(world, {"enforcement": "everyone", "rules": rules, "grace": "P14D"})


def _check_notices(world: World) -> None:
    addresses = {str(message["To"]) for message in world.mail.messages}
    assert len(addresses) == USERS
    with world.begin(write=False) as uow:
        kinds = list(uow.db.scalars(sa.select(OutboxRow.kind)))
    assert kinds == ["policy_notice"] * (2 * USERS)  # each with a reminder
    [event] = [event for event in world.events() if event.code == "policy.notices_queued"]
    assert event.params == {"version": 2, "mailed": USERS, "without_address": 0}


def _begin_sync(world: World) -> None:
    people = [f"{number},u{number},Office" for number in range(USERS)]
    path = str(world.runtime.config.connectors[DIRECTORY].settings.reveal()["path"])
    Path(path).write_text("\n".join(["id,login,groups", *people]), encoding="utf-8")
    sync_directory(world.runtime, STAFF, DIRECTORY, RunMode.FULL)


def _check_sync(world: World) -> None:
    assert world.count(UserRow) == world.count(MembershipRow) == USERS
    assert _subjects(world, "user.created") == USERS
    assert world.event_codes().count("directory.synced") == 1


def _begin_erasing(world: World) -> None:
    with world.begin() as uow:
        for number in range(USERS):
            columns = {"username": f"u{number}", "username_key": f"u{number}", "name": "Ada"}
            uow.db.add(
                UserRow(
                    **columns,
                    id=(id_ := uow.new_id()),
                    sub=id_,
                    connector=DIRECTORY,
                    created_at=uow.now,
                    updated_at=uow.now,
                )
            )
            uow.db.flush()
            uow.db.add(
                DirectoryLinkRow(
                    user_id=id_,
                    connector=DIRECTORY,
                    stable_id=id_,
                    login=f"u{number}",
                    address_hash="",
                    digest="",
                    gone_since=uow.now,
                    checked_at=uow.now,
                )
            )
    world.advance(days=31)


def _check_erasing(world: World) -> None:
    with world.begin(write=False) as uow:
        names = set(uow.db.execute(sa.select(UserRow.name, UserRow.username)))
    assert {(name, username.partition("-")[0]) for name, username in names} == {(None, "erased")}
    assert _subjects(world, "directory.erased") == USERS


SCENARIOS: Mapping[str, Scenario] = {
    "password.reset": Scenario(_begin_reset, _check_reset),
    "password.reset.undo": Scenario(_begin_undo, _check_undo),
    "policy.notices": Scenario(_begin_notices, _check_notices),
    "cleanup": Scenario(_begin_cleanup, _check_cleanup),
    "cleanup.requests": Scenario(_begin_cleaning_requests, _check_cleaning_requests),
    "reset.forget": Scenario(_begin_forgetting, _check_forgetting),
    "policy.snapshot": Scenario(_begin_snapshot, _check_snapshot),
    "directory.apply": Scenario(_begin_sync, _check_sync),
    "directory.erase": Scenario(_begin_erasing, _check_erasing),
}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every job take several batches."""
    monkeypatch.setattr(reset_batches, "BATCH", BATCH)
    monkeypatch.setattr(cleanup, "BATCH", BATCH)
    monkeypatch.setattr(policy_notices, "BATCH", BATCH)
    monkeypatch.setattr(policy_snapshots, "BATCH", BATCH)
    monkeypatch.setattr(applying, "BATCH", BATCH)
    monkeypatch.setattr(erasing, "BATCH", BATCH)


def test_every_kind_of_job_is_tried_here() -> None:
    assert SCENARIOS.keys() == {kind.name for kind in JOBS}


@pytest.mark.parametrize("kind", SCENARIOS)
def test_a_second_run_finds_nothing_to_do(world: World, kind: str) -> None:
    SCENARIOS[kind].begin(world)

    Runner(world.runtime).run_once()
    SCENARIOS[kind].check(world)
    Runner(world.runtime).run_once()
    world.advance(hours=2)
    Runner(world.runtime).run_once()

    SCENARIOS[kind].check(world)


@pytest.mark.parametrize("kind", SCENARIOS)
def test_workers_that_die_at_every_commit_lose_and_repeat_nothing(world: World, kind: str) -> None:
    SCENARIOS[kind].begin(world)

    deaths = run_with_deaths(world)

    assert deaths > 3
    SCENARIOS[kind].check(world)


def _subjects(world: World, code: str) -> int:
    """Return how many events of a code there are, and that each is about another user."""
    with world.begin(write=False) as uow:
        query = sa.select(AuditEventRow.subject_id).where(AuditEventRow.code == code)
        subjects = list(uow.db.scalars(query))
    assert len(set(subjects)) == len(subjects)
    return len(subjects)
