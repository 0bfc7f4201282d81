"""People and groups that take each other's places: nobody is in a group by an address that was."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from idp.clock import FakeClock
from idp.core.client_admin import create_client, remove_client, update_client
from idp.core.client_groups import groups_by_client
from idp.core.client_registration import Registration
from idp.core.group_roles import grant_group_role, revoke_group_role
from idp.core.groups import Group, get_group, group_names, list_groups, remove_group
from idp.core.jobs import Job, cancel_job, get_job
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.plans import apply_plan
from idp.core.roles import AdminRole
from idp.core.sync import applying
from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import Synced, sync_directory
from idp.core.work import HOST, UnitOfWork
from idp.errors import Conflict, IdpError
from idp.jobs.runner import Runner
from idp.store.directories import DirectoryMemberRow
from idp.store.groups import GroupRow, MembershipRow
from idp.store.users import UserRow
from tests.support.directories import PASSWORD
from tests.support.killing import WorkerDied, dying_at_commit
from tests.support.meanwhile import during
from tests.support.moving_directory import MovingDirectory
from tests.support.syncing import apply_to_end, sync_to_end
from tests.support.world import STAFF, World, open_world

NAME = "corp"
LISTING = (RunMode.FULL, RunMode.SWEEP)


@dataclass
class Bridge:
    """The product beside a directory whose people move."""

    world: World
    directory: MovingDirectory

    def sync(self, mode: RunMode = RunMode.INCREMENTAL) -> Synced:
        """Read and apply to the end."""
        self.world.advance(hours=25)  # so that those who leave do not add up
        synced = sync_to_end(self.world, NAME, mode)
        assert synced.run.held_because == ()
        return synced

    def read(self, mode: RunMode) -> str:
        """Read, and return the job that is to apply it."""
        self.world.advance(hours=1)
        synced = sync_directory(self.world.runtime, STAFF, NAME, mode)
        assert synced.run.held_because == ()
        assert synced.job_id is not None
        return synced.job_id

    def let_in(self, newcomer: str) -> None:
        """Let somebody sign in whom no run read yet."""
        form = SignInForm(username=newcomer, password=PASSWORD)
        assert isinstance(sign_in(self.world.runtime, STAFF, form), LoggedIn)

    def members(self, group: str) -> set[str]:
        """Return the logins of who is in a group."""
        with self.world.begin(write=False) as uow:
            users = uow.db.query(UserRow).all()
            names = group_names(uow, [user.id for user in users])
            return {user.username for user in users if group in names.get(user.id, ())}

    def groups(self) -> set[str]:
        """Return the names of all groups."""
        with self.world.begin(write=False) as uow:
            return {group.name for group in list_groups(uow)}

    def differing(self) -> dict[str, tuple[set[str], set[str]]]:
        """Return the groups in which others are than in the directory, with both."""
        told = {group: self.directory.members(group) for group in self.directory.places}
        here = {group: self.members(group) for group in told}
        return {group: (here[group], told[group]) for group in told if here[group] != told[group]}


def _open(
    database_url: str, clock: FakeClock, file: Path, directory: MovingDirectory
) -> Iterator[Bridge]:
    connector = {"kind": "csv", "path": str(file), "just_in_time": True}
    settings = {"connectors": {NAME: connector}}
    with open_world(database_url, clock, settings=settings) as world:
        own, world.runtime.directories = world.runtime.directories, directory
        yield Bridge(world, directory)
        world.runtime.directories = own


@pytest.fixture
def bridge(
    database_url: str, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bridge]:
    """Give one whose groups list people where they lie; each three changes are a batch."""
    monkeypatch.setattr(applying, "BATCH", 3)
    yield from _open(database_url, clock, tmp_path / "unread", MovingDirectory())


@pytest.fixture
def stale(database_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Bridge]:
    """Give one whose groups list addresses, whoever lies there."""
    yield from _open(database_url, clock, tmp_path / "unread", MovingDirectory(follows=False))


def _fill(directory: MovingDirectory) -> None:
    """Put people into groups that differ in who is in them, one of which is inside of another."""
    for number in range(3):
        directory.put_group(f"g{number}", f"ou=g{number}")
    directory.put_group("outer", "ou=outer")
    directory.nest("g0", "outer")
    for number in range(6):
        groups = [f"g{bit}" for bit in range(3) if (number + 1) >> bit & 1]
        directory.put(f"p{number}", f"at {number}", *groups)


@pytest.mark.parametrize("mode", RunMode)
def test_people_who_take_each_others_places(bridge: Bridge, mode: RunMode) -> None:
    _fill(bridge.directory)
    bridge.sync(RunMode.FULL)
    assert bridge.differing() == {}
    for circle in ((0, 1), (5, 4, 3, 2, 1, 0)):
        places = [bridge.directory.people[f"p{person}"] for person in circle]
        for person, place in zip(circle, (*places[1:], places[0]), strict=True):
            bridge.directory.put(f"p{person}", place)

        bridge.sync(mode)

        assert bridge.differing() == {}


@pytest.mark.parametrize("is_back", [True, False])
def test_a_chain_of_places(bridge: Bridge, *, is_back: bool) -> None:
    directory = bridge.directory
    _fill(directory)
    bridge.sync(RunMode.FULL)
    for number in range(6):
        directory.put(f"p{number}", f"at {number - 1 if is_back else number + 1}")

    bridge.sync()

    assert bridge.differing() == {}
    assert bridge.sync(RunMode.SWEEP).run.counts["gone"] == 0
    assert bridge.differing() == {}


def test_somebody_at_the_place_of_who_is_gone_is_in_none_of_their_groups(bridge: Bridge) -> None:
    directory = bridge.directory
    _fill(directory)
    bridge.sync(RunMode.FULL)
    directory.drop("p0")
    directory.put("new", "at 0")
    directory.drop("p2")
    directory.put("p3", "at 2")
    bridge.sync()
    assert bridge.differing() == {}


def test_who_was_out_of_sight_is_in_the_same_groups_again(bridge: Bridge) -> None:
    directory = bridge.directory
    _fill(directory)
    bridge.sync(RunMode.FULL)
    directory.hide("p0")
    directory.put("new", "at 0")
    bridge.sync()
    assert bridge.differing() == {}
    directory.put("p0", "at 9")

    bridge.sync()

    assert "p0" in bridge.members("outer")
    assert bridge.differing() == {}


@pytest.mark.parametrize("group", ["moves", "goes", "went"])
def test_somebody_at_the_place_of_a_group_is_not_the_group(bridge: Bridge, group: str) -> None:
    directory = bridge.directory
    _fill(directory)
    bridge.sync(RunMode.FULL)
    assert bridge.members("outer") == {"p0", "p2", "p4"}
    if group == "moves":
        directory.put_group("g0", "ou=elsewhere")
    else:
        directory.drop("g0")
    if group == "went":
        bridge.sync()
    directory.put("p1", "ou=g0")

    bridge.sync()

    assert bridge.differing() == {}


def test_a_group_goes_though_somebody_in_it_moves_in_the_same_run(bridge: Bridge) -> None:
    _fill(bridge.directory)
    bridge.sync(RunMode.FULL)
    bridge.directory.put("p0", "at 9")
    bridge.directory.drop("g0")

    bridge.sync()

    assert bridge.groups() == {"g1", "g2", "outer"}
    assert bridge.differing() == {}


def test_a_run_that_saw_two_at_one_place_ends(bridge: Bridge) -> None:
    _fill(bridge.directory)
    bridge.sync(RunMode.FULL)
    for number in range(4):  # more than a batch
        bridge.directory.put(f"p{number}", "at 9")

    assert bridge.sync().run.counts["moved"] == 4

    for number in range(1, 4):
        bridge.directory.put(f"p{number}", f"at {number}")
    bridge.sync()
    bridge.sync(RunMode.SWEEP)
    assert bridge.differing() == {}


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_listing_is_believed_about_groups_that_say_the_same(
    stale: Bridge, *, is_taken: bool
) -> None:
    stale.directory.put_group("admins", "ou=admins")
    stale.directory.put("old", "at 1", "admins")
    stale.sync(RunMode.FULL)
    stale.directory.put("old", "at 2")
    if is_taken:
        stale.directory.put("new", "at 1")

    stale.sync(RunMode.FULL)

    assert stale.members("admins") == ({"new"} if is_taken else set())


@pytest.mark.parametrize("mode", LISTING)
def test_a_run_that_would_take_a_role_by_a_move_is_held(stale: Bridge, mode: RunMode) -> None:
    stale.directory.put_group("admins", "ou=admins")
    stale.directory.put("ada", "at 1", "admins")
    stale.sync(RunMode.FULL)
    _give_role(stale.world, "admins")
    stale.directory.put("ada", "at 2")

    held = sync_directory(stale.world.runtime, STAFF, NAME, mode)

    assert (held.run.held_because, held.job_id) == (("role_lost",), None)


def test_who_moves_with_the_group_keeps_a_role_without_an_end_of_anything(bridge: Bridge) -> None:
    _fill(bridge.directory)
    bridge.sync(RunMode.FULL)
    for group in ("outer", "g2"):
        _give_role(bridge.world, group)
    before = _epochs(bridge.world)
    bridge.directory.put("p0", "ou=g0")
    bridge.directory.put("p2", "at 0")
    bridge.directory.put_group("g0", "at 2")
    for number in (3, 4, 5):
        bridge.directory.put(f"p{number}", f"at {number + 10}")

    bridge.sync()

    assert bridge.differing() == {}
    assert _epochs(bridge.world) == before


def _give_role(world: World, group: str) -> None:
    with world.begin() as uow:
        grant_group_role(uow, get_group(uow, group).id, AdminRole.AUDITOR)


def _epochs(world: World) -> dict[str, int]:
    with world.begin(write=False) as uow:
        return {user.username: user.epoch for user in uow.db.query(UserRow)}


def test_who_moved_in_a_group_that_was_not_read_is_looked_at_in_the_next_listing(
    stale: Bridge,
) -> None:
    stale.directory.put_group("admins", "ou=admins")
    stale.directory.put("ada", "at 1", "admins")
    stale.directory.put("ben", "at 3", "admins")
    stale.sync(RunMode.FULL)
    stale.directory.put("ada", "at 2")
    stale.sync()
    assert stale.members("admins") == {"ada", "ben"}

    stale.sync(RunMode.SWEEP)

    assert stale.members("admins") == {"ben"}
    assert stale.sync(RunMode.SWEEP).plan_id is None


def test_whoever_moves_wherever_and_whenever_a_worker_dies(bridge: Bridge) -> None:
    world, directory = bridge.world, bridge.directory
    engine = world.runtime.database.engine
    _fill(directory)
    bridge.sync(RunMode.FULL)
    deaths, is_alive, mode = 0, False, RunMode.INCREMENTAL
    while not is_alive:
        deaths += 1
        mode = RunMode.INCREMENTAL if deaths % 3 else LISTING[deaths % 2]
        _move_some(directory, deaths)
        world.advance(hours=1)
        job_id = sync_directory(world.runtime, STAFF, NAME, mode).job_id
        assert job_id is not None
        with dying_at_commit(engine, deaths):
            try:
                apply_to_end(world, job_id)
                is_alive = True
            except WorkerDied:
                world.advance(minutes=3)
                Runner(world.runtime).run_job(job_id)
        if mode is RunMode.SWEEP:
            bridge.sync()  # which tells who is new
        assert bridge.differing() == {}, (deaths, mode)
    assert deaths > 8


def _move_some(directory: MovingDirectory, number: int) -> None:
    """Let people and groups change places, somebody leave, and somebody else come there."""
    gone = _mixed(directory.people, number)[0]
    left = directory.people[gone]
    directory.drop(gone)
    directory.put(f"n{number}", left, *_mixed(directory.places, number)[: number % 2])
    everybody = directory.people | directory.places
    moving = _mixed(everybody, number)[:5]
    places = _mixed((*(everybody[one] for one in moving), f"free {number}"), number)
    for one, at in zip(moving, places, strict=False):
        if one in directory.people:
            directory.put(one, at)
        else:
            directory.put_group(one, at)
    assert len({*directory.people.values(), *directory.places.values()}) == len(everybody)


def _mixed(names: Iterable[str], number: int) -> list[str]:
    """Return names in an order that is another one for each number."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{number} {name}".encode()).digest())


def test_a_run_that_saw_few_settles_their_groups_alone(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "MANY", 1)
    for group in ("quiet", "busy"):
        bridge.directory.put_group(group, f"ou={group}")
    for number in range(20):
        bridge.directory.put(f"p{number}", f"at {number}")
    bridge.sync(RunMode.FULL)
    with bridge.world.begin() as uow:
        stray = uow.db.query(UserRow).filter_by(username="p1").one()
        uow.db.add(MembershipRow(group_id=get_group(uow, "quiet").id, user_id=stray.id))
    bridge.directory.put("p0", "at 99", "busy")

    bridge.sync()

    assert (bridge.members("quiet"), bridge.members("busy")) == ({"p1"}, {"p0"})


@pytest.mark.parametrize("is_renamed", [True, False])
def test_a_group_that_moves_and_changes_at_once_is_not_where_it_was(
    stale: Bridge, *, is_renamed: bool
) -> None:
    directory = stale.directory
    directory.put_group("inner", "ou=inner")
    directory.put_group("outer", "ou=outer")
    directory.nest("inner", "outer")
    directory.put("ada", "at 1", "inner")
    directory.put("ben", "at 2", "outer")
    stale.sync(RunMode.FULL)
    assert stale.members("outer") == {"ada", "ben"}
    if is_renamed:
        directory.put_group("inner", "ou=elsewhere", "renamed")
    else:
        directory.put_group("inner", "ou=elsewhere")
        directory.put("cat", "at 3", "inner")

    stale.sync(RunMode.FULL)

    assert stale.members("outer") == {"ben"}
    assert stale.sync(RunMode.FULL).plan_id is None


@pytest.fixture
def auditors(bridge: Bridge) -> dict[str, int]:
    """Have people in groups, one of which gives a role; return their epochs."""
    directory = bridge.directory
    directory.put_group("auditors", "ou=auditors")
    directory.put_group("readers", "ou=readers")
    for number in range(4):  # more than a batch
        directory.put(f"p{number}", f"at {number}", "auditors", "readers")
    bridge.sync(RunMode.FULL)
    _give_role(bridge.world, "auditors")
    return _epochs(bridge.world)


def _carry(bridge: Bridge, people: Iterable[str]) -> None:
    for person in people:
        bridge.directory.carry(person, f"{person} elsewhere")


def test_who_is_let_in_between_two_batches_takes_nothing_from_others(
    bridge: Bridge, auditors: dict[str, int]
) -> None:
    newcomers = [f"n{number}" for number in range(20)]
    for newcomer in newcomers:
        bridge.directory.put(newcomer, newcomer, "auditors")
    bridge.sync(RunMode.SWEEP)  # which reads groups, and of people where they are
    _carry(bridge, auditors)
    job_id = bridge.read(RunMode.SWEEP)
    entered: set[str] = set()
    phases: set[str] = set()
    lost: set[tuple[str, str]] = set()

    def enter(job: Job) -> None:
        newcomer = newcomers.pop()
        bridge.let_in(newcomer)
        entered.add(newcomer)
        phase = (job.cursor or "").partition(":")[0]
        phases.add(phase)
        lost.update((phase, one) for one in auditors.keys() - bridge.members("auditors"))

    Runner(bridge.world.runtime).run_job(job_id, enter)

    assert phases >= {"new", "moves", "lists", "settling"}
    assert lost == set()
    assert _epochs(bridge.world).items() >= auditors.items()
    assert bridge.members("auditors") == auditors.keys() | entered
    granted = bridge.world.event_codes().count("admin.granted")
    assert granted == len(auditors.keys() | entered)


def _stopped_before_lists(world: World, job_id: str) -> Job:
    """Apply until groups come next, and return the job as it is then."""
    waiting: list[Job] = []

    def stop(job: Job) -> None:
        if job.cursor == "lists:-1":
            waiting.append(job)
            raise WorkerDied

    with pytest.raises(WorkerDied):
        Runner(world.runtime).run_job(job_id, stop)
    return waiting[0]


def test_who_is_let_in_while_lists_are_taken_is_in_the_groups_that_they_name(
    bridge: Bridge, auditors: dict[str, int]
) -> None:
    bridge.directory.put("new", "at 9", "auditors")
    job_id = bridge.read(RunMode.SWEEP)
    job = _stopped_before_lists(bridge.world, job_id)

    during(
        bridge.world,
        lambda uow: applying.apply_batch(uow, job),
        lambda: bridge.let_in("new"),
    )

    assert bridge.members("auditors") == {*auditors, "new"}


@pytest.mark.parametrize("is_read", [True, False], ids=["moved and read", "read and moved"])
def test_who_is_let_in_at_the_place_of_somebody_who_moved_takes_nothing_from_them(
    bridge: Bridge, auditors: dict[str, int], *, is_read: bool
) -> None:
    bridge.directory.put("p0" if is_read else "p1", "at 9")
    job_id = bridge.read(RunMode.FULL)
    if not is_read:
        bridge.directory.put("p0", "at 8")
    bridge.directory.put("new", "at 0")
    bridge.let_in("new")

    apply_to_end(bridge.world, job_id)

    assert bridge.members("auditors") == bridge.members("readers") == auditors.keys()
    assert _epochs(bridge.world).items() >= auditors.items()
    bridge.sync(RunMode.SWEEP)
    assert bridge.differing() == {}


def test_nobody_leaves_by_a_run_that_was_cancelled_between_moves_and_lists(
    bridge: Bridge, auditors: dict[str, int]
) -> None:
    _carry(bridge, auditors)
    job_id = bridge.read(RunMode.SWEEP)

    def cancel(job: Job) -> None:
        if job.cursor == "lists:-1" and not job.is_ended:
            with bridge.world.begin() as uow:
                cancel_job(uow, job.id)

    Runner(bridge.world.runtime).run_job(job_id, cancel)
    with bridge.world.begin(write=False) as uow:
        assert get_job(uow, job_id).state == "cancelled"

    bridge.sync()

    assert bridge.differing() == {}
    assert _epochs(bridge.world) == auditors


def _publish_for_admins(world: World) -> None:
    world.publish_policy({"groups": {"Admins": {"rules": {"length": {"min": 20}}}}})


def _add_app(world: World, *groups: str) -> None:
    app = Registration(
        client_id="web", redirect_uris=("https://web.example/cb",), allowed_groups=groups
    )
    with world.begin() as uow:
        create_client(uow, app)


def _limit_app(world: World, *groups: str) -> None:
    with world.begin() as uow:
        update_client(uow, "web", {"allowed_groups": groups})


def _remove_app(world: World) -> None:
    with world.begin() as uow:
        remove_client(uow, "web")


def _take_role(world: World) -> None:
    with world.begin() as uow:
        assert revoke_group_role(uow, get_group(uow, "Admins").id, AdminRole.AUDITOR)


NAMING: dict[str, Callable[[World], object]] = {
    "policy": _publish_for_admins,
    "app": lambda world: _add_app(world, "Admins"),
    "role": lambda world: _give_role(world, "Admins"),
}
UNNAMING: dict[str, Callable[[World], object]] = {
    "policy": lambda world: world.publish_policy({"rules": {"length": {"min": 8}}}),
    "app": _limit_app,
    "role": _take_role,
}


class TestGroupsThatVanished:
    @pytest.fixture(autouse=True)
    def admins(self, bridge: Bridge) -> None:
        """Have a group of the directory that nothing names yet."""
        bridge.directory.put_group("g1", "ou=admins", "Admins")
        bridge.directory.put("ada", "at 1", "g1")
        bridge.sync(RunMode.FULL)

    def vanish(self, bridge: Bridge, *named_by: str) -> None:
        """Have the group be named, and be gone from the directory then; a run is released."""
        for what in named_by:
            NAMING[what](bridge.world)
        bridge.directory.drop("g1")
        runtime = bridge.world.runtime
        synced = sync_directory(runtime, STAFF, NAME, RunMode.SWEEP)
        assert synced.plan_id is not None
        job_id = synced.job_id or apply_plan(runtime, STAFF, synced.plan_id, None, HOST)
        apply_to_end(bridge.world, job_id)
        assert (bridge.groups(), bridge.members("Admins")) == ({"Admins"}, set())

    def come(self, bridge: Bridge, mode: RunMode, stable_id: str) -> Group:
        """Have a group of its name come to the directory; return what is known of it then."""
        bridge.directory.put_group(stable_id, "ou=admins", "Admins")
        bridge.directory.put("ada", "at 1", stable_id)
        bridge.sync(mode)
        assert (bridge.groups(), bridge.members("Admins")) == ({"Admins"}, {"ada"})
        assert bridge.sync(RunMode.SWEEP).plan_id is None
        with bridge.world.begin() as uow:
            return get_group(uow, "Admins")

    def apps(self, bridge: Bridge) -> dict[str, tuple[str, ...]]:
        """Return the groups that the app is for."""
        with bridge.world.begin() as uow:
            return groups_by_client(uow, ["web"])

    @pytest.mark.parametrize("mode", RunMode)
    def test_it_is_the_same_group_when_it_is_back(self, bridge: Bridge, mode: RunMode) -> None:
        with bridge.world.begin() as uow:
            before = get_group(uow, "Admins")
        epochs = _epochs(bridge.world)

        self.vanish(bridge, *NAMING)
        after = self.come(bridge, mode, "g1")

        assert after == replace(before, roles=("auditor",))
        assert self.apps(bridge) == {"web": ("Admins",)}
        assert _epochs(bridge.world) == {"ada": epochs["ada"] + 1}
        codes = bridge.world.event_codes()
        told = [code for code in codes if code.startswith(("admin.", "group.changed"))]
        lost = ["admin.granted", "admin.revoked", "group.changed"]
        assert told == [*lost, "group.changed", "admin.granted"]

    @pytest.mark.parametrize("mode", RunMode)
    def test_another_one_of_its_name_is_it_for_the_policy_alone(
        self, bridge: Bridge, mode: RunMode
    ) -> None:
        self.vanish(bridge, *NAMING)

        assert self.come(bridge, mode, "g2").roles == ()
        assert self.apps(bridge) == {}

    def test_of_two_that_come_the_one_with_its_id_is_it(self, bridge: Bridge) -> None:
        self.vanish(bridge, *NAMING)
        bridge.directory.put_group("f0", "ou=other", "Admins")
        bridge.directory.put_group("g1", "ou=admins", "Admins")
        bridge.directory.put("ada", "at 1", "g1")

        bridge.sync()

        assert bridge.members("Admins") == {"ada"}
        assert bridge.groups() == {"Admins", f"Admins ({NAME})"}

    @pytest.mark.parametrize(
        ("name", "unname"),
        [*zip(NAMING, UNNAMING.values(), strict=True), ("app", _remove_app)],
        ids=[*NAMING, "removed app"],
    )
    def test_no_run_finds_it_gone_again_while_it_is_named(
        self, bridge: Bridge, name: str, unname: Callable[[World], object]
    ) -> None:
        self.vanish(bridge, name)
        with pytest.raises(Conflict, match=r"group\.directory_owned"), bridge.world.begin() as uow:
            remove_group(uow, "Admins")
        assert bridge.sync(RunMode.SWEEP).plan_id is None

        unname(bridge.world)
        bridge.sync(RunMode.SWEEP)

        assert bridge.groups() == set()
        assert bridge.world.count(DirectoryMemberRow) == 0

    def test_it_stays_until_nothing_names_it(self, bridge: Bridge) -> None:
        self.vanish(bridge, *NAMING)
        for unname in UNNAMING.values():
            assert bridge.sync(RunMode.FULL).plan_id is None
            unname(bridge.world)

        bridge.sync(RunMode.FULL)

        assert bridge.groups() == set()

    def test_many_that_vanished_little_by_little_go_at_once(self, bridge: Bridge) -> None:
        names = [f"team {number}" for number in range(6)]
        for name in names:
            bridge.directory.put_group(name, f"ou={name}")
        bridge.sync(RunMode.FULL)
        _add_app(bridge.world, *names)
        for part in (names[:3], names[3:]):
            for name in part:
                bridge.directory.drop(name)
            bridge.sync(RunMode.SWEEP)
        assert bridge.groups() == {"Admins", *names}
        _remove_app(bridge.world)

        bridge.sync(RunMode.SWEEP)

        assert bridge.groups() == {"Admins"}

    def name_meanwhile(self, bridge: Bridge, by: str, job_id: str) -> None:
        """Apply a run while an app or a role that names the group is about to be committed."""

        def name(uow: UnitOfWork) -> None:
            if by == "app":
                update_client(uow, "web", {"allowed_groups": ("Admins",)})
            else:
                grant_group_role(uow, get_group(uow, "Admins").id, AdminRole.AUDITOR)

        during(bridge.world, name, lambda: apply_to_end(bridge.world, job_id))

    @pytest.mark.parametrize("by", ["app", "role"])
    def test_it_stays_for_what_names_it_just_as_it_vanishes(self, bridge: Bridge, by: str) -> None:
        _add_app(bridge.world)
        bridge.directory.drop("g1")
        job_id = bridge.read(RunMode.SWEEP)
        self.name_meanwhile(bridge, by, job_id)

        assert (bridge.groups(), bridge.members("Admins")) == ({"Admins"}, set())
        assert bridge.sync(RunMode.SWEEP).plan_id is None

    @pytest.mark.parametrize("by", ["app", "role"])
    def test_another_one_of_its_name_gets_nothing_that_is_given_just_then(
        self, bridge: Bridge, by: str
    ) -> None:
        _add_app(bridge.world)
        self.vanish(bridge, "policy")
        bridge.directory.put_group("g2", "ou=admins", "Admins")
        bridge.directory.put("ada", "at 1", "g2")
        job_id = bridge.read(RunMode.FULL)
        self.name_meanwhile(bridge, by, job_id)

        assert bridge.members("Admins") == {"ada"}
        assert self.apps(bridge) == {}
        with bridge.world.begin() as uow:
            assert get_group(uow, "Admins").roles == ()

    def test_no_role_is_given_to_one_that_goes_at_this_moment(self, bridge: Bridge) -> None:
        bridge.directory.drop("g1")
        job = self._job_before_lists(bridge)

        with pytest.raises(IdpError, match=r"group\.(changed_meanwhile|not_found)"):
            during(
                bridge.world,
                lambda uow: applying.apply_batch(uow, job),
                lambda: _give_role(bridge.world, "Admins"),
            )

        assert bridge.groups() == set()

    def test_whoever_names_one_of_several_that_go_waits_for_nobody_in_them(
        self, bridge: Bridge
    ) -> None:
        for group in ("g0", "g2"):
            bridge.directory.put_group(group, f"ou={group}")
            bridge.directory.put("ada", "at 1", group)
        bridge.sync(RunMode.FULL)
        for group in ("g0", "g2"):
            _give_role(bridge.world, group)
            bridge.directory.drop(group)
        job = self._job_before_lists(bridge)

        def hold(uow: UnitOfWork) -> None:
            key = (uow.realm, get_group(uow, "g2").id)
            uow.db.get_one(GroupRow, key, with_for_update={"key_share": True})

        def apply() -> None:
            with bridge.world.begin() as uow:
                applying.apply_batch(uow, job)

        def take(uow: UnitOfWork) -> None:
            revoke_group_role(uow, get_group(uow, "g2").id, AdminRole.AUDITOR)

        during(bridge.world, hold, apply, take)

        assert bridge.groups() == {"Admins", "g0"}

    def _job_before_lists(self, bridge: Bridge) -> Job:
        """Read, and apply until groups come next."""
        bridge.world.advance(hours=25)
        runtime = bridge.world.runtime
        synced = sync_directory(runtime, STAFF, NAME, RunMode.SWEEP)
        assert synced.plan_id is not None
        job_id = synced.job_id or apply_plan(runtime, STAFF, synced.plan_id, None, HOST)
        return _stopped_before_lists(bridge.world, job_id)
