"""Candidates, facts, policies and documents for the policy tests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from policy.model import Candidate, CredentialFacts, Enforcement, PolicyVersion
from policy.parse import parse
from policy.verdict import Finding

NOW = datetime(2028, 2, 29, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def a_candidate(password: str = "Grüne Wiese 7 am Fluss", **facts: Any) -> Candidate:  # noqa: ANN401 - any field
    """Return Ada's wish for a new password."""
    ada = Candidate(
        password=password,
        username="ada.lovelace",
        email="countess@analytical.example",
        names=("Ada", "Lovelace"),
        strength=4,
        is_breached=False,
        now=NOW,
    )
    return replace(ada, **facts)


def some_facts(judged_under: PolicyVersion | None, **facts: Any) -> CredentialFacts:  # noqa: ANN401 - any field
    """Return where a credential set yesterday stands."""
    fresh = CredentialFacts(
        judged_under=judged_under,
        refused_under=None,
        password_set_at=NOW - DAY,
        must_change=False,
        temporary_until=None,
    )
    return replace(fresh, **facts)


def a_policy(
    rules: Mapping[str, object],
    *,
    number: int = 1,
    enforcement: str = "everyone",
    published_at: datetime | None = None,
    **more: object,
) -> PolicyVersion:
    """Return the published policy with these rules, and more of a document."""
    document = {"rules": rules, "enforcement": enforcement, **more}
    return parse(
        document,
        number=number,
        default_enforcement=Enforcement.NEVER,
        published_at=published_at,
    )


def min_length(least: int, *, number: int, enforcement: str = "everyone") -> PolicyVersion:
    """Return the published policy whose one rule is a minimum length."""
    return a_policy({"length": {"min": least}}, number=number, enforcement=enforcement)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    """Return the codes of findings, in their order."""
    return [finding.code for finding in findings]


_FEW = st.integers(0, 3)

_WORDS = st.lists(
    st.sampled_from(["timetrak", "exo", "Straße", "ﬁeld", "qwerty"]) | st.text("abcß ", min_size=1),
    max_size=4,
).map(lambda words: [word for word in words if word.strip()])

_PATTERNS = st.lists(st.sampled_from(["exo*", "*EXO", "tui????", "tui##", "ﬁeld#"]), max_size=4)

_CONTENT: dict[str, st.SearchStrategy[dict[str, object]]] = {
    "length": st.fixed_dictionaries({"min": st.integers(12, 64)}, optional={"max": st.just(128)}),
    "characters": st.fixed_dictionaries(
        {},
        optional={
            "uppercase": _FEW,
            "lowercase": _FEW,
            "digits": _FEW,
            "symbols": _FEW,
            "classes": st.integers(0, 4),
        },
    ),
    "blocklist": st.fixed_dictionaries(
        {}, optional={"common": st.booleans(), "words": _WORDS, "patterns": _PATTERNS}
    ),
    "strength": st.fixed_dictionaries({"min_score": st.integers(1, 4)}),
    "breached": st.fixed_dictionaries(
        {"source": st.sampled_from(["hibp", "file"])},
        optional={"on_failure": st.sampled_from(["accept", "refuse"])},
    ),
    "not_personal": st.just({}),
}

_OTHER: dict[str, st.SearchStrategy[dict[str, object]]] = {
    "differs_from_current": st.fixed_dictionaries({}, optional={"min_distance": st.integers(1, 8)}),
    "history": st.fixed_dictionaries(
        {"last": st.integers(1, 24)}, optional={"within": st.just("P365D")}
    ),
    "max_age": st.fixed_dictionaries(
        {"days": st.integers(20, 90)}, optional={"warn_days": st.just(14)}
    ),
    "min_age": st.fixed_dictionaries({"hours": st.integers(1, 48)}),
}

CONTENT_RULES = st.fixed_dictionaries({}, optional=_CONTENT)
"""Content rules as they stand in a document."""

RULE_DOCUMENTS = st.fixed_dictionaries({}, optional=_CONTENT | _OTHER)
"""Rules of every kind as they stand in a document."""

CONTENT_POLICIES = CONTENT_RULES.map(a_policy)
GROUP_NAMES = st.sampled_from(["office", "Field Staff", "Straße"])

WAVES = st.fixed_dictionaries(
    {"deadline": st.just("P14D")},
    optional={
        "per_hour": st.integers(1, 500),
        "percent": st.integers(1, 100),
        "groups": st.lists(GROUP_NAMES, max_size=2),
        "quiet": st.sampled_from(["22:00/06:00", "12:00/13:00"]),
        "zone": st.just("Pacific/Auckland"),
    },
)

POLICIES = st.builds(
    a_policy,
    RULE_DOCUMENTS,
    number=st.integers(0, 9),
    enforcement=st.sampled_from([mode.value for mode in Enforcement]),
    grace=st.sampled_from(["P0D", "P7D", "PT36H"]),
    waves=st.none() | WAVES,
    groups=st.dictionaries(
        GROUP_NAMES,
        RULE_DOCUMENTS.filter(bool).map(lambda rules: {"rules": rules}),
        max_size=2,
    ),
)
