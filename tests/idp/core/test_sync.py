"""What a run over a directory does to accounts, with a CSV file as the directory."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from idp.clock import FakeClock
from idp.core.groups import group_names, list_groups
from idp.core.plans import apply_plan, create_plan, get_plan
from idp.core.sync.runs import RunMode, RunState, list_runs
from idp.core.sync_schedule import Synced, find_due, sync_directory
from idp.core.work import HOST
from idp.errors import Conflict
from idp.jobs.runner import Runner
from idp.store.directories import DirectoryLinkRow, DirectoryStageRow
from idp.store.jobs import JobRow
from idp.store.users import UserRow
from tests.support.killing import WorkerDied, dying_at_commit
from tests.support.syncing import apply_to_end, sync_to_end
from tests.support.world import STAFF, World, open_world

NAME = "crm"
COLUMNS = ("id", "login", "email", "name", "enabled", "must_change", "groups")


@dataclass
class Directory:
    """A file that is a directory, and the product that reads it."""

    world: World
    file: Path
    people: dict[str, dict[str, str]]

    def put(self, stable_id: str, **cells: str) -> None:
        """Add or change somebody."""
        login = cells.get("login", stable_id)
        default = {"id": stable_id, "login": login, "email": f"{login}@example.com", "name": login}
        self.people[stable_id] = {**default, **self.people.get(stable_id, {}), **cells}
        self.save()

    def drop(self, *ids: str) -> None:
        """Take somebody out."""
        for stable_id in ids:
            del self.people[stable_id]
        self.save()

    def save(self) -> None:
        """Write the file as it is to be read."""
        with self.file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(self.people.values())

    def sync(self, mode: RunMode = RunMode.FULL) -> Synced:
        """Read and apply, as the schedule does, until all is done."""
        return sync_to_end(self.world, NAME, mode)

    def release(self, plan_id: str) -> None:
        """Apply a held plan, as an administrator does."""
        apply_to_end(self.world, apply_plan(self.world.runtime, STAFF, plan_id, None, HOST))

    def users(self) -> dict[str, UserRow]:
        """Return the directory's accounts by stable id."""
        with self.world.begin(write=False) as uow:
            links = uow.db.query(DirectoryLinkRow).all()
            return {
                link.stable_id: uow.db.get_one(UserRow, (STAFF, link.user_id)) for link in links
            }

    def user(self, stable_id: str) -> UserRow:
        """Return one account."""
        return self.users()[stable_id]


@pytest.fixture
def directory(database_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Directory]:
    """Give a directory with nobody in it."""
    file = tmp_path / "people.csv"
    settings = {"connectors": {NAME: {"kind": "csv", "path": str(file)}}}
    with open_world(database_url, clock, settings=settings) as world:
        made = Directory(world, file, {})
        made.save()
        yield made


def test_names_that_no_database_takes_cost_their_entry_and_not_the_run(
    directory: Directory,
) -> None:
    directory.put("ada", groups="makers")
    directory.put("ben", groups="makers")
    directory.sync()

    directory.put("ben", login="b\0en", groups="makers;re\0aders")
    directory.put("c\0at", login="cat")
    directory.put("d" * 257, login="dan")
    directory.put("eve", email="e\0ve@example.com", name="E\0ve")
    counts = directory.sync().run.counts

    assert (counts["create"], counts["rejected"], counts["gone"]) == (1, 3, 0)
    users = directory.users()
    assert {user.username for user in users.values()} == {"ada", "ben", "eve"}
    with directory.world.begin(write=False) as uow:
        assert group_names(uow, [users["ben"].id]) == {users["ben"].id: ("makers",)}


def test_new_changed_and_leaving_people(directory: Directory) -> None:
    for name in ("ada", "ben", "cat"):
        directory.put(name)
    first = directory.sync()
    assert first.run.counts["create"] == 3
    before = directory.users()
    assert {user.username for user in before.values()} == {"ada", "ben", "cat"}
    assert {user.connector for user in before.values()} == {NAME}

    directory.put("ada", name="Ada Lovelace")
    directory.put("ben", login="benjamin")
    directory.drop("cat")
    second = directory.sync()

    after = directory.users()
    assert (second.run.counts["update"], second.run.counts["gone"]) == (2, 1)
    assert after["ada"].name == "Ada Lovelace"
    assert after["ben"].username == "benjamin"
    assert after["cat"].status == "inactive"
    assert after["cat"].epoch > before["cat"].epoch
    assert {id_: user.sub for id_, user in after.items()} == {
        id_: user.sub for id_, user in before.items()
    }


def test_a_second_run_changes_nothing(directory: Directory) -> None:
    for number in range(30):
        directory.put(f"u{number}", groups="Office;Field")
    directory.sync()
    with directory.world.begin(write=False) as uow:
        before = [(user.id, user.updated_at, user.version) for user in uow.db.query(UserRow)]
    directory.world.advance(hours=1)

    again = directory.sync()

    assert again.plan_id is None
    assert not any(again.run.counts[op] for op in ("create", "update", "gone", "group_update"))
    with directory.world.begin(write=False) as uow:
        after = [(user.id, user.updated_at, user.version) for user in uow.db.query(UserRow)]
        assert list_runs(uow, NAME)[0].state is RunState.APPLIED
    assert after == before
    assert directory.world.count(DirectoryStageRow) == 0


def test_disabled_is_not_removed_and_each_word_stands_alone(directory: Directory) -> None:
    directory.put("ada")
    directory.sync()
    directory.put("ada", enabled="false")
    directory.sync()
    assert directory.user("ada").status == "inactive"
    directory.put("ada", enabled="true")
    directory.sync()
    assert directory.user("ada").status == "active"


def test_someone_new_gets_a_login_that_somebody_left_behind(directory: Directory) -> None:
    directory.put("old", login="ada")
    directory.sync()
    old = directory.user("old")
    directory.drop("old")
    directory.put("new", login="ada")
    directory.sync()

    users = directory.users()
    assert users["new"].username == "ada"
    assert users["new"].sub != old.sub
    assert users["old"].status == "inactive"

    directory.drop("new")
    directory.put("old", login="ada")
    directory.sync()
    users = directory.users()
    assert (users["old"].username, users["old"].status) == ("ada", "active")
    assert users["old"].sub == old.sub


def test_two_people_swap_their_logins(directory: Directory) -> None:
    directory.put("a", login="ada")
    directory.put("b", login="ben")
    directory.sync()
    subs = {id_: user.sub for id_, user in directory.users().items()}
    directory.put("a", login="ben")
    directory.put("b", login="ada")

    directory.sync()

    users = directory.users()
    assert {id_: user.username for id_, user in users.items()} == {"a": "ben", "b": "ada"}
    assert {id_: user.sub for id_, user in users.items()} == subs


def test_a_local_account_is_never_taken_over(directory: Directory) -> None:
    local = directory.world.add_user("ada")
    directory.put("x", login="ADA")

    synced = directory.sync()

    assert synced.run.counts["conflict"] == 1
    assert directory.users() == {}
    assert directory.world.user(local).connector is None


def test_the_email_address_of_a_local_account_is_nobodys_login(directory: Directory) -> None:
    directory.world.add_user("ada")
    directory.put("x", login="Ada@Example.com", email="x@example.com")
    directory.put("y", login="ben")
    first = directory.sync()
    directory.put("y", login="ada@example.com")

    directory.sync()

    assert (first.run.counts["conflict"], first.run.counts["create"]) == (1, 1)
    assert {id_: user.username for id_, user in directory.users().items()} == {"y": "ben"}


def test_an_email_address_that_became_a_local_accounts_meanwhile_is_nobodys_login(
    directory: Directory,
) -> None:
    directory.put("x", login="ada@example.com")
    params = {"connector": NAME, "mode": "full"}
    plan = create_plan(directory.world.runtime, STAFF, "directory.sync", params, HOST)
    directory.world.add_user("ada")

    directory.release(plan.id)

    assert plan.counts["create"] == 1
    assert directory.users() == {}


def test_a_run_that_takes_too_many_away_waits(directory: Directory) -> None:
    for number in range(40):
        directory.put(f"u{number}")
    directory.sync()
    directory.drop(*(f"u{number}" for number in range(25)))

    held = directory.sync()

    assert held.job_id is None
    assert set(held.run.held_because) == {"too_many_gone", "fewer_seen"}
    assert {user.status for user in directory.users().values()} == {"active"}
    codes = directory.world.event_codes()
    assert codes.count("directory.sync_held") == 1

    assert held.plan_id is not None
    directory.release(held.plan_id)
    gone = [user for user in directory.users().values() if user.status == "inactive"]
    assert len(gone) == 25


def test_small_steps_add_up(directory: Directory) -> None:
    for number in range(60):
        directory.put(f"u{number}")
    directory.sync()
    directory.drop(*(f"u{number}" for number in range(15)))
    directory.world.advance(hours=1)
    assert "too_many_gone" not in directory.sync().run.held_because
    directory.drop(*(f"u{number}" for number in range(15, 25)))
    directory.world.advance(hours=1)

    assert "too_many_gone" in directory.sync().run.held_because


def test_an_empty_directory_takes_nobody_away(directory: Directory) -> None:
    for number in range(5):
        directory.put(f"u{number}")
    directory.sync()
    directory.drop(*(f"u{number}" for number in range(5)))

    held = directory.sync()

    assert "nothing_seen" in held.run.held_because
    assert {user.status for user in directory.users().values()} == {"active"}


def test_groups_of_the_directory(directory: Directory) -> None:
    directory.put("ada", groups="Office")
    directory.put("ben", groups="Office;Field")
    directory.sync()
    assert members(directory, "Office") == {"ada", "ben"}
    directory.put("ada", groups="Field")
    directory.sync()
    assert members(directory, "Office") == {"ben"}
    assert members(directory, "Field") == {"ada", "ben"}
    directory.put("ben", groups="Field")
    directory.sync()
    assert members(directory, "Field") == {"ada", "ben"}
    with directory.world.begin(write=False) as uow:
        assert [group.name for group in list_groups(uow)] == ["Field"]
    directory.put("new", groups="Office")
    directory.sync()
    directory.put("new", groups="")
    for name in ("ada", "ben"):
        directory.put(name, groups="")
    assert directory.sync().run.held_because == ("groups_gone",)
    assert members(directory, "Field") == {"ada", "ben"}


def members(directory: Directory, group: str) -> set[str]:
    with directory.world.begin(write=False) as uow:
        users = uow.db.query(UserRow).all()
        names = group_names(uow, [user.id for user in users])
        return {user.username for user in users if group in names.get(user.id, ())}


def test_nothing_happens_by_itself_before_a_first_plan(directory: Directory) -> None:
    directory.put("ada")
    runtime = directory.world.runtime
    connector = runtime.config.connectors[NAME]
    assert find_due(runtime, STAFF, NAME, connector) is None
    assert Runner(runtime).run_once() >= 0
    assert directory.users() == {}

    plan = create_plan(runtime, STAFF, "directory.sync", {"connector": NAME}, HOST)
    assert directory.users() == {}
    directory.release(plan.id)
    assert set(directory.users()) == {"ada"}
    with directory.world.begin(write=False) as uow:
        assert get_plan(uow, plan.id).state == "applied"

    directory.put("ben")
    directory.world.advance(days=1, minutes=1)
    assert find_due(runtime, STAFF, NAME, connector) is RunMode.FULL
    Runner(runtime).run_once()
    assert set(directory.users()) == {"ada", "ben"}


def test_a_run_whose_job_gave_up_does_not_stop_the_next(directory: Directory) -> None:
    directory.put("ada")
    synced = sync_directory(directory.world.runtime, STAFF, NAME, RunMode.FULL)
    with pytest.raises(Conflict, match=r"directory\.busy"):
        directory.sync()
    with directory.world.begin() as uow:
        uow.db.get_one(JobRow, (STAFF, synced.job_id)).state = "failed"

    directory.world.advance(minutes=1)
    directory.sync()

    assert set(directory.users()) == {"ada"}


def test_a_run_that_dies_anywhere_is_finished_by_the_next(directory: Directory) -> None:
    world = directory.world
    engine = world.runtime.database.engine
    directory.put("stays", groups="Office")
    directory.sync()
    deaths, is_alive = 0, False
    while not is_alive:
        deaths += 1
        world.advance(hours=25)  # so that the few who leave do not add up
        directory.put("stays", name=f"Name {deaths}", groups=f"Group {deaths}")
        directory.put(f"new-{deaths}", groups=f"Group {deaths}")
        directory.put(f"new-{deaths - 1}", enabled="false")
        directory.drop(*(name for name in directory.people if name == f"new-{deaths - 2}"))
        with dying_at_commit(engine, deaths):
            try:
                directory.sync()
                is_alive = True
            except WorkerDied:
                world.advance(hours=25)
                Runner(world.runtime).run_once()
                directory.sync()

        users = directory.users()
        assert users["stays"].name == f"Name {deaths}"
        assert members(directory, f"Group {deaths}") == {"stays", f"new-{deaths}"}
        active = {id_ for id_, user in users.items() if user.status == "active"}
        assert active == {"stays", f"new-{deaths}"}
        assert len(users) == deaths + 2  # and "new-0"
        assert world.count(DirectoryStageRow) == 0
    assert deaths > 8
