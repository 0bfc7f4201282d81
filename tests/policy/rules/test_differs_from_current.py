from policy.model import Kind
from policy.rules import DiffersFromCurrent
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate


def test_refuses_the_current_password_only() -> None:
    rule = DiffersFromCurrent()

    assert rule.check_candidate(a_candidate(matches_current=True)) == (
        Finding("password.same_as_current"),
    )
    assert rule.check_candidate(a_candidate()) == ()


def test_switching_it_on_is_stricter_but_is_no_matter_of_content() -> None:
    assert DiffersFromCurrent().direction(None) is Direction.STRICTER
    assert DiffersFromCurrent().direction(DiffersFromCurrent()) is None
    assert DiffersFromCurrent.kind is Kind.CHANGE
