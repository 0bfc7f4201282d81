"""Reading policy documents, and writing them."""

import json
import pickle
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.engine import judge
from policy.model import (
    Candidate,
    Enforcement,
    Kind,
    PolicyError,
    PolicyVersion,
    Rule,
    Tightens,
    Waves,
    Whole,
    read_duration,
    write_duration,
)
from policy.parse import digest, parse, to_document
from policy.rules import RULES
from policy.verdict import Finding
from tests.policy.cases import POLICIES, RULE_DOCUMENTS, a_candidate, a_policy

WHOLE_DOCUMENT: dict[str, object] = {
    "enforcement": "everyone",
    "grace": "P0D",
    "rules": {
        "length": {"min": 8, "max": 256},
        "characters": {"uppercase": 1, "lowercase": 1, "digits": 1, "symbols": 0, "classes": 0},
        "differs_from_current": {},
        "history": {"last": 5, "within": "P365D"},
        "blocklist": {"common": True, "words": ["timetrak"]},
        "not_personal": {},
        "max_age": {"days": 90, "warn_days": 14},
        "min_age": {"hours": 24},
    },
}


def read(document: dict[str, Any]) -> PolicyVersion:
    return parse(document, default_enforcement=Enforcement.EVERYONE)


def test_reads_the_published_document_and_writes_the_same() -> None:
    policy = parse(WHOLE_DOCUMENT, number=4, default_enforcement=Enforcement.NEVER)

    assert [rule.name for rule in policy.rules] == list(WHOLE_DOCUMENT["rules"])  # type: ignore[call-overload]
    assert (policy.number, policy.enforcement) == (4, Enforcement.EVERYONE)
    assert to_document(policy) == WHOLE_DOCUMENT


def test_an_empty_document_has_no_rules_and_the_realms_enforcement() -> None:
    policy = parse({}, default_enforcement=Enforcement.NEVER)

    assert policy == PolicyVersion(0, (), Enforcement.NEVER, timedelta(0))


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ({"enforcment": "never"}, "enforcment", 'did you mean "enforcement"?'),
        ({"xyz": 1}, "xyz", "valid names: enforcement, grace, groups, rules, waves"),
        ({"enforcement": "everyon"}, "enforcement", 'did you mean "everyone"?'),
        ({"enforcement": None}, "enforcement", "must be a mode"),
        ({"enforcement": ["never"]}, "enforcement", "must be a mode"),
        ({"grace": "two days"}, "grace", "must be an ISO 8601 duration"),
        ({"grace": "P367D"}, "grace", "must be at most P366D"),
        ({"waves": {}}, "waves", "leave it out"),
        ({"waves": []}, "waves", "must be a table"),
        ({"waves": {"perhour": 50}}, "waves.perhour", 'did you mean "per_hour"?'),
        ({"waves": {"per_hour": 0}}, "waves.per_hour", "between 1 and"),
        ({"waves": {"per_hour": True}}, "waves.per_hour", "whole number"),
        ({"waves": {"percent": 101}}, "waves.percent", "between 1 and 100"),
        ({"waves": {"groups": "ops"}}, "waves.groups", "list of group names"),
        ({"waves": {"groups": [" "]}}, "waves.groups", "list of group names"),
        ({"waves": {"quiet": "22-06"}}, "waves.quiet", '"22:00/06:00"'),
        ({"waves": {"quiet": "24:00/06:00"}}, "waves.quiet", '"22:00/06:00"'),
        ({"waves": {"quiet": "06:00/06:00"}}, "waves.quiet", "must leave some time"),
        ({"waves": {"zone": "../etc/passwd"}}, "waves.zone", "must be a time zone"),
        ({"waves": {"zone": "Pacific/Aukland"}}, "waves.zone", "must be a time zone"),
        ({"waves": {"deadline": "PT5M"}}, "waves.deadline", "at least PT1H"),
        ({"waves": {"deadline": "soon"}}, "waves.deadline", "ISO 8601"),
        ({"groups": []}, "groups", "must be a table"),
        ({"groups": {" ": {"rules": {}}}}, "groups. ", "must be the name of a group"),
        ({"groups": {"ops": {"rules": {}}}}, "groups.ops.rules", "must have a rule"),
        ({"groups": {"ops": {"grace": "P1D"}}}, "groups.ops.grace", "the rest is the realm's"),
        (
            {"groups": {"ops": {"rules": {"lenght": {"min": 8}}}}},
            "groups.ops.rules.lenght",
            'did you mean "length"?',
        ),
        (
            {
                "groups": {
                    "Ops": {"rules": {"not_personal": {}}},
                    "ops": {"rules": {"not_personal": {}}},
                }
            },
            "groups.Ops",
            "is there twice",
        ),
        ({"rules": {"strength": {"min": 3}}}, "rules.strength.min", "valid names: min_score"),
        ({"rules": {"strength": {"min_score": 5}}}, "rules.strength.min_score", "between 1 and 4"),
        ({"rules": {"breached": {}}}, "rules.breached.source", "is required"),
        (
            {"rules": {"breached": {"source": "/etc/passwd"}}},
            "rules.breached.source",
            "must be one of: file, hibp",
        ),
        (
            {"rules": {"breached": {"source": "file", "file": "list.txt"}}},
            "rules.breached.file",
            "is not a setting of this rule",
        ),
        ({"rules": []}, "rules", "must be a table"),
        ({"rules": {"lenght": {"min": 8}}}, "rules.lenght", 'did you mean "length"?'),
        ({"rules": {"length": 8}}, "rules.length", "must be a table"),
        ({"rules": {"length": None}}, "rules.length", "must be a table"),
        ({"rules": {"length": {}}}, "rules.length.min", "is required"),
        ({"rules": {"length": {"min": 8, "maxx": 9}}}, "rules.length.maxx", 'did you mean "max"?'),
        ({"rules": {"length": {"min": 0}}}, "rules.length.min", "must be between 1 and 1024"),
        ({"rules": {"not_personal": {"on": True}}}, "rules.not_personal.on", "nothing can be set"),
        ({"rules": {"history": {}}}, "rules.history", "needs last or within"),
        ({"rules": {"history": {"within": "P9Y"}}}, "rules.history.within", "ISO 8601"),
        ({"rules": {"history": {"within": "PT5M"}}}, "rules.history.within", "between P1D and"),
        ({"rules": {"blocklist": {"words": [""]}}}, "rules.blocklist.words.0", "must be a word"),
    ],
)
def test_says_where_and_why_a_document_cannot_be_used(
    document: dict[str, object], path: str, reason: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        read(document)

    assert refused.value.path == path
    assert reason in refused.value.reason
    assert str(refused.value) == f"{path}: {refused.value.reason}"


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({"length": {"min": 1, "max": 5}, "characters": {"digits": 6}}, "rules.characters"),
        ({"length": {"min": 1, "max": 5}, "strength": {"min_score": 2}}, "rules.strength"),
        (
            {"length": {"min": 1, "max": 5}, "differs_from_current": {"min_distance": 6}},
            "rules.differs_from_current",
        ),
        (
            {"length": {"min": 1, "max": 5}, "characters": {"digits": 3, "classes": 4}},
            "rules.characters",
        ),
    ],
)
def test_refuses_a_policy_that_no_password_meets(rules: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read({"rules": rules})

    assert refused.value.path == path
    assert "a password has at most 5" in refused.value.reason


def test_accepts_a_policy_that_one_password_just_meets() -> None:
    policy = a_policy({"length": {"min": 1, "max": 5}, "characters": {"digits": 2, "classes": 4}})

    assert judge(policy, a_candidate("Aa12-")) == ()


def test_an_error_survives_on_its_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(PolicyError("rules.length", "no")))  # noqa: S301 - our own bytes

    assert (error.path, error.reason) == ("rules.length", "no")
    assert str(PolicyError("", "no")) == "no"


@given(POLICIES)
def test_what_is_written_reads_back_the_same(policy: PolicyVersion) -> None:
    document = json.loads(json.dumps(to_document(policy)))

    assert parse(document, number=policy.number, default_enforcement=Enforcement.NEVER) == policy
    assert hash(read(document)) is not None


@given(RULE_DOCUMENTS, st.randoms(use_true_random=False))
def test_the_order_of_a_document_means_nothing(rules: dict[str, object], shuffler: Any) -> None:  # noqa: ANN401 - hypothesis gives it
    names = list(rules)
    shuffler.shuffle(names)
    shuffled = a_policy({name: rules[name] for name in names})

    assert shuffled == a_policy(rules)
    assert digest(shuffled) == digest(a_policy(rules))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SETTINGS = st.sampled_from(["min", "max", "last", "within", "words", "common", "days", "digits"])
GARBLED = st.fixed_dictionaries(
    {},
    optional={
        "enforcement": JSON,
        "grace": JSON,
        "waves": JSON | st.dictionaries(st.sampled_from(Waves.KEYS), JSON, max_size=3),
        "groups": JSON | st.dictionaries(st.text(), st.fixed_dictionaries({"rules": JSON})),
        "rules": JSON
        | st.dictionaries(
            st.sampled_from([rule.name for rule in RULES]),
            JSON | st.dictionaries(SETTINGS, JSON, max_size=2),
        ),
    },
)


@given(GARBLED)
def test_any_document_is_read_or_refused_with_a_reason(document: dict[str, Any]) -> None:
    refusal, policy = _attempt(document)

    if policy is None:
        assert refusal is not None
        assert refusal.path.partition(".")[0] in document
        assert refusal.reason
    else:
        assert read(to_document(policy)) == policy


def _attempt(document: dict[str, Any]) -> tuple[PolicyError | None, PolicyVersion | None]:
    try:
        return None, read(document)
    except PolicyError as error:
        return error, None


@given(POLICIES, POLICIES)
def test_digests_are_equal_exactly_when_the_documents_are(
    one: PolicyVersion, other: PolicyVersion
) -> None:
    assert digest(one) == digest(replace(one, number=one.number + 1))
    assert (digest(one) == digest(other)) is (to_document(one) == to_document(other))


def test_a_digest_stays_the_same_for_ever() -> None:
    assert digest(read(WHOLE_DOCUMENT)) == (
        "5d92cef40532b5cee599321d1e8949191c7192faef7e66a0eb2c26b07020378e"
    )


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("P0D", timedelta(0)),
        ("P2W", timedelta(days=14)),
        ("P3D", timedelta(days=3)),
        ("PT12H", timedelta(hours=12)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("PT90M", timedelta(minutes=90)),
    ],
)
def test_reads_durations(text: str, span: timedelta) -> None:
    assert read_duration(text) == span


@pytest.mark.parametrize(
    "value",
    ["", "P", "PT", "P1DT", "1D", "P1Y", "P1M", "P-1D", "P1.5D", "p1d", "P\u0661D", "P1D ", 1],
)
def test_refuses_what_is_no_duration_of_a_fixed_length(value: object) -> None:
    with pytest.raises(PolicyError):
        read_duration(value)


@given(st.integers(0, 99_999 * 86_400).map(lambda seconds: timedelta(seconds=seconds)))
def test_durations_round_trip(span: timedelta) -> None:
    assert read_duration(write_duration(span)) == span


@dataclass(frozen=True, slots=True)
class NoRun(Rule):
    """A rule of somebody else: no character stands more than `most` times in a row."""

    most: Annotated[int, Whole(1, 9, Tightens.DOWN)]

    name: ClassVar[str] = "no_run"
    code: ClassVar[str] = "acme.run"
    codes: ClassVar[tuple[str, ...]] = (code,)
    lines: ClassVar[tuple[str, ...]] = ("rule.acme_run",)
    kind: ClassVar[Kind] = Kind.CONTENT

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        too_many = self.most + 1
        runs = (letter * too_many for letter in set(candidate.password))
        return (Finding(self.code),) if any(run in candidate.password for run in runs) else ()


def test_a_third_partys_rule_is_one_more_in_the_registry() -> None:
    document = {"rules": {"no_run": {"most": 2}, "length": {"min": 4}}}
    policy = parse(document, default_enforcement=Enforcement.NEVER, rules=(*RULES, NoRun))

    assert judge(policy, a_candidate("aaab")) == (Finding("acme.run"),)
    assert judge(policy, a_candidate("aabb")) == ()
    with pytest.raises(PolicyError, match="is not a rule"):
        read(document)
