"""Which endpoint answers what, for every state of an account and its password: written once.

`states` makes each state come true through use cases, `test_matrix` compares what the product
answers, and `table` writes the same data as docs/gate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Endpoint(StrEnum):
    """Where somebody knocks. A grant is named by its grant type."""

    SIGN_IN = "sign-in page"
    AUTHORIZE = "authorize"
    SILENT = "authorize, prompt=none"
    ACCOUNT = "account page"
    CODE = "authorization_code"
    REFRESH = "refresh_token"
    CLIENT = "client_credentials"
    USERINFO = "userinfo"
    INTROSPECTION = "introspection"
    ADMIN = "admin API"


IN_BROWSER = (Endpoint.SIGN_IN, Endpoint.AUTHORIZE, Endpoint.SILENT, Endpoint.ACCOUNT)
GRANT_TYPES = (Endpoint.CODE, Endpoint.REFRESH, Endpoint.CLIENT)
FOR_APPS = (*GRANT_TYPES, Endpoint.USERINFO, Endpoint.INTROSPECTION, Endpoint.ADMIN)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One answer, as a machine sees it.

    Attributes:
        error: the OAuth error, the code of a problem, or what a form says went wrong.
        reason: `idp_reason`; has_action: `idp_action_uri` is there.
        leads_to: the page one ends up at, or "app" for the client's redirect URI.
        is_active: what introspection says.
        shown: how the table of the documents writes it.
    """

    status: int
    error: str | None = None
    reason: str | None = None
    has_action: bool = False
    leads_to: str | None = None
    is_active: bool | None = None
    shown: str = field(default="", compare=False)


SIGNED_IN = Outcome(status=303, leads_to="account", shown="signed in")
SIGNED_IN_TO_CHANGE = Outcome(
    status=303, leads_to="change-password", shown="signed in, change screen"
)
INCORRECT = Outcome(status=401, leads_to="sign-in", error="incorrect", shown="401 incorrect")
TEMPORARY_OVER = Outcome(
    status=401, leads_to="sign-in", error="no longer valid", shown="401 no longer valid"
)
THROTTLED = Outcome(status=429, leads_to="sign-in", error="too many tries", shown="429 wait")

CODE = Outcome(status=303, leads_to="app", shown="code")
SIGN_IN_SCREEN = Outcome(status=303, leads_to="sign-in", shown="sign-in screen")
CHANGE_SCREEN = Outcome(status=303, leads_to="change-password", shown="change screen")
NOT_ALLOWED_SCREEN = Outcome(status=303, leads_to="error", shown="told so")

LOGIN_REQUIRED = Outcome(
    status=303, leads_to="app", error="login_required", shown="`login_required`"
)
INTERACTION_REQUIRED = Outcome(
    status=303, leads_to="app", error="interaction_required", shown="`interaction_required`"
)

ACCESS_DENIED = Outcome(status=303, leads_to="app", error="access_denied", shown="`access_denied`")

ACCOUNT_SHOWN = Outcome(status=200, leads_to="account", shown="shown")
TO_SIGN_IN = Outcome(status=303, leads_to="sign-in", shown="to sign-in")
TO_CHANGE = Outcome(status=303, leads_to="change-password", shown="to the change")

TOKENS = Outcome(status=200, shown="tokens")
ANSWERED = Outcome(status=200, shown="200")
INVALID_TOKEN = Outcome(status=401, error="invalid_token", shown="401 `invalid_token`")
ACTIVE = Outcome(status=200, is_active=True, shown="active")
INACTIVE = Outcome(status=200, is_active=False, shown="inactive")
ADMITTED = Outcome(status=200, shown="200")
NOT_ADMITTED = Outcome(status=401, error="token.invalid", shown="401 `token.invalid`")

Outcomes = Mapping[Endpoint, Outcome]


def refused(reason: str) -> Outcome:
    """Return the token endpoint's refusal for a reason of the gate (CONTRACT 4)."""
    has_action = reason == "password_change_required"
    return Outcome(
        status=400,
        error="invalid_grant",
        reason=reason,
        has_action=has_action,
        shown=f"`{reason}`" + (" + address" if has_action else ""),
    )


# What a browser gets that was signed in before.
STAYS: Outcomes = {
    Endpoint.AUTHORIZE: CODE,
    Endpoint.SILENT: CODE,
    Endpoint.ACCOUNT: ACCOUNT_SHOWN,
}
IS_OUT: Outcomes = {
    Endpoint.AUTHORIZE: SIGN_IN_SCREEN,
    Endpoint.SILENT: LOGIN_REQUIRED,
    Endpoint.ACCOUNT: TO_SIGN_IN,
}
MUST_CHANGE: Outcomes = {
    Endpoint.AUTHORIZE: CHANGE_SCREEN,
    Endpoint.SILENT: INTERACTION_REQUIRED,
    Endpoint.ACCOUNT: TO_CHANGE,
}

KEPT_OUT: Outcomes = {
    Endpoint.AUTHORIZE: NOT_ALLOWED_SCREEN,
    Endpoint.SILENT: ACCESS_DENIED,
    Endpoint.ACCOUNT: ACCOUNT_SHOWN,
}

KEPT_OUT_TO_CHANGE: Outcomes = {**KEPT_OUT, Endpoint.ACCOUNT: TO_CHANGE}

# What an app gets for a code, a refresh token and access tokens that it was given before.
LIVE: Outcomes = {
    Endpoint.CODE: TOKENS,
    Endpoint.REFRESH: TOKENS,
    Endpoint.USERINFO: ANSWERED,
    Endpoint.INTROSPECTION: ACTIVE,
    Endpoint.ADMIN: ADMITTED,
}


def stale(reason: str) -> Outcomes:
    """No new tokens; access tokens live to their own end (DECISIONS 8)."""
    return {**LIVE, Endpoint.CODE: refused(reason), Endpoint.REFRESH: refused(reason)}


def dead(reason: str) -> Outcomes:
    """No new tokens, and access tokens end at once (DECISIONS 8)."""
    return {
        Endpoint.CODE: refused(reason),
        Endpoint.REFRESH: refused(reason),
        Endpoint.USERINFO: INVALID_TOKEN,
        Endpoint.INTROSPECTION: INACTIVE,
        Endpoint.ADMIN: NOT_ADMITTED,
    }


def barred(reason: str) -> Outcomes:
    """Everything of one app ends at once; another app, the administrators' console, goes on."""
    return {**dead(reason), Endpoint.ADMIN: ADMITTED}


@dataclass(frozen=True)
class State:
    """One state: what happened after somebody signed in and apps got their tokens."""

    name: str
    told: str
    sign_in: Outcome
    browser: Outcomes
    apps: Outcomes

    @property
    def outcomes(self) -> Outcomes:
        """Return the whole row. No person stands behind a client's own grant."""
        return {
            Endpoint.SIGN_IN: self.sign_in,
            Endpoint.CLIENT: TOKENS,
            **self.browser,
            **self.apps,
        }


_CHANGE = "password_change_required"
_CHANGED = "credential_changed"
_ENDED = "session_ended"
_NOT_ALLOWED = "app_not_allowed"

MATRIX = (
    State("fresh", "nothing happened", SIGNED_IN, STAYS, LIVE),
    State(
        "stale_everyone",
        "a stricter policy, enforcement `everyone`",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State(
        "stale_unjudged",
        "a stricter policy, enforcement `noncompliant`; not signed in since",
        SIGNED_IN_TO_CHANGE,
        IS_OUT,
        stale("sign_in_required"),
    ),
    State(
        "stale_refused",
        "the same, signed in since: the password does not meet it",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State(
        "stale_accepted",
        "the same, signed in since: the password meets it",
        SIGNED_IN,
        STAYS,
        LIVE,
    ),
    State("stale_never", "a stricter policy, enforcement `never`", SIGNED_IN, STAYS, LIVE),
    State("observed", "a stricter policy, enforcement `observe`", SIGNED_IN, STAYS, LIVE),
    State(
        "observed_refused",
        "the same, signed in since: the password does not meet it",
        SIGNED_IN,
        STAYS,
        LIVE,
    ),
    State("in_grace", "a stricter policy, its grace not over", SIGNED_IN, STAYS, LIVE),
    State(
        "grace_over",
        "the same, its grace over",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State(
        "wave_waits",
        "a stricter policy in waves, none has come to this person",
        SIGNED_IN,
        STAYS,
        LIVE,
    ),
    State(
        "wave_asks",
        "the same, a wave has come",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State(
        "wave_over",
        "the same, no wave came until the deadline",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State(
        "group_stale",
        "a policy that is stricter for a group the person is in",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State(
        "group_joined",
        "the same, the person joined the group afterwards",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State("group_left", "the same, the person left the group", SIGNED_IN, STAYS, LIVE),
    State("rolled_back", "a stricter policy, rolled back", SIGNED_IN, STAYS, LIVE),
    State(
        "app_limited",
        "the app was limited to a group that the person is not in",
        SIGNED_IN,
        KEPT_OUT,
        barred(_NOT_ALLOWED),
    ),
    State(
        "app_limited_stale",
        "the same, with a stricter policy for everybody",
        SIGNED_IN_TO_CHANGE,
        KEPT_OUT_TO_CHANGE,
        barred(_NOT_ALLOWED),
    ),
    State(
        "app_limited_left",
        "an app for a group, and the person left the group",
        SIGNED_IN,
        KEPT_OUT,
        barred(_NOT_ALLOWED),
    ),
    State("app_limited_joined", "the same, and joined it again", SIGNED_IN, STAYS, LIVE),
    State(
        "expired",
        "the password is older than `max_age`",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        dead(_CHANGE),
    ),
    State(
        "must_change",
        "an administrator asked for a change",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        dead(_CHANGE),
    ),
    State(
        "must_change_signed_out",
        "the same, sessions ended with it",
        SIGNED_IN_TO_CHANGE,
        IS_OUT,
        dead(_ENDED),
    ),
    State(
        "password_set",
        "an administrator set a temporary password",
        SIGNED_IN_TO_CHANGE,
        IS_OUT,
        dead(_CHANGED),
    ),
    State(
        "temporary_over",
        "a temporary password's time is over",
        TEMPORARY_OVER,
        MUST_CHANGE,
        dead(_CHANGE),
    ),
    State(
        "bulk_shared",
        "bulk reset to a shared password that must be changed",
        SIGNED_IN_TO_CHANGE,
        IS_OUT,
        dead(_CHANGED),
    ),
    State(
        "bulk_shared_signed_in",
        "the same, signed in with it since",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        dead(_CHANGED),
    ),
    State(
        "bulk_shared_kept",
        "the same reset with `--keep-sessions`, not signed in since",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        dead(_CHANGE),
    ),
    State(
        "classic_before",
        "bulk reset with `require_change = false`; tokens from before it",
        SIGNED_IN,
        IS_OUT,
        dead(_CHANGED),
    ),
    State("classic_after", "the same; tokens from after it", SIGNED_IN, STAYS, LIVE),
    State(
        "classic_raised",
        "the same, then a stricter policy, enforcement `everyone`",
        SIGNED_IN_TO_CHANGE,
        MUST_CHANGE,
        stale(_CHANGE),
    ),
    State("bulk_link", "bulk reset by mailed link", INCORRECT, IS_OUT, dead(_CHANGED)),
    State(
        "bulk_require_change",
        "bulk `require_change`",
        SIGNED_IN_TO_CHANGE,
        IS_OUT,
        dead(_ENDED),
    ),
    State("bulk_undone", "a bulk reset, undone", SIGNED_IN, IS_OUT, dead(_CHANGED)),
    State(
        "changed_elsewhere",
        "the person changed the password in another browser",
        SIGNED_IN,
        IS_OUT,
        dead(_CHANGED),
    ),
    State(
        "changed_here",
        "the person changed the password in this browser",
        SIGNED_IN,
        STAYS,
        dead(_CHANGED),
    ),
    State("recovered", "the person used a reset link", SIGNED_IN, IS_OUT, dead(_CHANGED)),
    State(
        "locked", "an administrator locked the account", INCORRECT, IS_OUT, dead("account_locked")
    ),
    State("unlocked", "locked and unlocked", SIGNED_IN, IS_OUT, dead(_ENDED)),
    State("not_me", 'the owner said "not me"', INCORRECT, IS_OUT, dead("account_locked")),
    State(
        "locked_must_change", "locked, and must change", INCORRECT, IS_OUT, dead("account_locked")
    ),
    State("inactive", "the account was deactivated", INCORRECT, IS_OUT, dead("account_disabled")),
    State("reactivated", "deactivated and reactivated", SIGNED_IN, IS_OUT, dead(_ENDED)),
    State("inactive_locked", "locked and deactivated", INCORRECT, IS_OUT, dead("account_disabled")),
    State("role_lost", "an administrator role was taken away", SIGNED_IN, IS_OUT, dead(_ENDED)),
    State("sessions_ended", "all sessions were ended", SIGNED_IN, IS_OUT, dead(_ENDED)),
    State("session_ended", "this session was ended", SIGNED_IN, IS_OUT, dead(_ENDED)),
    State("throttled", "somebody else typed too many wrong passwords", THROTTLED, STAYS, LIVE),
)
