"""What a person sees right after `make demo`."""

import re
from pathlib import Path

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships none
from playwright.sync_api import Page, expect

from tests.support.browser import complaints_of
from tests.support.demo import Demo, NewPage, go_to_sign_in, shown_page, sign_in, user_at
from tests.support.servers import run_idp

pytestmark = [pytest.mark.servers, pytest.mark.browser]
WIDTHS = (1200, 360)


def facts(page: Page) -> dict[str, str]:
    """Return what an app shows of its tokens."""
    names = page.locator(".facts dt").all_inner_texts()
    return dict(zip(names, page.locator(".facts dd").all_inner_texts(), strict=True))


def test_one_sign_in_serves_professional_and_mobile_but_not_the_portal(
    page: Page, demo: Demo
) -> None:
    sign_in(page, demo, "professional", "office", "office-demo")
    assert user_at(page) == "office"

    go_to_sign_in(page, demo, "mobile")
    assert (shown_page(page), user_at(page)) == ("mobile", "office")

    go_to_sign_in(page, demo, "portal")
    assert shown_page(page) == "sign-in"
    assert page.url.startswith(demo.issuer("portal"))

    sign_in(page, demo, "portal", "customer@example.co.nz", "customer-demo")
    assert user_at(page) == "customer@example.co.nz"
    page.goto(demo.url("professional"))
    assert user_at(page) == "office"


def test_two_demos_do_not_share_a_folder(demo: Demo, tmp_path: Path) -> None:
    options = ("demo", "--port", "0", "--data", str(demo.folder), "--no-browser")

    done = run_idp(*options, directory=tmp_path)

    assert done.returncode == 1
    assert "another demo runs on" in done.stderr


def test_staff_and_customers_are_strangers_to_each_other(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "portal", "office", "office-demo")

    assert shown_page(page) == "sign-in"
    expect(page.locator("main")).to_contain_text("incorrect")


def test_an_app_shows_who_signed_in_and_gets_new_tokens(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "professional", "field", "field-demo")
    shown = facts(page)
    assert shown["Email"] == "field@example.co.nz"
    assert shown["Groups"] == "Field"
    assert re.fullmatch(r"until \d\d:\d\d:\d\d \((5 min 00|4 min 5\d) s\)", shown["Access token"])

    page.get_by_role("button", name="Get new tokens").click()
    expect(page.locator("#notice")).to_contain_text("New tokens")

    page.get_by_role("button", name="Ask who I am").click()
    expect(page.locator("#notice")).to_contain_text('"preferred_username": "field"')


def test_signing_out_of_one_app_ends_the_sign_in_for_all(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "professional", "yard", "yard-demo")
    go_to_sign_in(page, demo, "mobile")
    page.goto(demo.url("professional"))

    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#notice")).to_contain_text("You are signed out")
    assert (shown_page(page), user_at(page)) == ("professional", None)

    page.goto(demo.url("mobile"))
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("#answer")).to_contain_text("invalid_grant")
    page.get_by_role("link", name="Sign in again").click()
    assert shown_page(page) == "sign-in"


def test_an_answer_that_was_not_asked_for_in_this_browser_is_refused(
    page: Page, new_page: NewPage, demo: Demo
) -> None:
    go_to_sign_in(page, demo, "professional")
    returned: list[str] = []
    page.on("request", lambda request: returned.append(request.url))
    sign_in(page, demo, "professional", "owner", "owner-demo")
    callback = next(url for url in returned if "/callback?" in url)

    stranger = new_page()
    stranger.goto(callback)

    expect(stranger.locator("#notice")).to_contain_text("not begun in this browser")
    assert user_at(stranger) is None


def test_a_reset_mail_arrives_on_the_mail_page_and_its_link_works(page: Page, demo: Demo) -> None:
    go_to_sign_in(page, demo, "portal")
    page.get_by_role("link", name="Reset your password").click()
    page.locator("[name=email]").fill("customer@example.co.nz")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("[name=email]")).to_have_count(0)
    page.goto(demo.report["mail"])

    link = page.locator("article a", has_text="/reset-password/").first
    link.click(timeout=30_000)

    assert shown_page(page) == "reset-password"


def test_a_script_administers_over_rest_with_the_service_client(demo: Demo) -> None:
    client = demo.report["service_client"]
    granted = requests.post(
        client["token_endpoint"],
        auth=(client["client_id"], client["client_secret"]),
        data={"grant_type": "client_credentials", "scope": "admin:read"},
        timeout=30,
    )
    bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}

    staff = requests.get(f"{demo.report['rest']}/realms/staff/users", headers=bearer, timeout=30)

    assert staff.status_code == 200
    names = {user["username"] for user in staff.json()["items"]}
    assert names == {"office", "field", "yard", "owner"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_demo_are_accessible_and_fit(page: Page, demo: Demo, scheme: str) -> None:
    said = complaints_of(page)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    def look() -> None:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[-1]

    for app in ("professional", "mobile"):
        page.goto(demo.url(app))
        look()
    sign_in(page, demo, "professional", "office", "office-demo")
    page.get_by_role("button", name="Ask who I am").click()
    expect(page.locator("#notice")).to_contain_text('"preferred_username": "office"')
    look()
    go_to_sign_in(page, demo, "mobile")
    expect(page.get_by_role("button", name="Ask who I am")).to_be_visible()
    look()
    page.goto(demo.report["mail"])
    look()
    assert said == []
