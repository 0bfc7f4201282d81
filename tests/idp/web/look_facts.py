"""People, apps, rules and sessions that the page samples are made of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

SOME_APP: Final = "TimeTrak Professional"
LONG_APP: Final = (
    "Waikato & Bay of Plenty Refrigeration Services <Field-Service> Scheduling and Invoicing"
)
LONG_USER: Final = (
    "wilhelmina.te-kanawa-featherstonehaugh.contractor.hamilton@field-service.example.co.nz"
)

RULES: Final = [
    {"code": "rule.length", "params": {"min": 8, "max": 256}, "text": "At least 8 characters"},
    {"code": "rule.uppercase", "params": {"min": 1}, "text": "At least 1 capital letter"},
    {"code": "rule.classes", "params": {"min": 3}, "text": "3 of: capitals, small, digits, signs"},
    {"code": "rule.differs_from_current", "params": {}, "text": "Not your current password"},
    {"code": "rule.common", "params": {}, "text": "Not a common or easily guessed password"},
]
ONE_FINDING: Final = ["It needs at least 8 characters."]
SIX_FINDINGS: Final = [
    "It needs at least 15 characters; this one has 9.",
    "It needs at least 1 capital letter.",
    "It needs at least 2 digits.",
    "It is one of the passwords that are tried first.",
    "It is too close to your name or your user name.",
    "You used it before: your last 5 passwords cannot be used again.",
]
REASONS: Final = ["The password rules became stricter since you chose your password."]
THREE_REASONS: Final = [
    "The password rules became stricter on 24 November: at least 15 characters.",
    "An administrator reset your password; the one you were given is for one sign-in only.",
    "Your password is older than 90 days.",
]
SESSIONS: Final = [
    {
        "id": "s1",
        "browser": "Firefox on Windows",
        "address": "203.0.113.7",
        "created_at": datetime(2026, 11, 20, 19, 4, tzinfo=UTC),
        "last_seen_at": datetime(2026, 11, 25, 9, 20, tzinfo=UTC),
        "is_current": True,
        "apps": ["TimeTrak Professional", "Administrator Console"],
    },
    {
        "id": "s2",
        "browser": "Safari on iPhone",
        "address": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "created_at": datetime(2026, 11, 2, 20, 0, tzinfo=UTC),
        "last_seen_at": datetime(2026, 11, 24, 4, 11, tzinfo=UTC),
        "is_current": False,
        "apps": ["TimeTrak Mobile"],
    },
    {
        "id": "s3",
        "browser": "Unknown browser",
        "address": "198.51.100.23",
        "created_at": "1 November 2026",
        "last_seen_at": "3 weeks ago",
        "is_current": False,
        "apps": [],
    },
]
LINKS: Final = [
    {
        "href": "/id/realms/staff/account/password",
        "title": "Change your password",
        "description": "Last changed 12 October 2026",
        "icon": "key",
    },
    {
        "href": "/id/realms/staff/account/sessions",
        "title": "Where you are signed in",
        "description": "3 browsers and apps",
        "icon": "browser",
    },
]
SCOPES: Final = [
    {
        "name": "openid",
        "title": "Know who you are",
        "description": "Your user number, nothing else",
    },
    {"name": "profile", "title": "See your name", "description": ""},
    {"name": "email", "title": "See your email address", "description": "aroha@example.co.nz"},
    {
        "name": "offline_access",
        "title": "Stay signed in",
        "description": "Until you sign out or your password changes",
    },
]
CONSENTS: Final = [
    {
        "client_id": "elsewhere",
        "client_name": "Elsewhere",
        "scopes": ["Who you are", "Your profile", "Your email address", "To stay signed in"],
        "granted_at": datetime(2026, 11, 3, 1, 30, tzinfo=UTC),
    },
    {
        "client_id": "long",
        "client_name": LONG_APP,
        "scopes": ["Who you are"],
        "granted_at": "1 November 2026",
    },
]

NOTHING_COMING: Final[Mapping[str, object]] = {
    "asked": None,
    "warnings": [],
    "href": "/id/realms/staff/account/password",
}
COMING: Final = {
    **NOTHING_COMING,
    "asked": {
        "until": datetime(2026, 12, 3, 2, 0, tzinfo=UTC),
        "is_soon": False,
        "is_change": True,
        "because": "the minimum length was raised to 12 characters",
    },
}
COMING_AND_WARNED: Final = {
    **NOTHING_COMING,
    "warnings": ["Your password expires in 6 days."],
    "asked": {
        "until": datetime(2026, 11, 25, 22, 30, tzinfo=UTC),
        "is_soon": True,
        "is_change": True,
        "because": "the rules of a group that you are in ask for at least 15 characters and "
        "3 of these: capital letters, small letters, digits, signs",
    },
}
TO_BE_CHECKED: Final = {
    **NOTHING_COMING,
    "asked": {
        "until": datetime(2026, 12, 3, 2, 0, tzinfo=UTC),
        "is_soon": False,
        "is_change": False,
        "because": "the password rules began to ask for a password that is neither common nor "
        "blocked",
    },
}
ASKED: Final = [
    {
        "at": datetime(2026, 11, 12, 8, 20, tzinfo=UTC),
        "last_at": datetime(2026, 11, 12, 8, 20, tzinfo=UTC),
        "count": 1,
        "text": "TimeTrak Mobile asked you to choose another password, because the minimum length "
        "was raised to 12 characters.",
    },
    {
        "at": datetime(2026, 10, 30, 1, 5, tzinfo=UTC),
        "last_at": datetime(2026, 10, 30, 4, 40, tzinfo=UTC),
        "count": 17,
        "text": f"{LONG_APP} asked you to sign in again, because your password had been changed "
        "or reset.",
    },
]
