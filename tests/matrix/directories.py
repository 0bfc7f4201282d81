"""The states that only an account of a directory can be in: what is answered, how they come about.

The directory is a real server behind a proxy; nothing judges or writes its passwords here
(`enforce_policy` and `write_back` are off), and no sync runs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from idp.core.directory_accounts import state_of, take_state
from idp.core.users import deactivate_user
from idp.store.directories import DirectoryLinkRow
from tests.matrix.case import NEW, Case
from tests.matrix.outcomes import (
    ACCOUNT_SHOWN,
    INCORRECT,
    IS_OUT,
    LIVE,
    LOGIN_REQUIRED,
    MUST_CHANGE,
    SIGN_IN_SCREEN,
    SIGNED_IN,
    SIGNED_IN_TO_CHANGE,
    STAYS,
    Endpoint,
    Outcome,
    State,
    dead,
    refused,
)
from tests.matrix.states import raise_policy
from tests.support.directory_world import CORP, Directory

_DISABLED = "account_disabled"
DOWN = Outcome(status=503, leads_to="sign-in", error="does not answer", shown="503 try later")

DIRECTORY_MATRIX = (
    State("known", "nothing happened", SIGNED_IN, STAYS, LIVE),
    State(
        "asked",
        "the directory asks for a new password, and was looked at since",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        dead("password_change_required"),
    ),
    State(
        "asked_unseen",
        "the directory asks for a new password; the last look is newer than `recheck`",
        SIGNED_IN_TO_CHANGE,
        STAYS,
        LIVE,
    ),
    State(
        "changed",
        "the password was changed in the directory, which was looked at since",
        SIGNED_IN,
        IS_OUT,
        dead("credential_changed"),
    ),
    State(
        "disabled",
        "the directory disabled the account, and was looked at since",
        INCORRECT,
        IS_OUT,
        dead(_DISABLED),
    ),
    State(
        "disabled_unseen",
        "the directory disabled the account; the last look is older than `recheck`, and "
        "authorize, asked before the grants, looks again",
        INCORRECT,
        {**IS_OUT, Endpoint.ACCOUNT: ACCOUNT_SHOWN},
        {**LIVE, Endpoint.REFRESH: refused(_DISABLED), Endpoint.CODE: refused(_DISABLED)},
    ),
    State(
        "removed",
        "an administrator deactivated the account here",
        INCORRECT,
        IS_OUT,
        dead(_DISABLED),
    ),
    State("policy", "a stricter policy, enforcement `everyone`", SIGNED_IN, STAYS, LIVE),
    State(
        "down",
        "the directory does not answer; the last look is older than `recheck`",
        DOWN,
        STAYS,
        LIVE,
    ),
    State(
        "down_long",
        "the directory does not answer; the last look is older than `max_offline`",
        DOWN,
        {**STAYS, Endpoint.AUTHORIZE: SIGN_IN_SCREEN, Endpoint.SILENT: LOGIN_REQUIRED},
        {**LIVE, Endpoint.REFRESH: refused("sign_in_required")},
    ),
)


@dataclass
class Employee:
    """Ada, and her entry in the directory."""

    case: Case
    directory: Directory
    dn: str

    def look(self) -> None:
        """Take over what the directory says, as a sync or a refresh does."""
        world = self.case.story.world
        entry = world.runtime.directories.source(CORP).find_by_login("ada")
        assert entry is not None
        with world.begin() as uow:
            take_state(uow, self.case.ada, state_of(entry), seen_at=uow.now)

    def forget_look(self, ago: timedelta) -> None:
        """Let the last look have been that long ago."""
        world = self.case.story.world
        with world.begin() as uow:
            uow.db.execute(sa.update(DirectoryLinkRow).values(checked_at=uow.now - ago))

    def set_password(self, password: str) -> None:
        """Change the password there."""
        self.directory.set_password(self.dn, password)
        self.directory.server.change(self.dn, "delete: pwdReset")
        self.case.password = password


Way = Callable[[Employee], Iterator[None]]


def bring_about(employee: Employee, name: str) -> None:
    """Make a state true for ada."""
    for _ in DIRECTORY_WAYS[name](employee):
        employee.case.hold()


def _known(_employee: Employee) -> Iterator[None]:
    yield


def _asked(*, looks: bool) -> Way:
    def way(employee: Employee) -> Iterator[None]:
        yield
        employee.directory.ask_for_change(employee.dn)
        if looks:
            employee.look()

    return way


def _changed(employee: Employee) -> Iterator[None]:
    yield
    employee.set_password(NEW)
    employee.look()


def _disabled(employee: Employee) -> Iterator[None]:
    yield
    employee.directory.disable(employee.dn)
    employee.look()


def _disabled_unseen(employee: Employee) -> Iterator[None]:
    yield
    employee.directory.disable(employee.dn)
    employee.forget_look(timedelta(minutes=11))


def _removed(employee: Employee) -> Iterator[None]:
    yield
    employee.case.act(deactivate_user)


def _policy(employee: Employee) -> Iterator[None]:
    yield
    raise_policy(employee.case, "everyone")


def _down(ago: timedelta) -> Way:
    def way(employee: Employee) -> Iterator[None]:
        yield
        employee.directory.go_down()
        employee.forget_look(ago)

    return way


DIRECTORY_WAYS: Mapping[str, Way] = {
    "known": _known,
    "asked": _asked(looks=True),
    "asked_unseen": _asked(looks=False),
    "changed": _changed,
    "disabled": _disabled,
    "disabled_unseen": _disabled_unseen,
    "removed": _removed,
    "policy": _policy,
    "down": _down(timedelta(minutes=11)),
    "down_long": _down(timedelta(days=1, seconds=1)),
}
