"""Users as JSON: members are named like the columns of an import."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from idp.api.schema import Body, NextCursor, PageQuery, View
from idp.core.profiles import Profile

Status = Literal["active", "inactive", "locked"]


class Password(View):
    """Where a user's password stands."""

    set_at: datetime
    set_by: str
    must_change: bool
    temporary_until: datetime | None
    is_shared: Annotated[
        bool, Field(description="Whether it still is the one that a bulk reset gave to many.")
    ]
    used_at: datetime | None


class UserDirectory(View):
    """Which entry of which directory a user is, and how it stood there when last looked at."""

    connector: str
    stable_id: Annotated[str, Field(description="What the directory knows the entry by.")]
    login: str
    is_disabled: bool
    is_removed: Annotated[bool, Field(description="Deactivated here, whatever the directory says.")]
    must_change: bool
    gone_since: Annotated[
        datetime | None, Field(description="When the directory was first seen to have it no more.")
    ]
    checked_at: datetime


class User(View):
    """A user; no secret is in it."""

    id: str
    sub: str
    username: str
    email: str | None
    email_verified: bool
    given_name: str | None
    family_name: str | None
    name: str | None
    phone_number: str | None
    locale: str | None
    zoneinfo: str | None
    status: Status
    locked_at: datetime | None
    groups: list[str]
    roles: list[str]
    external_id: str | None
    claims: dict[str, Any]
    password: Annotated[Password | None, Field(description="null when there is none yet.")]
    directory: Annotated[UserDirectory | None, Field(description="null for an account of our own.")]
    last_sign_in_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class UserPage(View):
    """One page of users, by login name."""

    items: list[User]
    next_cursor: NextCursor


class UserFilter(PageQuery):
    """Which users to list."""

    search: Annotated[
        str | None,
        Field(max_length=320, description="Part of a login name, e-mail, name or external id."),
    ] = None
    group: Annotated[str | None, Field(max_length=128, description="A group's name or id.")] = None
    status: Status | None = None


class UserMembers(Body):
    """What may be said about a user; null takes a member away."""

    username: str | None = None
    email: str | None = None
    email_verified: bool = False
    given_name: str | None = None
    family_name: str | None = None
    name: str | None = None
    phone_number: str | None = None
    locale: str | None = None
    zoneinfo: str | None = None
    external_id: str | None = None
    claims: dict[str, Any] = Field(
        default_factory=dict, description="Further standard OpenID Connect claims."
    )
    groups: list[str] = Field(default_factory=list, description="Names; they replace all groups.")

    def profile(self) -> Profile:
        """Return what was said; what was not stays as it is."""
        said = {name: getattr(self, name) for name in self.model_fields_set & _MEMBERS}
        if "groups" in said:
            said["groups"] = tuple(said["groups"])
        return Profile(**said)


_MEMBERS = frozenset(UserMembers.model_fields)


class NewUserBody(UserMembers):
    """Somebody who is to get an account."""

    password: Annotated[str | None, Field(repr=False, description="Must meet the policy.")] = None
    must_change: Annotated[
        bool, Field(description="The password is temporary: to be changed within three days.")
    ] = False
    status: Status = "active"


class UserChanges(UserMembers):
    """What to change about a user; members that are left out stay."""


class NewPassword(Body):
    """A password that an administrator chose."""

    password: Annotated[str, Field(repr=False, description="Must meet the policy.")]
    require_change: Annotated[
        bool, Field(description="It works for three days and must be changed at the next sign-in.")
    ] = True


class RequireChange(Body):
    """How a change of password is asked for."""

    end_sessions: Annotated[bool, Field(description="Also sign the user out everywhere.")] = False


class Ended(View):
    """How many sessions were ended."""

    ended: int
