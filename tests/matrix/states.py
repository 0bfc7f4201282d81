"""How each state of the matrix comes about, through the use cases that real people use.

A state is a generator: what stands before its `yield` happens before ada signs in and her apps get
their tokens, what stands after it happens to her then.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from idp.core.client_admin import update_client
from idp.core.groups import create_group, update_group
from idp.core.links import issue_not_me_link, redeem_not_me
from idp.core.plans import undo_plan
from idp.core.recovery import Recovered, complete_recovery
from idp.core.recovery_requests import issue_recovery_link
from idp.core.roles import AdminRole, revoke_role
from idp.core.sessions import end_session, list_sessions
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
from idp.ids import SessionId
from idp.jobs.runner import Runner
from tests.matrix.case import NEW, Case
from tests.support.campaigns import publish
from tests.support.pages import visitor
from tests.support.world import STAFF

_BEFORE, _MET, _NOT_MET = 8, 12, 24
"""Minimum lengths: that of the first version, and two that ada's password meets and does not."""
_TRIES = 11
_GROUP = "Office"
_REFUSED = 400
_NEVER: Mapping[str, object] = {"quiet": "00:00/23:59"}
"""Waves that come to nobody at the time of these tests."""

Way = Callable[[Case], Iterator[None]]


def bring_about(case: Case, name: str) -> None:
    """Make a state of the matrix true for ada."""
    for _ in WAYS[name](case):
        case.hold()


def raise_policy(
    case: Case, enforcement: str, length: int = _NOT_MET, **staging: Mapping[str, object] | str
) -> str:
    """Publish a stricter policy and return the plan's id."""
    rules = {"length": {"min": length, "max": 256}, "differs_from_current": {}}
    document = {"enforcement": enforcement, "rules": rules, **staging}
    return publish(case.story.world, document, accept_conflicts=True).id


def _fresh(_case: Case) -> Iterator[None]:
    yield


def _stale(enforcement: str) -> Way:
    def way(case: Case) -> Iterator[None]:
        yield
        raise_policy(case, enforcement)

    return way


def _stale_judged(length: int) -> Way:
    def way(case: Case) -> Iterator[None]:
        yield
        raise_policy(case, "noncompliant", length)
        case.sign_in()

    return way


def _staged(enforcement: str = "everyone", **staging: Mapping[str, object] | str) -> Way:
    def way(case: Case) -> Iterator[None]:
        yield
        raise_policy(case, enforcement, _NOT_MET, **staging)

    return way


def _observed_judged(case: Case) -> Iterator[None]:
    yield
    raise_policy(case, "observe")
    case.sign_in()


def _grace_over(case: Case) -> Iterator[None]:
    yield
    raise_policy(case, "everyone", grace="PT20S")
    case.story.world.advance(seconds=20)


def _wave_asks(case: Case) -> Iterator[None]:
    yield
    raise_policy(case, "everyone", waves={"per_hour": 1})
    case.story.refresh(case.web, case.given().refresh_token)


def _wave_over(case: Case) -> Iterator[None]:
    raise_policy(case, "everyone", waves={**_NEVER, "deadline": "PT1H"})
    case.story.world.advance(hours=1, seconds=-10)
    yield
    case.story.world.advance(seconds=20)


def _of_group(case: Case, *, joins: bool = False, leaves: bool = False) -> Iterator[None]:
    world = case.story.world
    with world.begin() as uow:
        create_group(uow, _GROUP)
        update_group(uow, _GROUP, add=[] if joins else [case.ada])
    yield
    group = {"rules": {"length": {"min": _NOT_MET, "max": 256}}}
    raise_policy(case, "everyone", _BEFORE, groups={_GROUP: group})
    with world.begin() as uow:
        update_group(uow, _GROUP, add=[case.ada] * joins, remove=[case.ada] * leaves)


def _app_limited(case: Case, *, is_stale: bool = False) -> Iterator[None]:
    with case.story.world.begin() as uow:
        create_group(uow, _GROUP)
    yield
    _limit_web(case)
    if is_stale:
        raise_policy(case, "everyone")


def _app_left(case: Case, *, joins_again: bool = False) -> Iterator[None]:
    world = case.story.world
    with world.begin() as uow:
        create_group(uow, _GROUP)
        update_group(uow, _GROUP, add=[case.ada])
    _limit_web(case)
    yield
    with world.begin() as uow:
        update_group(uow, _GROUP, remove=[case.ada])
    if joins_again:
        assert case.story.refresh(case.web, case.given().refresh_token).status == _REFUSED
        with world.begin() as uow:
            update_group(uow, _GROUP, add=[case.ada])


def _limit_web(case: Case) -> None:
    with case.story.world.begin() as uow:
        update_client(uow, case.web.client_id, {"allowed_groups": (_GROUP,)})


def _rolled_back(case: Case) -> Iterator[None]:
    yield
    plan = raise_policy(case, "everyone")
    undo_plan(case.story.world.runtime, STAFF, plan, HOST)


def _expired(case: Case) -> Iterator[None]:
    rules = {"length": {"min": 8, "max": 256}, "max_age": {"days": 90}}
    publish(case.story.world, {"enforcement": "everyone", "rules": rules}, accept_conflicts=True)
    case.story.world.advance(days=90, seconds=-10)
    yield
    case.story.world.advance(seconds=20)


def _must_change(case: Case) -> Iterator[None]:
    yield
    case.act(require_change)


def _must_change_signed_out(case: Case) -> Iterator[None]:
    yield
    case.act(lambda uow, ada: require_change(uow, ada, end_sessions=True))


def _password_set(case: Case) -> Iterator[None]:
    yield
    case.password = "chosen by an administrator"
    set_user_password(case.story.world.runtime, STAFF, case.ada, case.password, actor=HOST)


def _temporary_over(case: Case) -> Iterator[None]:
    case.reset(require_change=False, expires_in="P3D")
    case.story.world.advance(days=3, seconds=-10)
    yield
    case.story.world.advance(seconds=20)


def _bulk(mode: str, **params: object) -> Way:
    def way(case: Case) -> Iterator[None]:
        yield
        case.reset(mode, **params)

    return way


def _bulk_shared_signed_in(case: Case) -> Iterator[None]:
    yield
    case.reset()
    case.sign_in()


def _classic_after(case: Case) -> Iterator[None]:
    case.reset(require_change=False)
    yield


def _classic_raised(case: Case) -> Iterator[None]:
    case.reset(require_change=False)
    yield
    raise_policy(case, "everyone")


def _bulk_undone(case: Case) -> Iterator[None]:
    yield
    before = case.password
    plan = case.reset()
    job = undo_plan(case.story.world.runtime, STAFF, plan, HOST)
    Runner(case.story.world.runtime).run_job(job)
    case.password = before


def _changed_elsewhere(case: Case) -> Iterator[None]:
    yield
    other = visitor(case.story)
    other.sign_in("ada", case.password)
    case.change_password(other)


def _changed_here(case: Case) -> Iterator[None]:
    yield
    case.change_password(case.person)


def _recovered(case: Case) -> Iterator[None]:
    yield
    world = case.story.world
    generation = world.user(case.ada).credential_generation
    with world.begin() as uow:
        link = issue_recovery_link(uow, case.ada, generation=generation)
    assert isinstance(complete_recovery(world.runtime, STAFF, link, NEW), Recovered)
    case.password = NEW


def _locked(case: Case) -> Iterator[None]:
    yield
    case.act(lock_user)


def _unlocked(case: Case) -> Iterator[None]:
    yield
    case.act(lock_user)
    case.act(unlock_user)


def _not_me(case: Case) -> Iterator[None]:
    yield
    with case.story.world.begin() as uow:
        link = issue_not_me_link(uow, case.ada)
    with case.story.world.begin() as uow:
        assert redeem_not_me(uow, link) is not None


def _locked_must_change(case: Case) -> Iterator[None]:
    yield
    case.act(require_change)
    case.act(lock_user)


def _inactive(case: Case) -> Iterator[None]:
    yield
    case.act(deactivate_user)


def _reactivated(case: Case) -> Iterator[None]:
    yield
    case.act(deactivate_user)
    case.act(reactivate_user)


def _inactive_locked(case: Case) -> Iterator[None]:
    yield
    case.act(lock_user)
    case.act(deactivate_user)


def _role_lost(case: Case) -> Iterator[None]:
    yield
    case.act(lambda uow, ada: revoke_role(uow, ada, AdminRole.AUDITOR))


def _sessions_ended(case: Case) -> Iterator[None]:
    yield
    case.act(end_sessions)


def _session_ended(case: Case) -> Iterator[None]:
    yield
    with case.story.world.begin() as uow:
        [session] = list_sessions(uow, case.ada)
        end_session(uow, case.ada, SessionId(session.id))


def _throttled(case: Case) -> Iterator[None]:
    yield
    stranger = visitor(case.story)
    stranger.open("/sign-in")
    for _ in range(_TRIES):
        stranger.submit(username="ada", password="a guess")


WAYS: Mapping[str, Way] = {
    "fresh": _fresh,
    "stale_everyone": _stale("everyone"),
    "stale_unjudged": _stale("noncompliant"),
    "stale_refused": _stale_judged(_NOT_MET),
    "stale_accepted": _stale_judged(_MET),
    "stale_never": _stale("never"),
    "observed": _staged("observe"),
    "observed_refused": _observed_judged,
    "in_grace": _staged(grace="P7D"),
    "grace_over": _grace_over,
    "wave_waits": _staged(waves=_NEVER),
    "wave_asks": _wave_asks,
    "wave_over": _wave_over,
    "group_stale": _of_group,
    "group_joined": partial(_of_group, joins=True),
    "group_left": partial(_of_group, leaves=True),
    "rolled_back": _rolled_back,
    "app_limited": _app_limited,
    "app_limited_stale": partial(_app_limited, is_stale=True),
    "app_limited_left": _app_left,
    "app_limited_joined": partial(_app_left, joins_again=True),
    "expired": _expired,
    "must_change": _must_change,
    "must_change_signed_out": _must_change_signed_out,
    "password_set": _password_set,
    "temporary_over": _temporary_over,
    "bulk_shared": _bulk("shared"),
    "bulk_shared_signed_in": _bulk_shared_signed_in,
    "bulk_shared_kept": _bulk("shared", end_sessions=False),
    "classic_before": _bulk("shared", require_change=False),
    "classic_after": _classic_after,
    "classic_raised": _classic_raised,
    "bulk_link": _bulk("link"),
    "bulk_require_change": _bulk("require_change"),
    "bulk_undone": _bulk_undone,
    "changed_elsewhere": _changed_elsewhere,
    "changed_here": _changed_here,
    "recovered": _recovered,
    "locked": _locked,
    "unlocked": _unlocked,
    "not_me": _not_me,
    "locked_must_change": _locked_must_change,
    "inactive": _inactive,
    "reactivated": _reactivated,
    "inactive_locked": _inactive_locked,
    "role_lost": _role_lost,
    "sessions_ended": _sessions_ended,
    "session_ended": _session_ended,
    "throttled": _throttled,
}
