"""The mails: plain, short, and each account with its own way in."""

import re

import pytest

from tests.idp.web.look_mails import MAILS
from tests.idp.web.look_pages import Context
from tests.idp.web.look_site import WEB, render_mail


def told(name: str) -> list[tuple[str, Context]]:
    return [mail for mail in MAILS if mail[0] == name]


def test_every_mail_template_is_looked_at() -> None:
    templates = {file.stem for file in (WEB / "templates" / "mail").glob("[!_]*.txt")}

    assert {name for name, _ in MAILS} == templates


@pytest.mark.parametrize(("name", "context"), MAILS, ids=[name for name, _ in MAILS])
def test_mails_are_plain_and_short(name: str, context: Context) -> None:
    subject, body = render_mail(name, context)

    assert subject
    assert "\n" not in subject
    assert body.startswith("Kia ora")
    assert body.endswith("TimeTrak Staff")
    assert not re.search(r"\n{3}|&amp;|&#|[{}]|[ \t]\n", body)
    assert all(len(line) <= 100 for line in body.splitlines())


def test_the_recovery_mail_gives_each_account_its_own_link_and_code() -> None:
    _, body = render_mail(*MAILS[1])

    first, second = body.index("User name: aroha.ngata"), body.index("User name: O'Brien & co")
    assert first < body.index("/r/1") < body.index("K7QX-2M9P") < second
    assert second < body.index("/r/2") < body.index("4HWT-VB6N")


@pytest.mark.parametrize("name", ["password_changed", "shared_secret_changed", "email_changed"])
def test_a_notice_says_when(name: str) -> None:
    moments = [
        re.search(r" on \d+ November 2026 at 09:20 (UTC|NZDT)\.", render_mail(*mail)[1])
        for mail in told(name)
    ]

    assert moments
    assert all(moments)
