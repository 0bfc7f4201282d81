"""What the end-user pages may be asked to show: ordinary cases, and the awkward ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.idp.web.look_facts import (
    ASKED,
    COMING,
    COMING_AND_WARNED,
    CONSENTS,
    LINKS,
    LONG_APP,
    LONG_USER,
    NOTHING_COMING,
    ONE_FINDING,
    REASONS,
    RULES,
    SCOPES,
    SESSIONS,
    SIX_FINDINGS,
    SOME_APP,
    THREE_REASONS,
    TO_BE_CHECKED,
)

Context = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sample:
    """One page in one situation."""

    name: str
    template: str
    context: Context = field(default_factory=dict)
    realm: str | None = "staff"
    support: str | None = None


_ASK: Context = {
    "action": "/post",
    "username": None,
    "message": None,
    "client_name": SOME_APP,
    "forgot_url": "/id/realms/staff/forgot-password",
    "notice": None,
}
_CHANGE: Context = {
    "action": "/post",
    "forced": True,
    "reasons": REASONS,
    "rules": RULES,
    "findings": [],
    "message": None,
    "username": "aroha.ngata",
    "client_name": SOME_APP,
    "cancel_url": "/id/realms/staff/logout",
}
_ELSEWHERE: Context = {
    "forced": True,
    "reasons": ["The company directory asks for a new password."],
    "username": "aroha.ngata",
    "where": "https://passwords.example.co.nz/self-service/change",
    "is_address": True,
    "client_name": SOME_APP,
    "again_url": "/id/realms/staff/sign-in",
    "cancel_url": "/id/realms/staff/logout",
}
_RESET: Context = {
    "action": "/post",
    "rules": RULES,
    "findings": [],
    "username": "aroha.ngata",
    "needs_code": False,
}
_FORGOT: Context = {"action": "/post", "email": None, "sent": False}
_SENT: Context = {
    "action": "/post",
    "email": "aroha@example.co.nz",
    "sent": True,
    "code_action": "/post",
}
_SETUP: Context = {
    "action": "/post",
    "username": None,
    "email": None,
    "rules": RULES,
    "findings": [],
}
_REFUSED = "The user name or password is incorrect. Check both and try again."

SAMPLES: Final = (
    Sample("sign-in", "sign_in.html", _ASK, support="Help desk: 0800 555 010, help@example.co.nz"),
    Sample("sign-in-refused", "sign_in.html", {**_ASK, "username": "aroha", "message": _REFUSED}),
    Sample(
        "sign-in-portal",
        "sign_in.html",
        {
            **_ASK,
            "client_name": "Client Portal",
            "notice": "Your password was changed. Sign in with the new one.",
        },
        realm="portal",
    ),
    Sample(
        "sign-in-long",
        "sign_in.html",
        {**_ASK, "username": LONG_USER, "client_name": LONG_APP, "message": _REFUSED},
        realm="long",
        support="Haere mai. Ask Mereana, or write to the-long-mailbox-of-the-desk@example.co.nz",
    ),
    Sample("sign-in-bare", "sign_in.html", {**_ASK, "client_name": None, "forgot_url": None}),
    Sample("change-forced", "change_password.html", _CHANGE),
    Sample("change-one", "change_password.html", {**_CHANGE, "findings": ONE_FINDING}),
    Sample(
        "change-six",
        "change_password.html",
        {
            **_CHANGE,
            "reasons": THREE_REASONS,
            "findings": SIX_FINDINGS,
            "username": LONG_USER,
            "client_name": LONG_APP,
        },
    ),
    Sample(
        "change-own",
        "change_password.html",
        {
            **_CHANGE,
            "forced": False,
            "reasons": [],
            "client_name": None,
            "message": "The current password is incorrect.",
        },
        realm="portal",
    ),
    Sample("change-no-rules", "change_password.html", {**_CHANGE, "rules": [], "cancel_url": None}),
    Sample(
        "consent",
        "consent.html",
        {"action": "/post", "client_name": SOME_APP, "scopes": SCOPES, "username": "aroha.ngata"},
    ),
    Sample(
        "not-allowed",
        "not_allowed.html",
        {
            "action": "/post",
            "client_name": SOME_APP,
            "username": "aroha.ngata",
            "sign_in_url": "/sign-in",
        },
    ),
    Sample(
        "not-allowed-long",
        "not_allowed.html",
        {
            "action": "/post",
            "client_name": LONG_APP,
            "username": LONG_USER,
            "sign_in_url": "/sign-in",
        },
        realm="portal",
    ),
    Sample(
        "consent-long",
        "consent.html",
        {"action": "/post", "client_name": LONG_APP, "scopes": SCOPES[:1], "username": LONG_USER},
        realm="portal",
    ),
    Sample("forgot", "forgot_password.html", _FORGOT),
    Sample(
        "forgot-bad",
        "forgot_password.html",
        {**_FORGOT, "email": "aroha", "message": "That is not an email address."},
    ),
    Sample("forgot-sent", "forgot_password.html", _SENT),
    Sample(
        "forgot-code-bad",
        "forgot_password.html",
        {**_SENT, "email": LONG_USER, "code_message": "That code is not right, or it is too old."},
        realm="portal",
    ),
    Sample("reset", "reset_password.html", _RESET),
    Sample(
        "reset-code",
        "reset_password.html",
        {
            **_RESET,
            "username": None,
            "needs_code": True,
            "message": "That code is not right, or it is too old.",
        },
    ),
    Sample(
        "reset-six", "reset_password.html", {**_RESET, "findings": SIX_FINDINGS}, realm="portal"
    ),
    Sample("reset-done", "reset_done.html", {"username": "aroha.ngata", "client_name": SOME_APP}),
    Sample("reset-done-bare", "reset_done.html"),
    Sample("signed-out", "signed_out.html", {"client_name": SOME_APP, "return_url": "/app"}),
    Sample(
        "signed-out-bare",
        "signed_out.html",
        {"client_name": None, "return_url": None},
        realm="portal",
    ),
    Sample(
        "sign-out",
        "sign_out.html",
        {
            "action": "/post",
            "username": "aroha.ngata",
            "client_name": SOME_APP,
            "cancel_url": "/app",
            "fields": [("state", 'a"b<c')],
        },
    ),
    Sample("sign-out-bare", "sign_out.html", {"action": "/post"}),
    Sample(
        "error",
        "error.html",
        {
            "title": "This sign-in has run out",
            "message": "It was started too long ago. Go back to the app and start again.",
            "request_id": "0193648e-7c11-7a52-9d0e-0c3c51b5e6f4",
            "retry_url": "/id/realms/staff/sign-in",
        },
        support="Help desk: 0800 555 010",
    ),
    Sample(
        "error-no-realm",
        "error_bare.html",
        {
            "title": "There is nothing here",
            "message": "The address may be mistyped.",
            "request_id": None,
            "retry_url": None,
        },
        realm=None,
    ),
    Sample(
        "account",
        "account.html",
        {
            "username": "aroha.ngata",
            "name": "Aroha Ngata",
            "email": "aroha@example.co.nz",
            "links": LINKS,
            "password_set_at": datetime(2026, 9, 2, 21, 40, tzinfo=UTC),
            "coming": COMING,
            "sign_out_url": "/id/realms/staff/logout",
        },
    ),
    Sample(
        "account-long",
        "account.html",
        {
            "username": LONG_USER,
            "name": None,
            "email": None,
            "links": LINKS,
            "coming": NOTHING_COMING,
        },
        realm="portal",
    ),
    Sample(
        "sessions",
        "account_sessions.html",
        {
            "sessions": SESSIONS,
            "coming": COMING_AND_WARNED,
            "action_end": "/post",
            "action_end_others": "/post",
            "notice": "That sign-in has ended.",
        },
    ),
    Sample(
        "sessions-one",
        "account_sessions.html",
        {
            "sessions": SESSIONS[:1],
            "coming": NOTHING_COMING,
            "action_end": "/post",
            "action_end_others": "/post",
        },
        realm="portal",
    ),
    Sample(
        "security",
        "account_security.html",
        {
            "coming": TO_BE_CHECKED,
            "asked": ASKED,
            "password_set_at": datetime(2026, 10, 12, 20, 15, tzinfo=UTC),
            "devices": 3,
            "action_forget": "/post",
            "consents": CONSENTS,
            "action_revoke": "/post",
        },
    ),
    Sample(
        "security-bare",
        "account_security.html",
        {
            "coming": NOTHING_COMING,
            "asked": [],
            "password_set_at": None,
            "devices": 0,
            "action_forget": "/post",
            "consents": [],
            "action_revoke": "/post",
        },
        realm="portal",
    ),
    Sample(
        "change-done", "change_done.html", {"client_name": "TimeTrak Mobile", "return_url": "/app"}
    ),
    Sample("change-done-bare", "change_done.html", {"client_name": None, "return_url": None}),
    Sample("change-elsewhere", "change_elsewhere.html", _ELSEWHERE),
    Sample(
        "change-elsewhere-sentence",
        "change_elsewhere.html",
        {
            **_ELSEWHERE,
            "forced": False,
            "reasons": [],
            "where": "Ask the help desk, 0800 555 010.",
            "is_address": False,
            "client_name": None,
        },
    ),
    Sample(
        "change-elsewhere-bare",
        "change_elsewhere.html",
        {**_ELSEWHERE, "where": None, "is_address": False, "again_url": None, "cancel_url": None},
    ),
    Sample(
        "change-uncertain",
        "change_uncertain.html",
        {"username": "aroha.ngata", "client_name": None, "again_url": "/id/realms/staff/sign-in"},
    ),
    Sample(
        "not-me", "not_me.html", {"state": "confirm", "username": "aroha.ngata", "action": "/post"}
    ),
    Sample("not-me-locked", "not_me.html", {"state": "locked", "username": "aroha.ngata"}),
    Sample("not-me-expired", "not_me.html", {"state": "expired", "username": None}),
    Sample("setup", "setup.html", _SETUP),
    Sample(
        "setup-refused",
        "setup.html",
        {
            **_SETUP,
            "username": "admin",
            "email": "it@example",
            "findings": ONE_FINDING,
            "message": "That is not an email address.",
        },
    ),
    Sample("setup-done", "setup_done.html", {"username": "admin"}),
    Sample("setup-done-long", "setup_done.html", {"username": LONG_USER}, realm="long"),
    Sample(
        "form-post",
        "form_post.html",
        {
            "action": "/app?x=1&y=2",
            "fields": [
                ("code", "Zm9v-YmFy"),
                ("state", '"><b>&amp; %20+é'),
                ("iss", "https://id.example/"),
            ],
            "client_name": SOME_APP,
        },
    ),
)
