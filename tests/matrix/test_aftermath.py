"""What was given before an act is dead after it, and nothing brings it back (F-11, L-16).

Sessions, codes, refresh families, access tokens, reset links, and the addresses where a change is
finished: all of them at once, after a restart too, and after the act was taken back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from werkzeug.test import Client as HttpClient

from idp.app import create_app
from idp.core.links import issue_not_me_link, redeem_not_me
from idp.core.plans import undo_plan
from idp.core.recovery_requests import issue_recovery_link
from idp.core.roles import AdminRole, grant_role, revoke_role
from idp.core.users import (
    deactivate_user,
    end_sessions,
    lock_user,
    reactivate_user,
    require_change,
    set_user_password,
    unlock_user,
)
from idp.core.work import HOST
from idp.jobs.runner import Runner
from tests.matrix.case import NEW, Case
from tests.matrix.states import raise_policy
from tests.support.pages import Visitor, visitor
from tests.support.world import STAFF, open_world

EVERYTHING = frozenset(
    {"session", "code", "refresh token", "access token", "admin token", "reset link", "action link"}
)
RESET_LINK = frozenset({"reset link"})
"""Reset links follow the credential, not the epoch (DECISIONS 4)."""


@dataclass(frozen=True)
class Links:
    """One-time addresses that were given out."""

    reset: str
    action: str


@dataclass(frozen=True)
class Act:
    """What is done, what takes it back, and what outlives both."""

    do: Callable[[Case], object]
    undo: Callable[[Case], object] | None = None
    survivors: frozenset[str] = frozenset()


def give_everything(case: Case) -> Links:
    """Let ada hold one of each; the policy that the action link needed is taken back."""
    held = case.hold()
    world = case.story.world
    plan = raise_policy(case, "everyone")
    action: str = case.story.refresh(case.web, held.refresh_token).json["idp_action_uri"]
    undo_plan(world.runtime, STAFF, plan, HOST)
    generation = world.user(case.ada).credential_generation
    with world.begin() as uow:
        reset = issue_recovery_link(uow, case.ada, generation=generation)
    return Links(reset=f"/reset-password/{reset}", action=action)


def alive(case: Case, links: Links) -> set[str]:
    """Return what still works. Asking spends what does, and nothing of what does not."""
    story, held = case.story, case.given()
    reset, action = visitor(story), visitor(story)
    reset.open(links.reset)
    tries: Mapping[str, bool] = {
        "session": case.person.open("/account").status == 200,
        "access token": story.userinfo(held.access_token).status == 200,
        "admin token": case.desk.get("/realms/staff/users", held.admin_token).status == 200,
        "reset link": reset.go_on().status == 200,
        "action link": action.open(links.action).status == 200,
        "refresh token": story.refresh(case.web, held.refresh_token).status == 200,
        "code": story.redeem(case.web, held.code).status == 200,
    }
    return {name for name, works in tries.items() if works}


def alive_after_restart(case: Case, links: Links) -> set[str]:
    """Return what works at another process over the same database: no memory, no cache."""
    world = case.story.world
    secret = case.person.cookie("session")
    assert secret is not None
    with open_world(world.runtime.config.database.url.reveal(), world.clock) as other:
        application = create_app(other.runtime)
        browser = HttpClient(application, use_cookies=True)
        story = replace(case.story, application=application, browser=browser)
        person = Visitor(story, browser)
        person.set_cookie("session", secret)
        desk = replace(case.desk, story=story)
        return alive(replace(case, story=story, desk=desk, person=person), links)


def _locked_by_owner(case: Case) -> None:
    with case.story.world.begin() as uow:
        link = issue_not_me_link(uow, case.ada)
    with case.story.world.begin() as uow:
        assert redeem_not_me(uow, link) is not None


def _demote(case: Case) -> None:
    case.act(lambda uow, ada: revoke_role(uow, ada, AdminRole.AUDITOR))


def _promote(case: Case) -> None:
    case.act(lambda uow, ada: grant_role(uow, ada, AdminRole.AUDITOR))


def _set_password(case: Case) -> None:
    set_user_password(case.story.world.runtime, STAFF, case.ada, NEW, permanent=True, actor=HOST)


def _reset(mode: str, **params: object) -> Callable[[Case], object]:
    return lambda case: case.reset(mode, **params)


def _undo_reset(case: Case) -> None:
    runtime = case.story.world.runtime
    Runner(runtime).run_job(undo_plan(runtime, STAFF, case.resets[-1], HOST))


def _change_elsewhere(case: Case) -> None:
    other = visitor(case.story)
    other.sign_in("ada", case.password)
    case.change_password(other)


def _act(use_case: Callable[..., object]) -> Callable[[Case], None]:
    return lambda case: case.act(use_case)  # type: ignore[arg-type]


_OWN = frozenset({"action link"})
"""After a change made elsewhere the address says so and leads back to the app."""

ACTS: Mapping[str, Act] = {
    "lock": Act(_act(lock_user), _act(unlock_user)),
    "not me": Act(_locked_by_owner, _act(unlock_user)),
    "deactivation": Act(_act(deactivate_user), _act(reactivate_user)),
    "role loss": Act(_demote, _promote, RESET_LINK),
    "end of sessions": Act(_act(end_sessions), None, RESET_LINK),
    "required change": Act(
        _act(lambda uow, ada: require_change(uow, ada, end_sessions=True)), None, RESET_LINK
    ),
    "password set": Act(_set_password),
    "shared reset": Act(_reset("shared"), _undo_reset),
    "classic reset": Act(_reset("shared", require_change=False), _undo_reset),
    "link reset": Act(_reset("link"), _undo_reset),
    "own change": Act(_change_elsewhere, None, _OWN),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_was_given_before_is_dead_and_stays_dead(case: Case, name: str) -> None:
    act = ACTS[name]
    links = give_everything(case)

    act.do(case)
    assert alive(case, links) == act.survivors
    assert alive_after_restart(case, links) == act.survivors

    if act.undo is not None:
        act.undo(case)
        assert alive(case, links) == act.survivors
        assert alive_after_restart(case, links) == act.survivors


def test_nothing_dies_by_itself(case: Case) -> None:
    links = give_everything(case)

    assert alive_after_restart(case, links) == EVERYTHING


def test_what_is_given_after_an_unlock_is_good(case: Case) -> None:
    give_everything(case)
    case.act(lock_user)
    case.act(unlock_user)

    links = give_everything(case)

    assert alive(case, links) == EVERYTHING
