"""The ready-made policies."""

import pytest

from policy.engine import judge
from policy.model import Enforcement
from policy.parse import parse, to_document
from policy.presets import PRESETS, nist_800_63b, timetrak_classic
from tests.policy.cases import a_candidate, codes


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("default", [Enforcement.EVERYONE, Enforcement.NEVER])
def test_each_can_be_used_as_it_is(name: str, default: Enforcement) -> None:
    policy = parse(PRESETS[name](["timetrak"]), default_enforcement=default)

    assert judge(policy, a_candidate()) == ()


def test_nist_asks_for_length_and_nothing_that_the_standard_forbids() -> None:
    document = nist_800_63b(["TimeTrak", "Exo", "Exo"])
    policy = parse(document, default_enforcement=Enforcement.NEVER)

    assert to_document(policy) == {
        "enforcement": "noncompliant",
        "grace": "P0D",
        "rules": {
            "length": {"min": 15, "max": 256},
            "differs_from_current": {},
            "blocklist": {"common": True, "words": ["exo", "timetrak"]},
            "not_personal": {},
        },
    }
    assert codes(judge(policy, a_candidate("x" * 14))) == ["password.too_short"]


@pytest.mark.parametrize("realm_default", [Enforcement.EVERYONE, Enforcement.NEVER])
def test_timetrak_classic_is_enforced_as_the_realm_is_used_to(realm_default: Enforcement) -> None:
    policy = parse(timetrak_classic(), default_enforcement=realm_default)

    assert policy.enforcement is realm_default
    assert codes(judge(policy, a_candidate("four", matches_current=True))) == [
        "password.too_short",
        "password.same_as_current",
    ]
