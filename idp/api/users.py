"""Users: `/realms/{realm}/users`, and what administrators do to them."""

from typing import Any

from idp.api.access import READ, USERS
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.etags import etag_of
from idp.api.user_shapes import (
    Ended,
    NewPassword,
    NewUserBody,
    RequireChange,
    User,
    UserChanges,
    UserFilter,
    UserPage,
)
from idp.core import users
from idp.core.users import NewUser, UserQuery, UserStatus, UserView
from idp.errors import IdpError, InvalidInput
from idp.ids import UserId


def list_users(call: Call, query: UserFilter) -> Answer:
    """List users."""
    wanted = UserQuery(
        search=query.search,
        group=query.group,
        status=None if query.status is None else UserStatus(query.status),
        limit=query.limit,
        cursor=query.cursor,
    )
    with call.work(write=False) as uow:
        page = users.list_users(uow, wanted)
    items = [User.model_validate(user) for user in page.users]
    return Answer(UserPage(items=items, next_cursor=page.next_cursor))


def create_user(call: Call, body: NewUserBody) -> Answer:
    """Create a user.

    A password has to meet the realm's policy, whatever its enforcement.
    """
    new = NewUser(
        profile=body.profile(),
        password=body.password,
        must_change=body.must_change,
        status=UserStatus(body.status),
    )
    try:
        user = users.create_user(call.runtime, call.realm, new, call.caller.actor, call.trace)
    except IdpError as error:
        raise _about_groups(error) from error
    return _answer(user, Location=call.address(f"users/{user.id}"))


def get_user(call: Call, user_id: str) -> Answer:
    """Read a user."""
    with call.work(write=False) as uow:
        return _answer(users.get_user(uow, user_id))


def update_user(call: Call, user_id: str, body: UserChanges) -> Answer:
    """Change what is known about a user.

    Another e-mail address ends every open reset link, and the old address is told.
    """
    version = call.expected_version()
    try:
        with call.work() as uow:
            call.caller.require_power_over(uow, user_id)
            user = users.update_user(uow, UserId(user_id), body.profile(), version=version)
    except IdpError as error:
        raise _about_groups(error) from error
    return _answer(user)


def lock_user(call: Call, user_id: str) -> Answer:
    """Lock a user: whatever the user holds is worth nothing from now on."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        return _answer(users.lock_user(uow, UserId(user_id)))


def unlock_user(call: Call, user_id: str) -> Answer:
    """Unlock a user, and forget the wrong passwords that were tried."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        return _answer(users.unlock_user(uow, UserId(user_id)))


def deactivate_user(call: Call, user_id: str) -> Answer:
    """Remove a user from use; history, groups and name stay."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        return _answer(users.deactivate_user(uow, UserId(user_id)))


def reactivate_user(call: Call, user_id: str) -> Answer:
    """Bring a removed user back; no session and no token of before comes back."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        return _answer(users.reactivate_user(uow, UserId(user_id)))


def set_password(call: Call, user_id: str, body: NewPassword) -> Answer:
    """Set a user's password; sessions, tokens and reset links of before end."""
    with call.work(write=False) as uow:
        call.caller.require_power_over(uow, user_id)
    user = users.set_user_password(
        call.runtime,
        call.realm,
        UserId(user_id),
        body.password,
        permanent=not body.require_change,
        actor=call.caller.actor,
        trace=call.trace,
    )
    return _answer(user)


def require_change(call: Call, user_id: str, body: RequireChange) -> Answer:
    """Ask a user for another password at the next step."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        user = users.require_change(uow, UserId(user_id), end_sessions=body.end_sessions)
    return _answer(user)


def send_reset(call: Call, user_id: str) -> Answer:
    """Mail a user a link to choose a password with; it works once, for 24 hours."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        users.send_reset(uow, UserId(user_id))
    return Answer()


def end_sessions(call: Call, user_id: str) -> Answer:
    """Sign a user out everywhere, apps included."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        return Answer(Ended(ended=users.end_sessions(uow, UserId(user_id))))


def _answer(user: UserView, **headers: str) -> Answer:
    return Answer(User.model_validate(user), {"ETag": etag_of(user.version), **headers})


def _about_groups(error: IdpError) -> IdpError:
    """Return a refusal of a group in the body as one about the body, not about the address."""
    if error.code != "group.not_found":
        return error
    problem = {"field": "groups", "reason": "names a group that does not exist"}
    return InvalidInput("user.invalid", problems=[problem])


_ALL = "/realms/<name:realm>/users"
_ONE = f"{_ALL}/<id:user_id>"


def _verb(path: str, act: Any, **settings: Any) -> Endpoint:  # noqa: ANN401 - passed on
    named = {"answer": User, "gives_etag": True, **settings}
    return Endpoint(method="POST", path=f"{_ONE}/{path}", act=act, any_of=(USERS,), **named)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ALL,
        act=list_users,
        any_of=(READ, USERS),
        query=UserFilter,
        answer=UserPage,
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        act=create_user,
        any_of=(USERS,),
        body=NewUserBody,
        answer=User,
        status=201,
        gives_etag=True,
        is_repeatable=True,
    ),
    Endpoint(
        method="GET", path=_ONE, act=get_user, any_of=(READ, USERS), answer=User, gives_etag=True
    ),
    Endpoint(
        method="PATCH",
        path=_ONE,
        act=update_user,
        any_of=(USERS,),
        body=UserChanges,
        answer=User,
        if_match="required",
        gives_etag=True,
    ),
    _verb("lock", lock_user),
    _verb("unlock", unlock_user),
    _verb("deactivate", deactivate_user),
    _verb("reactivate", reactivate_user),
    _verb("set-password", set_password, body=NewPassword, is_repeatable=True),
    _verb("require-change", require_change, body=RequireChange),
    _verb("send-reset", send_reset, answer=None, gives_etag=False, is_repeatable=True),
    _verb("end-sessions", end_sessions, answer=Ended, gives_etag=False),
)
