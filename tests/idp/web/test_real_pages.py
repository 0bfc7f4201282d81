"""The whole product in a real browser: every page for everybody, and every way through them."""

from collections.abc import Iterator
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships none
from playwright.sync_api import Browser, Locator, Page, expect

from idp.core.links import issue_not_me_link, issue_setup_link
from tests.idp.web.test_recovery_pages import code_of, link_of
from tests.support.browser import complaints_of, nameless_forms
from tests.support.live import LiveSite, live_site
from tests.support.world import PASSWORD

VIEWS: Final[tuple[tuple[Literal["light", "dark"], int], ...]] = (("light", 1100), ("dark", 360))
"""The rest of the views are looked at with samples, in `test_pages_look`."""
AXE: Final = {"rules": {"target-size": {"enabled": True}}}
NEW: Final = "seven wooden boats at noon"
STRICTER: Final = {
    "enforcement": "everyone",
    "rules": {"length": {"min": 24}, "characters": {"digits": 0, "lowercase": 1}},
}


@pytest.fixture
def site(database_url: str) -> Iterator[LiveSite]:
    """Give the product at an address of its own, with a person called Ada."""
    with live_site(database_url) as running:
        running.story.person("ada", user={"given_name": "Ada", "name": "Ada Lovelace"})
        yield running


@pytest.fixture
def said(page: Page) -> Iterator[list[str]]:
    """Give what the browser complained of; in the end it must be nothing unexpected."""
    complaints = complaints_of(page)
    yield complaints
    unexpected = [text for text in complaints if "Failed to load resource" not in text]
    assert unexpected == []


def look(page: Page, name: str) -> None:
    """Fail unless the page says what it is and everybody can use it, in every view."""
    expect(page.locator("body")).to_have_attribute("data-page", name)
    assert nameless_forms(page) == []
    for scheme, width in VIEWS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        results = Axe().run(page, options=AXE)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1100, "height": 800})


def sign_in(page: Page, name: str = "ada", password: str = PASSWORD) -> None:
    """Fill in the sign-in form that is open."""
    page.get_by_label("User name or email").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def follow(page: Page, where: Locator) -> None:
    """Click, and be on the next page, though it may have the name of this one."""
    with page.expect_navigation():
        where.click()


def choose(page: Page, new: str = NEW, *, current: str | None = PASSWORD) -> None:
    """Fill in the form for a new password that is open."""
    if current is not None:
        page.get_by_label("Current password", exact=True).fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password again", exact=True).fill(new)
    follow(page, page.get_by_role("button", name="Save new password"))


def expect_app(page: Page) -> None:
    """Fail unless the browser is back in the app."""
    expect(page.get_by_role("heading", name="Back in the app")).to_be_visible()


def test_signing_in_for_an_app(page: Page, site: LiveSite, said: list[str]) -> None:
    page.goto(site.authorize(site.app()))
    look(page, "sign-in")
    sign_in(page, password="wrong")
    look(page, "sign-in")
    expect(page.get_by_role("alert")).to_contain_text("incorrect")
    expect(page.get_by_label("User name or email")).to_have_value("ada")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()

    sign_in(page)

    expect_app(page)
    page.goto(site.authorize(site.app("web2")))
    expect_app(page)


def test_a_forced_change_on_the_way_to_an_app(page: Page, site: LiveSite, said: list[str]) -> None:
    site.story.world.publish_policy(STRICTER)
    page.goto(site.authorize(site.app()))
    sign_in(page)
    look(page, "change-password")
    choose(page, "short")
    look(page, "change-password")
    expect(page.locator("#findings")).to_be_focused()
    expect(page.locator("#findings")).to_contain_text("at least 24 characters")
    choose(page)

    expect_app(page)


def test_one_may_change_ones_password(page: Page, site: LiveSite, said: list[str]) -> None:
    page.goto(site.address("/sign-in"))
    sign_in(page)
    look(page, "account")
    page.get_by_role("link", name="Password").click()
    look(page, "change-password")
    page.get_by_label("New password", exact=True).fill("tiny")
    expect(page.locator("#rules li").first).to_have_attribute("data-state", "open")
    choose(page, current="wrong")
    expect(page.get_by_role("alert")).to_contain_text("incorrect")
    choose(page)

    expect(page.get_by_role("heading", name="Kia ora, Ada")).to_be_visible()


def test_a_new_password_with_the_link_in_the_mail(
    page: Page, site: LiveSite, said: list[str]
) -> None:
    page.goto(site.authorize(site.app()))
    page.get_by_role("link", name="Reset your password").click()
    look(page, "forgot-password")
    page.get_by_label("Email address").fill("ada@example.com")
    follow(page, page.get_by_role("button", name="Send the link"))
    look(page, "forgot-password")
    link = link_of(site.story)
    page.goto(link)
    look(page, "reset-password")
    assert page.url == site.address("/reset-password")
    assert link.rpartition("/")[2] not in page.evaluate("document.documentElement.outerHTML")
    choose(page, "short", current=None)
    look(page, "reset-password")
    choose(page, current=None)
    look(page, "reset-password")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, password=NEW)

    expect(page.get_by_role("heading", name="Kia ora, Ada")).to_be_visible()


def test_a_new_password_with_the_code_in_the_mail(
    page: Page, site: LiveSite, said: list[str]
) -> None:
    page.goto(site.address("/forgot-password"))
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_label("code").fill("0000-0000")
    follow(page, page.get_by_role("button", name="Use this code"))
    look(page, "forgot-password")
    page.get_by_label("code").fill(code_of(site.story))
    page.get_by_role("button", name="Use this code").click()
    choose(page, current=None)

    expect(page.get_by_role("heading", name="Your new password is set")).to_be_visible()
    page.goto(site.address("/reset-password"))
    look(page, "reset-password")
    expect(page.get_by_label("code")).to_be_visible()
    page.goto(site.address("/reset-password/" + "x" * 43))
    look(page, "error")


def test_where_one_is_signed_in(
    browser: Browser, page: Page, site: LiveSite, said: list[str]
) -> None:
    with browser.new_context() as elsewhere:
        other = elsewhere.new_page()
        other.goto(site.authorize(site.app()))
        sign_in(other)
        expect_app(other)
        page.goto(site.address("/sign-in"))
        sign_in(page)
        follow(page, page.get_by_role("link", name="Where you are signed in"))
        look(page, "account")
        expect(page.get_by_text("This browser")).to_have_count(1)
        page.get_by_role("button", name="Sign out Chrome on Linux").click()
        expect(page.get_by_role("button", name="Sign out of all others")).to_have_count(0)
        other.goto(site.address("/account"))
        expect(other.locator("body")).to_have_attribute("data-page", "sign-in")


def test_an_app_for_others_only(page: Page, site: LiveSite, said: list[str]) -> None:
    app = site.app(client_name="Payroll", allowed_groups=())
    page.goto(site.authorize(app))
    sign_in(page)
    look(page, "error")
    expect(page.get_by_role("heading")).to_have_text("You may not use this app")
    page.get_by_role("link", name="Sign in with another account").click()
    look(page, "sign-in")
    page.go_back()
    page.get_by_role("button", name="Back to Payroll").click()

    expect_app(page)


def test_allowing_an_app_and_taking_it_back(page: Page, site: LiveSite, said: list[str]) -> None:
    app = site.app(client_name="Elsewhere", consent_required=True)
    page.goto(site.authorize(app, scope="openid profile email groups offline_access"))
    sign_in(page)
    look(page, "consent")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect_app(page)
    page.goto(site.address("/account/security"))
    look(page, "account")
    page.get_by_role("button", name="Take back from Elsewhere").click()
    expect(page.get_by_text("Elsewhere", exact=True)).to_have_count(0)
    page.goto(site.authorize(app))
    page.get_by_role("button", name="t allow").click()

    expect_app(page)
    assert "error=access_denied" in page.url


def test_the_answer_by_form_post_goes_on_by_itself(
    page: Page, site: LiveSite, said: list[str]
) -> None:
    page.goto(site.authorize(site.app(), response_mode="form_post", state='"><b>&amp;'))
    sign_in(page)

    expect_app(page)
    expect(page.locator("pre")).to_contain_text("state=%22%3E%3Cb%3E%26amp%3B")


def test_the_first_administrator_takes_over(page: Page, site: LiveSite, said: list[str]) -> None:
    with site.story.world.begin() as uow:
        link = site.address(f"/setup/{issue_setup_link(uow)}")
    page.goto(link)
    look(page, "account")
    page.get_by_label("User name").fill("root")
    page.get_by_label("Email address").fill("root@example.com")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password again", exact=True).fill("short")
    page.get_by_role("button", name="Create the account").click()
    look(page, "account")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again", exact=True).fill(NEW)
    page.get_by_role("button", name="Create the account").click()
    look(page, "account")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, "root", NEW)
    expect(page.get_by_text("root@example.com")).to_be_visible()
    page.goto(link)
    look(page, "error")


def test_this_was_not_me(page: Page, site: LiveSite, said: list[str]) -> None:
    with site.story.world.begin() as uow:
        link = site.address(f"/not-me/{issue_not_me_link(uow, site.story.people['ada'])}")
    page.goto(link)
    look(page, "account")
    page.get_by_role("button", name="This was not me: lock it").click()
    look(page, "account")
    expect(page.get_by_role("heading", name="The account is locked")).to_be_visible()


def test_signing_out_asks_first(page: Page, site: LiveSite, said: list[str]) -> None:
    page.goto(site.address("/sign-in"))
    sign_in(page)
    page.get_by_role("link", name="Sign out").click()
    look(page, "signed-out")
    page.get_by_role("button", name="Sign out").click()
    look(page, "signed-out")
    page.goto(site.address("/account"))
    look(page, "sign-in")


def test_what_is_not_there_says_so(page: Page, site: LiveSite, said: list[str]) -> None:
    for path in (
        site.address("/nowhere"),
        site.address(f"/interaction/{'x' * 43}"),
        f"{site.url}/nowhere",
    ):
        page.goto(path)
        look(page, "error")


def test_everything_works_without_scripts(browser: Browser, site: LiveSite) -> None:
    site.story.world.publish_policy(STRICTER)
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.authorize(site.app()))
        sign_in(page)
        choose(page, "short")
        choose(page)
        expect_app(page)
        page.goto(site.address("/logout"))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
