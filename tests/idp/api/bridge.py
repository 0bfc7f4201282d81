"""The product beside an OpenLDAP server whose groups count here."""

import itertools
from dataclasses import dataclass

from idp.core.group_roles import set_group_roles
from idp.core.groups import get_group
from idp.core.plans import apply_plan, get_plan
from idp.core.roles import AdminRole, revoke_role, roles_by_user
from idp.core.sync.change_rows import DONE
from idp.core.sync.runs import Run, RunMode, RunState, get_run
from idp.core.work import HOST
from idp.ids import UserId
from idp.store.directories import DirectoryChangeRow, DirectoryLinkRow
from tests.idp.api.desk import Desk
from tests.support.slapd import (
    GROUPS,
    SlapdServer,
)
from tests.support.syncing import apply_to_end, sync_to_end
from tests.support.world import STAFF

NAME = "corp"
NUMBERS = itertools.count(1)


@dataclass
class Bridge:
    """The product beside a directory, and the desk at which its administrators work."""

    desk: Desk
    server: SlapdServer

    def people(self, count: int) -> list[tuple[str, str]]:
        """Add people to the directory; return DN and login of each."""
        return [self.server.add_person() for _ in range(count)]

    def group(self, *members: str) -> str:
        """Add a group to the directory; return its DN."""
        name = f"team{next(NUMBERS)}"
        dn = f"cn={name},{GROUPS}"
        self.server.add(
            dn, {"objectClass": ["groupOfNames"], "cn": [name], "member": list(members)}
        )
        return dn

    def move(self, dn: str, below: str) -> str:
        """Have a group lie elsewhere, as the same one; return its DN there."""
        name = dn.partition(",")[0]
        moved = (
            "changetype: modrdn",
            f"newrdn: {name}",
            "deleteoldrdn: 0",
            f"newsuperior: {below}",
        )
        self.server.change(dn, *moved)
        return f"{name},{below}"

    def sync(self, mode: RunMode = RunMode.SWEEP) -> tuple[str, ...]:
        """Read, and apply unless it is held; return why it is."""
        return sync_to_end(self.desk.story.world, NAME, mode).run.held_because

    def release(self) -> Run:
        """Read, and apply although it is held, as an administrator does."""
        world = self.desk.story.world
        held = sync_to_end(world, NAME, RunMode.FULL)
        assert held.run.state is RunState.HELD
        assert held.plan_id is not None
        with world.begin(write=False) as uow:
            plan = get_plan(uow, held.plan_id)
        apply_to_end(world, apply_plan(world.runtime, STAFF, plan.id, plan.fingerprint, HOST))
        with world.begin(write=False) as uow:
            return get_run(uow, held.run.id)

    def give(self, dn: str, *roles: AdminRole) -> str:
        """Have a group of the directory give roles; return its id here."""
        with self.desk.story.world.begin() as uow:
            group = get_group(uow, dn.partition(",")[0].removeprefix("cn="))
            set_group_roles(uow, group.id, roles)
        return group.id

    def user(self, login: str) -> UserId:
        """Return the account of a person of the directory."""
        with self.desk.story.world.begin(write=False) as uow:
            link = uow.db.query(DirectoryLinkRow).filter_by(login=login).one()
        self.desk.story.people[login] = UserId(link.user_id)
        return UserId(link.user_id)

    def roles(self, login: str) -> tuple[str, ...]:
        """Return somebody's administrator roles."""
        user_id = self.user(login)
        with self.desk.story.world.begin(write=False) as uow:
            return roles_by_user(uow, [user_id]).get(user_id, ())

    def only_owner(self, login: str) -> None:
        """Leave no owner but this one, who has it by a group."""
        owner = self.desk.story.people["olga"]
        with self.desk.story.world.begin() as uow:
            revoke_role(uow, owner, AdminRole.OWNER)
        assert self.roles(login) == ("owner",)

    def outcomes(self, run: Run) -> set[str | None]:
        """Return what became of the changes of a run that were not simply done."""
        with self.desk.story.world.begin(write=False) as uow:
            rows = uow.db.query(DirectoryChangeRow).filter_by(run_id=run.id)
            return {row.outcome for row in rows} - {DONE}
