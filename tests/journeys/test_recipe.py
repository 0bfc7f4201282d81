"""TimeTrak's recipe for a new password for everybody, replayed with the demo's own means."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.demo import (
    Demo,
    NewPage,
    go_to_sign_in,
    shown_page,
    sign_in,
    type_new_password,
    user_at,
)

pytestmark = [pytest.mark.servers, pytest.mark.browser]
SHARED = "kiwi"
CUSTOMER = ("customer@example.co.nz", "customer-demo")


def signed_in(page: Page, demo: Demo, app: str, username: str, password: str) -> Page:
    """Sign in and make sure that nothing else was asked."""
    sign_in(page, demo, app, username, password)
    assert (shown_page(page), user_at(page)) == (app, username)
    return page


def answer_to_refresh(page: Page, demo: Demo, app: str) -> str:
    """Press an app's button for new tokens; return the server's answer, empty when it gave them."""
    page.goto(demo.url(app))
    with page.expect_event("load"):  # a click does not wait for the page that it leads to
        page.locator("form[action='/refresh'] button").click()
    answer = page.locator("#answer")
    return answer.inner_text() if answer.count() else ""


@pytest.mark.timeout(900)
def test_the_recipe(demo: Demo, new_page: NewPage) -> None:
    # Length 5. Two people are at work, one at a desk, one in the field.
    before_reset = signed_in(new_page(), demo, "professional", "office", "office-demo")
    customer = signed_in(new_page(), demo, "portal", *CUSTOMER)

    # 5 -> 4: nobody is asked.
    demo.publish("shorter")
    assert answer_to_refresh(before_reset, demo, "professional") == ""
    signed_in(new_page(), demo, "mobile", "field", "field-demo")

    # One password for all staff. It works and asks nothing; customers keep theirs.
    demo.reset_all(SHARED)
    refused = new_page()
    sign_in(refused, demo, "professional", "field", "field-demo")
    expect(refused.locator("main")).to_contain_text("incorrect")
    after_reset = signed_in(new_page(), demo, "mobile", "field", SHARED)
    assert answer_to_refresh(after_reset, demo, "mobile") == ""
    signed_in(new_page(), demo, "professional", "yard", SHARED)
    signed_in(new_page(), demo, "portal", *CUSTOMER)
    assert answer_to_refresh(customer, demo, "portal") == ""

    # 4 -> 6: everybody of the staff is asked, and the apps are told why.
    demo.publish("longer")
    demo.publish("longer", realm="portal")
    assert answer_to_refresh(before_reset, demo, "professional") == (
        "invalid_grant · credential_changed"
    )
    assert answer_to_refresh(after_reset, demo, "mobile") == (
        "invalid_grant · password_change_required"
    )
    _choose_in_the_middle_of_a_sign_in(new_page(), demo, "office")
    _choose_in_the_middle_of_a_sign_in(new_page(), demo, "yard")
    _choose_from_the_phone(after_reset, demo)

    # The portal's policy is for new passwords only.
    signed_in(new_page(), demo, "portal", *CUSTOMER)
    assert answer_to_refresh(customer, demo, "portal") == ""
    _add_customers(demo)


def _choose_in_the_middle_of_a_sign_in(page: Page, demo: Demo, username: str) -> None:
    sign_in(page, demo, "professional", username, SHARED)
    assert shown_page(page) == "change-password"

    for refused in (SHARED, "kiwi2"):
        type_new_password(page, refused, current=SHARED)
        assert shown_page(page) == "change-password"
        expect(page.locator("#findings")).to_be_visible()
    type_new_password(page, f"{username[:4]}26", current=SHARED)

    # Back at the app with its tokens: it insists on the `state` that it sent.
    assert (shown_page(page), user_at(page)) == ("professional", username)
    page.get_by_role("button", name="Get new tokens").click()
    expect(page.locator("#notice")).to_contain_text("New tokens")
    go_to_sign_in(page, demo, "mobile")
    assert (shown_page(page), user_at(page)) == ("mobile", username)


def _choose_from_the_phone(page: Page, demo: Demo) -> None:
    page.goto(demo.url("mobile"))
    page.get_by_role("button", name="Sync now").click()
    page.get_by_role("link", name="Choose a new password").click()
    assert page.url.startswith(demo.issuer("staff"))
    assert shown_page(page) == "change-password"

    type_new_password(page, "field6", current=SHARED)

    assert (shown_page(page), user_at(page)) == ("mobile", "field")
    assert answer_to_refresh(page, demo, "mobile") == ""


def _add_customers(demo: Demo) -> None:
    def add(email: str, password: str) -> int:
        options = ("--realm", "portal", "--email", email, "--password-stdin")
        return demo.run("user", "add", *options, stdin=f"{password}\n").returncode

    assert add("five@example.co.nz", "abcde") == 1
    assert add("six@example.co.nz", "abcdef") == 0
