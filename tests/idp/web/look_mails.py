"""What the mails may be asked to say."""

from datetime import UTC, datetime
from typing import Final

from tests.idp.web.look_pages import Context

MAILS: Final[tuple[tuple[str, Context], ...]] = (
    (
        "recovery",
        {
            "accounts": [
                {
                    "username": "aroha.ngata",
                    "link": "https://id.example/r/1?t=a&b",
                    "code": "K7QX-2M9P",
                }
            ],
            "minutes": 30,
        },
    ),
    (
        "recovery",
        {
            "accounts": [
                {"username": "aroha.ngata", "link": "https://id.example/r/1", "code": "K7QX-2M9P"},
                {"username": "O'Brien & co", "link": "https://id.example/r/2", "code": "4HWT-VB6N"},
            ],
            "minutes": 30,
            "name": "Aroha",
            "client_name": "TimeTrak Mobile",
            "support": "Help desk: 0800 555 010",
        },
    ),
    (
        "recovery",
        {
            "accounts": [
                {"username": "aroha.ngata", "link": None, "where": "https://passwords.example"},
                {"username": "aroha", "link": "https://id.example/r/2", "code": "4HWT-VB6N"},
            ],
            "minutes": 30,
        },
    ),
    (
        "recovery",
        {"accounts": [{"username": "aroha.ngata", "link": None, "where": None}], "minutes": 30},
    ),
    (
        "password_changed",
        {
            "username": "aroha.ngata",
            "changed_at": datetime(2026, 11, 25, 9, 20, tzinfo=UTC),
            "how": "recovery",
            "forgot_url": "https://id.example/f",
            "name": "Aroha",
            "address": "203.0.113.7",
            "browser": "Firefox on Windows",
        },
    ),
    (
        "password_changed",
        {
            "username": "aroha",
            "changed_at": "5 November 2026 at 09:20 NZDT",
            "how": "self",
            "forgot_url": "https://id.example/f",
        },
    ),
    (
        "password_changed",
        {
            "username": "aroha",
            "changed_at": "5 November 2026 at 09:20 NZDT",
            "how": "administrator",
            "forgot_url": "https://id.example/f",
        },
    ),
    (
        "password_changed",
        {
            "username": "aroha",
            "changed_at": "5 November 2026 at 09:20 NZDT",
            "how": "self",
            "forgot_url": None,
            "where": "https://passwords.example.co.nz",
        },
    ),
    (
        "shared_secret_changed",
        {
            "username": "aroha.ngata",
            "changed_at": datetime(2026, 11, 5, 9, 20, tzinfo=UTC),
            "not_me_url": "https://id.example/n",
            "name": "Aroha",
            "address": "203.0.113.7",
        },
    ),
    (
        "reset_link",
        {"username": "aroha.ngata", "link": "https://id.example/r/1", "hours": 24, "name": "Aroha"},
    ),
    (
        "campaign_link",
        {
            "username": "aroha.ngata",
            "link": "https://id.example/r/1",
            "hours": 24,
            "forgot_url": "https://id.example/f",
            "reason": "Yearly renewal & tidy-up",
            "support": "Help desk: 0800 555 010",
        },
    ),
    (
        "policy_notice",
        {
            "username": "aroha.ngata",
            "name": "Aroha",
            "until": "3 December 2026 at 09:00 NZDT",
            "is_change": True,
            "because": "the minimum length was raised to 12 characters",
            "is_reminder": False,
            "change_url": "https://id.example/p",
        },
    ),
    (
        "policy_notice",
        {
            "username": "aroha.ngata",
            "until": "3 December 2026 at 09:00 NZDT",
            "is_change": False,
            "because": "the rules of a group that you are in ask for at least 15 characters and "
            "3 of these: capital letters, small letters, digits, signs",
            "is_reminder": True,
            "change_url": "https://id.example/p",
            "support": "Help desk: 0800 555 010",
        },
    ),
    (
        "account_locked",
        {
            "username": "aroha",
            "cause": "attempts",
            "forgot_url": "https://id.example/f",
            "minutes": 15,
        },
    ),
    *(
        (
            "account_locked",
            {"username": "aroha", "cause": "attempts", "forgot_url": None, "where": where},
        )
        for where in ("https://passwords.example.co.nz", None)
    ),
    ("email_changed", {"username": "aroha", "changed_at": "5 November 2026 at 09:20 NZDT"}),
    ("account_locked", {"username": "aroha", "cause": "not_me", "name": "Aroha"}),
    ("account_locked", {"username": "aroha", "cause": "administrator"}),
)
