"""The end-user pages in a browser: usable by everybody, in every situation."""

import re
from collections.abc import Iterator
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships none
from playwright.sync_api import Browser, Locator, Page, expect

from tests.idp.web.look_pages import SAMPLES, Sample
from tests.idp.web.look_site import Site, running_site
from tests.support.browser import complaints_of, nameless_forms

VIEWS: Final[tuple[tuple[Literal["light", "dark"], int], ...]] = (
    ("light", 1100),
    ("dark", 1100),
    ("light", 360),
    ("dark", 360),
)
AXE: Final = {"rules": {"target-size": {"enabled": True}}}
TARGETS: Final = "button, .button, input:not([type=hidden], [readonly]), a.row, .back, .aside a"


@pytest.fixture(scope="module")
def served() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def site(served: Site) -> Site:
    served.posts.clear()
    return served


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_page_is_accessible_and_fits(page: Page, site: Site, sample: Sample) -> None:
    said = complaints_of(page)
    page.route("**/form-post.js", lambda route: route.fulfill(body=""))  # it would go on
    page.goto(f"{site.origin}/{sample.name}")

    for scheme, width in VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        results = Axe().run(page, options=AXE)
        assert results.violations_count == 0, results.generate_report()

    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = page.locator(TARGETS).evaluate_all(
        "all => all.filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect().height)"
    )
    assert all(height >= 44 for height in heights)
    assert nameless_forms(page) == []
    assert said == []


def states(rules: Locator) -> list[str | None]:
    return [rule.get_attribute("data-state") for rule in rules.all()]


def test_typing_a_new_password_ticks_off_the_rules(page: Page, site: Site) -> None:
    page.goto(f"{site.origin}/change-forced")
    rules = page.locator("#rules li")
    new, again = page.get_by_label("New password", exact=True), page.locator("#confirm_password")

    page.get_by_label("Current password", exact=True).fill("Summer 2026")
    new.fill("Summer 2026")
    assert states(rules) == ["met", "met", "met", "open", "later"]
    new.fill("summer")
    assert states(rules) == ["open", "open", "open", "met", "later"]
    new.fill("Pōhutukawa 7")
    expect(page.locator("#rules-status")).to_have_text("4 / 4 done")
    again.fill("Pōhu")
    expect(page.locator("#match")).to_have_text("")
    again.fill("Pohu")
    expect(page.locator("#match")).to_have_text("Not the same yet.")
    again.fill("Pōhutukawa 7")
    expect(page.locator("#match")).to_have_text("Both are the same.")


def test_length_counts_characters_not_code_units(page: Page, site: Site) -> None:
    page.goto(f"{site.origin}/change-forced")
    length = page.locator("#rules li").first
    new = page.get_by_label("New password", exact=True)

    new.fill("🐑" * 7)
    expect(length).to_have_attribute("data-state", "open")
    new.fill("🐑" * 8)
    expect(length).to_have_attribute("data-state", "met")
    new.fill("o\u0304" * 7)  # composed: seven
    expect(length).to_have_attribute("data-state", "open")


def test_a_password_can_be_shown_and_is_hidden_again_before_it_is_sent(
    page: Page, site: Site
) -> None:
    """Showing it (Y-04) leaves no trace in what the browser remembers."""
    page.goto(f"{site.origin}/sign-in")
    password = page.get_by_label("Password", exact=True)
    show = page.get_by_role("button", name="Show password")
    page.get_by_label("User name or email").fill("aroha")
    password.fill("kererū kererū")

    show.click()
    expect(show).to_have_attribute("aria-pressed", "true")
    expect(password).to_have_attribute("type", "text")
    sent_as = password.evaluate("field => { field.form.requestSubmit(); return field.type; }")
    page.wait_for_url("**/post")

    assert sent_as == "password"
    assert dict(site.posts[0])["password"] == "kererū kererū"


@pytest.mark.parametrize("name", ["sign-in", "change-forced", "reset", "reset-code", "setup"])
def test_a_password_can_be_pasted_everywhere(page: Page, site: Site, name: str) -> None:
    """From a password manager, say (Y-04); blanks on both sides are kept."""
    copied = "  kererū  kererū 🐑 "
    page.goto(f"{site.origin}/{name}")
    page.evaluate("document.body.append(document.createElement('textarea'))")
    source = page.locator("textarea")
    source.fill(copied)
    fields = page.locator("input[type=password]")
    for field in fields.all():
        source.press("ControlOrMeta+A")
        source.press("ControlOrMeta+C")
        field.press("ControlOrMeta+V")

    assert [field.input_value() for field in fields.all()] == [copied] * fields.count()
    assert fields.count() >= 1


def test_pressing_twice_posts_once(page: Page, site: Site) -> None:
    page.goto(f"{site.origin}/consent")
    allow = page.get_by_role("button", name="Allow", exact=True)

    busy = allow.evaluate(
        "b => { b.click(); b.click(); b.form.requestSubmit(); return b.ariaDisabled; }"
    )
    page.wait_for_url("**/post")

    assert busy == "true"
    assert site.posts == [[("csrf", "c"), ("decision", "allow")]]


def test_form_post_goes_on_by_itself(page: Page, site: Site) -> None:
    page.goto(f"{site.origin}/form-post")
    page.wait_for_url("**/app?x=1&y=2")

    assert site.posts[0][1] == ("state", '"><b>&amp; %20+é')


def test_times_are_shown_on_the_readers_own_clock(browser: Browser, site: Site) -> None:
    with browser.new_context(timezone_id="Pacific/Auckland") as context:
        page = context.new_page()
        page.goto(f"{site.origin}/sessions")

        expect(page.locator(".rows time").first).to_have_text(re.compile(r"25 Nov 2026.*10:20.pm"))
        page.goto(f"{site.origin}/account")
        expect(page.locator(".tell time")).to_have_text("3 December 2026")


def test_everything_works_without_scripts(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.origin}/change-forced")
        expect(page.locator(".reveal").first).to_be_hidden()
        expect(page.locator("#rules")).to_contain_text("At least 8 characters")
        page.locator("#current_password").fill("a")
        page.locator("#new_password").fill("b")
        page.locator("#confirm_password").fill("b")
        page.get_by_role("button", name="Save new password").click()
        page.goto(f"{site.origin}/form-post")
        page.get_by_role("button", name="Continue").click()

    changed, handed_over = site.posts
    assert dict(changed)["new_password"] == "b"
    assert dict(handed_over)["code"] == "Zm9v-YmFy"


def test_what_is_wrong_is_the_first_thing_said(page: Page, site: Site) -> None:
    page.goto(f"{site.origin}/change-six")

    expect(page.locator("#findings")).to_be_focused()
    expect(page.locator("#findings li")).to_have_count(6)
    described = page.locator("#new_password").get_attribute("aria-describedby")
    assert described == "findings rules"


def test_motion_is_off_for_those_who_ask(browser: Browser, site: Site) -> None:
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(f"{site.origin}/sign-in")

        assert (
            page.locator(".button").evaluate("b => getComputedStyle(b).transitionProperty")
            == "none"
        )
