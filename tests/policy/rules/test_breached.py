import pytest

from policy.engine import marks
from policy.model import Need, PolicyError
from policy.rules import UNCHECKED, Breached
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate, a_policy, codes

ACCEPTING = Breached.parse({"source": "hibp"})
REFUSING = Breached.parse({"source": "hibp", "on_failure": "refuse"})


@pytest.mark.parametrize("rule", [ACCEPTING, REFUSING])
def test_refuses_what_leaked_and_nothing_else(rule: Breached) -> None:
    leaked = rule.check_candidate(a_candidate(is_breached=True))

    assert leaked == (Finding("password.breached"),)
    assert rule.check_candidate(a_candidate(is_breached=False)) == ()


def test_the_policy_says_what_holds_when_nobody_could_look() -> None:
    unknown = a_candidate(is_breached=None)

    assert ACCEPTING.check_candidate(unknown) == ()
    assert codes(REFUSING.check_candidate(unknown)) == [UNCHECKED]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "source"),
        ({"source": "https://evil.example"}, "source"),
        ({"source": ["hibp"]}, "source"),
        ({"source": "file", "file": "/etc/shadow"}, "file"),
        ({"source": "hibp", "on_failure": "ignore"}, "on_failure"),
        ({"source": "hibp", "on_failure": True}, "on_failure"),
    ],
)
def test_refuses_settings_that_there_are_not(document: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Breached.parse(document)

    assert refused.value.path == path


def test_asks_for_the_list_that_it_names() -> None:
    assert ACCEPTING.active_needs() == {Need.BREACHED_ONLINE}
    assert Breached(source="file").active_needs() == {Need.BREACHED_FILE}


def test_another_list_asks_nothing_of_those_accepted_before() -> None:
    by_file, by_service = (
        a_policy({"breached": {"source": source}}, number=number)
        for number, source in enumerate(("file", "hibp"), start=1)
    )

    assert not marks(by_file, by_service)
    assert not marks(by_service, by_file)
    assert marks(a_policy({}), by_file)


def test_refusing_what_cannot_be_looked_up_is_stricter() -> None:
    assert REFUSING.direction(ACCEPTING) is Direction.STRICTER
    assert ACCEPTING.direction(REFUSING) is Direction.LOOSER
