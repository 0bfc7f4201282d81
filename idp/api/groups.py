"""Groups: `/realms/{realm}/groups`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from idp.api.access import READ, USERS
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut_whole
from idp.api.schema import Body, NextCursor, PageQuery, View
from idp.core import groups
from idp.core.group_roles import set_group_roles
from idp.core.names import name_key
from idp.core.roles import AdminRole
from idp.core.work import UnitOfWork
from idp.errors import IdpError, InvalidInput
from idp.ids import UserId

_MOST_USERS = 10_000


class GroupDirectory(View):
    """Which directory owns a group."""

    connector: str
    is_missing: Annotated[
        bool,
        Field(
            description="The directory has it no more. It stays, without members, while a policy,"
            " an app or a role names it."
        ),
    ]


class Group(View):
    """A named set of users."""

    id: str
    name: str
    description: str | None
    members: Annotated[int, Field(description="How many users are in it.")]
    roles: Annotated[list[str], Field(description="Administrator roles that its members hold.")]
    directory: Annotated[GroupDirectory | None, Field(description="null for a group of our own.")]
    created_at: datetime


class GroupPage(View):
    """One page of groups, by name."""

    items: list[Group]
    next_cursor: NextCursor


class NewGroup(Body):
    """A group to be made."""

    name: str
    description: str | None = None


Role = Literal["owner", "auditor"]
UserIds = Annotated[list[str], Field(max_length=_MOST_USERS, description="Ids of users.")]


class GroupChanges(Body):
    """What to change about a group; members that are left out stay."""

    name: str | None = None
    description: Annotated[str | None, Field(description="Empty takes it away.")] = None
    add: UserIds = Field(default_factory=list)
    remove: UserIds = Field(default_factory=list)
    roles: Annotated[
        list[Role] | None,
        Field(description="Administrator roles that its members hold; they replace all."),
    ] = None


def list_groups(call: Call, query: PageQuery) -> Answer:
    """List groups."""
    with call.work(write=False) as uow:
        found = [Group.model_validate(group) for group in groups.list_groups(uow)]
    items, cursor = cut_whole(found, query.limit, query.cursor, lambda group: name_key(group.name))
    return Answer(GroupPage(items=items, next_cursor=cursor))


def create_group(call: Call, body: NewGroup) -> Answer:
    """Create a group without members."""
    with call.work() as uow:
        group = groups.create_group(uow, body.name, description=body.description)
    return Answer(Group.model_validate(group), {"Location": call.address(f"groups/{group.id}")})


def get_group(call: Call, group_id: str) -> Answer:
    """Read a group."""
    with call.work(write=False) as uow:
        return Answer(Group.model_validate(groups.get_group(uow, group_id)))


def update_group(call: Call, group_id: str, body: GroupChanges) -> Answer:
    """Rename or describe a group, or change who is in it and which roles it gives.

    A group that gives a role, and `roles`, are changed only by services with the scope
    `admin:system` and by owners who signed in within 15 minutes. A directory's group takes only
    `roles`.
    """
    try:
        with call.work() as uow:
            if body.model_fields_set - {"roles"}:
                _edit(uow, group_id, body)
            if body.roles is not None:
                set_group_roles(uow, groups.get_group(uow, group_id).id, map(AdminRole, body.roles))
            group = groups.get_group(uow, group_id)
    except IdpError as error:
        raise _about_users(error) from error
    return Answer(Group.model_validate(group))


def _edit(uow: UnitOfWork, group_id: str, body: GroupChanges) -> None:
    groups.update_group(
        uow,
        group_id,
        new_name=body.name,
        description=body.description,
        add=map(UserId, body.add),
        remove=map(UserId, body.remove),
    )


def remove_group(call: Call, group_id: str) -> Answer:
    """Remove a group; its users stay."""
    with call.work() as uow:
        groups.remove_group(uow, group_id)
    return Answer()


def _about_users(error: IdpError) -> IdpError:
    """Return a refusal of a user in the body as one about the body, not about the address."""
    if error.code != "user.not_found":
        return error
    problem = {"field": "add", "reason": "names a user who does not exist"}
    return InvalidInput("group.invalid", problems=[problem])


_ALL = "/realms/<name:realm>/groups"
_ONE = f"{_ALL}/<id:group_id>"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ALL,
        act=list_groups,
        any_of=(READ, USERS),
        query=PageQuery,
        answer=GroupPage,
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        act=create_group,
        any_of=(USERS,),
        body=NewGroup,
        answer=Group,
        status=201,
    ),
    Endpoint(method="GET", path=_ONE, act=get_group, any_of=(READ, USERS), answer=Group),
    Endpoint(
        method="PATCH",
        path=_ONE,
        act=update_group,
        any_of=(USERS,),
        body=GroupChanges,
        answer=Group,
    ),
    Endpoint(method="DELETE", path=_ONE, act=remove_group, any_of=(USERS,)),
)
