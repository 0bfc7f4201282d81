"""After a bulk reset, people help themselves from their app, by mail through a real server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.demo import (
    Demo,
    go_to_sign_in,
    running_demo,
    shown_page,
    sign_in,
    type_new_password,
    user_at,
)
from tests.support.mailbox import SmtpServer

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.fixture
def demo_with_mail(
    tmp_path: Path, smtp_server: SmtpServer, database_options: tuple[str, ...]
) -> Iterator[Demo]:
    """Give a demo whose mails go to a real mail server."""
    with running_demo(tmp_path, "--mail-url", smtp_server.url, *database_options) as demo:
        yield demo


def test_people_reset_their_password_by_mail_from_either_app(
    page: Page, demo_with_mail: Demo, smtp_server: SmtpServer
) -> None:
    demo = demo_with_mail
    demo.publish("shorter")
    demo.reset_all("kiwi")

    for app, username, chosen in (
        ("professional", "office", "office again"),
        ("mobile", "field", "field again"),
    ):
        page.context.clear_cookies()
        go_to_sign_in(page, demo, app)
        page.get_by_role("link", name="Reset your password").click()
        page.locator("[name=email]").fill(f"{username}@example.co.nz")
        page.locator("main form button[type=submit]").first.click()
        mail = smtp_server.mail_to(f"{username}@example.co.nz", seconds=30)
        link = re.search(r"http://localhost:\d+/\S*/reset-password/\S+", mail.text)
        assert link is not None, mail.text

        page.goto(link[0])
        assert shown_page(page) == "reset-password"
        type_new_password(page, chosen)
        expect(page.locator("main")).not_to_contain_text("New password again")

        sign_in(page, demo, app, username, chosen)
        assert (shown_page(page), user_at(page)) == (app, username)
        smtp_server.mail_to(f"{username}@example.co.nz", number=2, seconds=30)
