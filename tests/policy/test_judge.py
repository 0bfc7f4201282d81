"""May this password be set?"""

import pytest

from policy.engine import describe, history_depth, judge, needs
from policy.model import HistoryMatch, Need, PolicyVersion
from policy.rules import Length
from policy.verdict import Finding
from tests.policy.cases import NOW, a_candidate, a_policy, codes

STRICT = a_policy(
    {
        "min_age": {"hours": 24},
        "not_personal": {},
        "blocklist": {"common": True, "words": ["ada"]},
        "history": {"last": 5},
        "differs_from_current": {},
        "characters": {"digits": 2},
        "length": {"min": 8},
    }
)
NO_RULES = a_policy({})


def test_a_good_password_may_be_set() -> None:
    assert judge(STRICT, a_candidate("Grüne Wiese 77 am Fluss")) == ()


def test_says_everything_at_once_in_a_fixed_order() -> None:
    hopeless = a_candidate(
        "ada",
        matches_current=True,
        history_matches=(HistoryMatch(1, NOW),),
        is_common=True,
        is_past_bulk_secret=True,
        current_set_at=NOW,
        current_self_chosen=True,
    )

    assert codes(judge(STRICT, hopeless)) == [
        "password.too_short",
        "password.too_few_digits",
        "password.same_as_current",
        "password.used_before",
        "password.common",
        "password.blocked_word",
        "password.personal",
        "password.too_new",
        "password.past_bulk_secret",
    ]


def test_a_forced_change_refuses_the_current_password_whatever_the_rules() -> None:
    same = Finding("password.same_as_current")

    assert judge(NO_RULES, a_candidate(forced=True, matches_current=True)) == (same,)
    assert judge(NO_RULES, a_candidate(forced=False, matches_current=True)) == ()
    assert judge(NO_RULES, a_candidate(forced=True)) == ()


def test_says_only_once_that_it_is_the_current_password() -> None:
    again = a_candidate("Grüne Wiese 77 am Fluss", forced=True, matches_current=True)

    assert judge(STRICT, again) == (Finding("password.same_as_current"),)


def test_a_past_bulk_secret_is_always_refused() -> None:
    assert judge(NO_RULES, a_candidate(is_past_bulk_secret=True)) == (
        Finding("password.past_bulk_secret"),
    )


@pytest.mark.parametrize(
    ("policy", "bounds"),
    [
        (NO_RULES, (1, 1024)),
        (STRICT, (8, 256)),
        (PolicyVersion(1, (Length(0, 9_999_999),), STRICT.enforcement), (1, 1024)),
    ],
    ids=["no length rule", "a length rule", "a length rule made by hand"],
)
def test_nothing_and_too_much_are_always_refused(
    policy: PolicyVersion, bounds: tuple[int, int]
) -> None:
    least, most = bounds

    assert judge(policy, a_candidate("")) == (Finding("password.too_short", {"min": least}),)
    assert judge(policy, a_candidate("x" * 1_000_000)) == (
        Finding("password.too_long", {"max": most}),
    )


def test_at_a_sign_in_only_the_content_speaks() -> None:
    at_sign_in = a_candidate("ada1815")

    assert codes(judge(STRICT, at_sign_in)) == ["password.too_short"]


def test_tells_which_facts_to_gather() -> None:
    assert needs(NO_RULES, forced=False) == {Need.PAST_BULK_SECRETS}
    assert needs(NO_RULES, forced=True) == {Need.PAST_BULK_SECRETS, Need.CURRENT}
    assert needs(STRICT, forced=False) == {
        Need.PAST_BULK_SECRETS,
        Need.CURRENT,
        Need.HISTORY,
        Need.COMMON,
    }


def test_tells_how_far_back_to_compare() -> None:
    depth = history_depth(STRICT)

    assert depth is not None
    assert (depth.last, depth.within) == (5, None)
    assert history_depth(NO_RULES) is None


def test_describes_the_rules_in_the_order_in_which_they_are_judged() -> None:
    assert codes(describe(STRICT)) == [
        "rule.length",
        "rule.digits",
        "rule.differs_from_current",
        "rule.history_last",
        "rule.common",
        "rule.blocked_words",
        "rule.not_personal",
        "rule.min_age",
    ]
