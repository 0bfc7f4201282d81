"""docs/policy.md says what the product says."""

from tests.support.policy_page import PAGE, render


def test_the_examples_on_the_page_come_out_as_they_stand_there() -> None:
    page = PAGE.read_text()

    assert render(page) == page, "write it anew: python -m tests.support.policy_page"
