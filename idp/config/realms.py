"""The settings of one realm."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import StringConstraints, field_validator
from pydantic import model_validator as check_model

from idp.config.section import Section
from idp.config.values import Duration, Text

RealmKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
REALMS: Mapping[str, str] = {"staff": "TimeTrak", "portal": "TimeTrak Client Portal"}
"""The realms that always exist, with their names for people."""


_QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def _longer(name: str, length: timedelta, bound_name: str, bound: timedelta) -> list[str]:
    return [f"{name} must not be longer than {bound_name}"] if length > bound else []


class Lifetimes(Section):
    """How long things live: ISO 8601 durations."""

    access_token: Duration = timedelta(minutes=5)
    """Access tokens; the bound within which a merely stale password still works at an API.
    At most PT1H."""
    refresh_token_idle: Duration = timedelta(days=14)
    """A refresh token that is not used."""
    refresh_token_max: Duration = timedelta(days=90)
    """A chain of refresh tokens, however often it is used."""
    code: Duration = timedelta(minutes=1)
    """Authorization codes. At most PT10M."""
    session_idle: Duration = timedelta(hours=8)
    """A sign-in session that is not used."""
    session_max: Duration = timedelta(days=7)
    """A sign-in session, however often it is used."""
    reset_link: Duration = timedelta(minutes=30)
    """Links and codes to reset a forgotten password. At most P1D."""
    authorization_request: Duration = timedelta(minutes=30)
    """How long a person may take on the sign-in pages, once signed in."""
    unattended_request: Duration = timedelta(minutes=10)
    """How long a sign-in page may wait for somebody to sign in. At most PT15M."""

    @field_validator("*")
    @classmethod
    def _is_positive(cls, value: timedelta) -> timedelta:
        if not value:
            reason = "must be longer than nothing"
            raise ValueError(reason)
        return value

    @check_model(mode="after")
    def _is_in_bounds(self) -> Self:
        wrong = [
            *_longer("access_token", self.access_token, "PT1H", _HOUR),
            *_longer("code", self.code, "PT10M", timedelta(minutes=10)),
            *_longer("reset_link", self.reset_link, "P1D", _DAY),
            *_longer("unattended_request", self.unattended_request, "PT15M", _QUARTER),
            *_longer(
                "refresh_token_idle",
                self.refresh_token_idle,
                "refresh_token_max",
                self.refresh_token_max,
            ),
            *_longer("session_idle", self.session_idle, "session_max", self.session_max),
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Realm(Section):
    """One population of users, with its own issuer, keys, cookies and policy."""

    display_name: Text = ""
    """The name that people see on its pages."""
    policy_managed_by: Literal["config", "admin"] = "admin"
    """Who changes the password policy: "admin" (plans, command line, API) or "config" (the
    `policy` table below, which is then required; the other side is refused)."""
    policy: dict[str, object] | None = None
    """The password policy document. With policy_managed_by = "admin" it is only the policy that
    the realm starts with."""
    lifetimes: Lifetimes = Lifetimes()

    @check_model(mode="after")
    def _has_a_policy(self) -> Self:
        if self.policy_managed_by == "config" and self.policy is None:
            reason = 'policy_managed_by = "config" needs a policy table'
            raise ValueError(reason)
        return self


def default_realms() -> dict[str, Realm]:
    """Return the realms of a configuration that names none."""
    return {name: Realm(display_name=title) for name, title in REALMS.items()}
