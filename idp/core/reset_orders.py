"""What somebody asks of a bulk reset: its parameters, read and written (CONTRACT 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from idp.durations import format_duration, parse_duration
from idp.errors import InvalidInput

DEFAULT_EXPIRY = timedelta(days=3)
_MAX_REASON = 1024
_MAX_NAMED = 100_000
_SHARED_ONLY = ("password", "expires_in", "require_change", "accept_repeat")
_FLAGS = ("end_sessions", "include_self", "exclude_administrators")
_PARAMS = ("mode", "select", "reason", *_FLAGS, *_SHARED_ONLY)


class ResetMode(StrEnum):
    """What becomes of the passwords: one for all, none until a link is used, or kept."""

    SHARED = "shared"
    LINK = "link"
    REQUIRE_CHANGE = "require_change"


@dataclass(frozen=True, slots=True)
class Everyone:
    """All users of the realm."""


@dataclass(frozen=True, slots=True)
class InGroups:
    """The members of any of these groups, by name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TheseUsers:
    """Exactly these users."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PasswordSetBefore:
    """Users whose password is older than a moment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class JudgedBelow:
    """Users whose password was accepted under an older version of the policy than this one."""

    version: int


Selection = Everyone | InGroups | TheseUsers | PasswordSetBefore | JudgedBelow


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOrder:
    """A bulk reset as it was asked for, defaults spelled out.

    Attributes:
        require_change: users must choose another password at once.
        expires_in: how long the shared password works; None for no end.
        exclude_administrators: in every mode; naming one is then refused. Otherwise only a shared
            password leaves them out, unless they are named.
        accept_repeat: the shared password may be one that a bulk reset gave out before.
    """

    mode: ResetMode
    select: Selection
    password: str | None = field(repr=False)
    require_change: bool
    expires_in: timedelta | None
    end_sessions: bool
    include_self: bool
    exclude_administrators: bool
    accept_repeat: bool
    reason: str | None


def read_order(params: Mapping[str, object]) -> ResetOrder:
    """Return what the parameters of a `password.reset` plan ask for.

    Raises:
        InvalidInput: an unknown, missing or bad parameter; it is named.
    """
    unknown = sorted(set(params) - set(_PARAMS))
    if unknown:
        raise InvalidInput("plan.params_unknown", params=unknown, known=list(_PARAMS))
    mode = _read_mode(params.get("mode"))
    is_shared = mode is ResetMode.SHARED
    if not is_shared:
        foreign = [name for name in _SHARED_ONLY if name in params]
        if foreign:
            raise _invalid(foreign[0], 'belongs to the mode "shared" only')
    require_change = _read_flag(params, "require_change", default=True)
    return ResetOrder(
        mode=mode,
        select=_read_selection(params.get("select")),
        password=_read_password(params) if is_shared else None,
        require_change=require_change,
        expires_in=_read_expiry(params, require_change=require_change) if is_shared else None,
        end_sessions=_read_flag(params, "end_sessions", default=True),
        include_self=_read_flag(params, "include_self", default=False),
        exclude_administrators=_read_flag(params, "exclude_administrators", default=False),
        accept_repeat=_read_flag(params, "accept_repeat", default=False),
        reason=_read_reason(params.get("reason")),
    )


def write_order(order: ResetOrder) -> dict[str, object]:
    """Return the parameters that reviewers see and `read_stored_order` reads; no password."""
    written: dict[str, object] = {
        "mode": order.mode.value,
        "select": write_selection(order.select),
        "end_sessions": order.end_sessions,
        "include_self": order.include_self,
        "exclude_administrators": order.exclude_administrators,
        "reason": order.reason,
    }
    if order.mode is ResetMode.SHARED:
        expiry = order.expires_in
        written |= {
            "require_change": order.require_change,
            "expires_in": None if expiry is None else format_duration(expiry),
            "accept_repeat": order.accept_repeat,
        }
    return written


def read_stored_order(params: Mapping[str, object]) -> ResetOrder:
    """Return the order that the parameters of a stored plan came from; its password is gone."""
    known = {name: value for name, value in params.items() if name in _PARAMS}
    gone = {"password": "gone"} if params["mode"] == ResetMode.SHARED else {}
    return read_order(known | gone)


def write_selection(selection: Selection) -> dict[str, object]:
    """Return a selection as the API writes it."""
    match selection:
        case Everyone():
            return {"all": True}
        case InGroups(names):
            return {"groups": list(names)}
        case TheseUsers(ids):
            return {"user_ids": list(ids)}
        case PasswordSetBefore(at):
            return {"password_set_before": at.isoformat()}
        case JudgedBelow(version):
            return {"policy_version_below": version}
        case _:
            assert_never(selection)


def _read_mode(value: object) -> ResetMode:
    modes = [mode.value for mode in ResetMode]
    if not isinstance(value, str) or value not in modes:
        raise _invalid("mode", f"must be one of {', '.join(modes)}")
    return ResetMode(value)


def _read_selection(value: object) -> Selection:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise _invalid("select", 'must say who, in one way, such as {"all": true}')
    [(how, what)] = value.items()
    match how:
        case "all" if what is True:
            return Everyone()
        case "groups":
            return InGroups(_read_names("select.groups", what))
        case "user_ids":
            return TheseUsers(_read_names("select.user_ids", what))
        case "password_set_before":
            return PasswordSetBefore(_read_moment(what))
        case "policy_version_below" if isinstance(what, int) and not isinstance(what, bool):
            return JudgedBelow(what)
        case _:
            ways = "all (true), groups, user_ids, password_set_before, policy_version_below"
            raise _invalid("select", f"must be one of {ways} (a number)")


def _read_names(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MAX_NAMED:
        raise _invalid(name, f"must be a list of 1 to {_MAX_NAMED}")
    if not all(isinstance(item, str) and item for item in value):
        raise _invalid(name, "must be a list of texts")
    return tuple(value)


def _read_moment(value: object) -> datetime:
    name = "select.password_set_before"
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter beyond the calendar's first or last day
        pass
    raise _invalid(name, "must be a date or a moment such as 2026-11-02 or 2026-11-02T09:00Z")


def _read_password(params: Mapping[str, object]) -> str:
    password = params.get("password")
    if not isinstance(password, str) or not password:
        raise _invalid("password", 'is required in the mode "shared"')
    return password


def _read_expiry(params: Mapping[str, object], *, require_change: bool) -> timedelta | None:
    if "expires_in" not in params:
        return DEFAULT_EXPIRY if require_change else None
    value = params["expires_in"]
    if value is None:
        return None
    try:
        expiry = parse_duration(value) if isinstance(value, str) else timedelta(0)
    except (ValueError, OverflowError):
        expiry = timedelta(0)
    if not timedelta(0) < expiry <= timedelta(days=3650):
        raise _invalid("expires_in", "must be a duration such as P3D, or null for no end")
    return expiry


def _read_flag(params: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = params.get(name, default)
    if not isinstance(value, bool):
        raise _invalid(name, "must be true or false")
    return value


def _read_reason(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_REASON or "\0" in value:
        raise _invalid("reason", f"must be text of at most {_MAX_REASON} characters")
    return value.strip() or None


def _invalid(name: str, reason: str) -> InvalidInput:
    return InvalidInput("plan.param_invalid", param=name, reason=reason)
