"""Why somebody was asked, in plain words: every cause, every rule, nothing left as a code."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from idp.core.decision_records import Decided
from idp.core.decision_telling import ToldDecision, concerns_its_user, tell_decisions
from idp.core.decision_words import because_of, because_of_reason, listed
from idp.core.decisions import decide
from idp.core.gate import Reason, find_account
from idp.core.groups import create_group, update_group
from idp.core.users import require_change
from idp.ids import ClientId, UserId
from idp.store.decisions import DecisionRow
from policy.combining import for_groups
from policy.engine import ENGINE_CODES, stricter_rules
from policy.model import Kind
from policy.rules import RULES
from policy.verdict import Finding
from tests.policy.cases import a_policy
from tests.support.world import World

OLD: Mapping[str, object] = {"length": {"min": 8, "max": 256}}

CAUSES = {*ENGINE_CODES, "password.too_old"} - {"password.past_bulk_secret", "policy.stricter"}
"""Without the one that is said of new passwords only, and the one that says which rule it is."""


def _said(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return the words for a password that was judged by some rules and is asked by others."""
    judge, policy = a_policy(before, number=1), a_policy(after, number=2)
    rules = ", ".join(stricter_rules(judge, policy))
    return because_of(Finding("policy.stricter", {"version": 2, "rules": rules}), judge, policy)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"length": {"min": 12, "max": 256}}, "the minimum length was raised to 12 characters"),
        ({"length": {"min": 8, "max": 64}}, "began to ask for at most 64 characters"),
        (
            {"length": {"min": 12, "max": 64}},
            "began to ask for at least 12 characters and at most 64 characters",
        ),
        (
            {**OLD, "characters": {"uppercase": 1, "digits": 2}},
            "began to ask for at least 1 capital letter and at least 2 digits",
        ),
        ({**OLD, "characters": {"lowercase": 2, "symbols": 1}}, "2 small letters and at least 1"),
        ({**OLD, "characters": {"classes": 3}}, "3 of these: capital letters, small letters"),
        ({**OLD, "blocklist": {"common": True}}, "a password that is neither common nor blocked"),
        ({**OLD, "not_personal": {}}, "a password that is not made of your own names"),
        ({**OLD, "strength": {"min_score": 3}}, "a password that is harder to guess"),
        ({**OLD, "breached": {"source": "hibp"}}, "a password that never leaked elsewhere"),
        (
            {"length": {"min": 12}, "blocklist": {"common": True}, "not_personal": {}},
            "characters, a password that is neither common nor blocked and a password that is not",
        ),
    ],
)
def test_a_stricter_rule_is_named(after: Mapping[str, object], words: str) -> None:
    assert words in _said(OLD, after)


def test_every_rule_that_marks_has_words() -> None:
    marking = [rule.name for rule in RULES if rule.kind is Kind.CONTENT]
    examples: Mapping[str, Mapping[str, object]] = {
        "length": {"min": 20},
        "characters": {"digits": 1},
        "strength": {"min_score": 2},
        "breached": {"source": "hibp"},
        "blocklist": {"words": ["kea"]},
    }

    for name in marking:
        assert "more than before" not in _said({}, {name: examples.get(name, {})}), name


def test_a_rule_from_elsewhere_is_told_as_such() -> None:
    policy = a_policy({"max_age": {"days": 90}}, number=2)
    for rule in ("moon_phase", "max_age"):  # the second has a number, and no words for it
        finding = Finding("policy.stricter", {"version": 2, "rules": rule})
        words = because_of(finding, a_policy({}, number=1), policy)
        assert words == "the password rules began to ask for more than before"
    assert because_of(Finding("moon.full"), None, policy) == "your organisation asked for it"
    assert because_of_reason(None) == "your organisation asked for it"


@pytest.mark.parametrize("code", sorted(CAUSES))
def test_every_cause_of_a_refusal_has_words(code: str) -> None:
    finding = Finding(code, {"version": 2, "max_days": 90})

    words = because_of(finding, None, a_policy(OLD, number=2))

    assert words != "your organisation asked for it"


def test_a_list_reads_as_one() -> None:
    assert [listed(parts) for parts in (["a"], ["a", "b"], ["a", "b", "c"], ["a", "a"], [])] == [
        "a",
        "a and b",
        "a, b and c",
        "a",
        "your organisation asked for it",
    ]


class TestTelling:
    def _decide(self, world: World, user: UserId, *, epoch: int | None = None) -> None:
        with world.begin() as uow:
            account = find_account(uow, user)
            assert account is not None
            decide(
                uow,
                account,
                birth_epoch=account.epoch if epoch is None else epoch,
                session_ended=False,
                client_id=ClientId("gone"),
            )
        world.advance(minutes=1)

    def _told(self, world: World, user: UserId) -> list[ToldDecision]:
        with world.begin(write=False) as uow:
            return tell_decisions(uow, user)

    def test_one_sentence_a_decision(self, world: World) -> None:
        ada = world.add_user("ada", user={"epoch": 3, "credential_epoch": 2})
        self._decide(world, ada, epoch=1)
        self._decide(world, ada, epoch=2)
        world.publish_policy({"enforcement": "observe", "rules": {"length": {"min": 30}}})
        self._decide(world, ada)
        world.publish_policy(
            {"enforcement": "everyone", "rules": {"length": {"min": 30}}, "grace": "P7D"}
        )
        self._decide(world, ada)
        world.publish_policy({"enforcement": "noncompliant", "rules": {"length": {"min": 30}}})
        self._decide(world, ada)
        world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 30}}})
        self._decide(world, ada)
        with world.begin() as uow:
            require_change(uow, ada)
        self._decide(world, ada)
        world.change_user(ada, locked_at=world.clock.now())
        self._decide(world, ada)

        told = self._told(world, ada)

        raised = "because the minimum length was raised to 30 characters."
        asked = "An app asked you to choose another password"
        assert [each.text for each in told] == [
            "An app did not let you in, because your account was locked.",
            f"{asked}, because an administrator asked for a new password and {raised[8:]}",
            f"{asked}, {raised}",
            f"An app asked you to sign in again, {raised}",
            f"An app let you in for now, {raised}",
            f"An app let you in although it could have stopped you, {raised}",
            "An app asked you to sign in again, because you had been signed out.",
            "An app asked you to sign in again, because your password had been changed or reset.",
        ]
        assert [each.code for each in told[:2]] == ["account_locked", "password.must_change"]
        assert all(each.replay.agrees for each in told)
        shown = [each for each in told if concerns_its_user(each)]
        assert {each.decision.answer.outcome for each in shown} == {Decided.REFUSED}
        assert len(shown) == len(told) - 2

    def test_the_rules_of_a_group_are_told_as_such(self, world: World) -> None:
        ada = world.add_user("ada")
        groups = {"Office": {"rules": {"length": {"min": 30}}}}
        version = world.publish_policy({"enforcement": "everyone", "rules": OLD, "groups": groups})
        world.change_credential(ada, judged_under=version)
        with world.begin() as uow:
            create_group(uow, "Office")
            update_group(uow, "Office", add=[ada])
        self._decide(world, ada)

        [told] = self._told(world, ada)

        assert told.why == "the rules of a group that you are in ask for at least 30 characters"
        assert told.findings[0].text == (
            "The rules of a group that you are in ask for at least 30 characters."
        )

    def test_a_forged_record_does_not_agree(self, world: World) -> None:
        ada = world.add_user("ada", credential={"must_change": True})
        self._decide(world, ada)
        with world.begin() as uow:
            [row] = uow.db.scalars(sa.select(DecisionRow))
            row.facts = {**row.facts, "must_change": False}

        [told] = self._told(world, ada)

        assert told.replay.agrees is False


def test_the_policies_of_groups_stand_apart() -> None:
    groups = {"Office": {"rules": {"length": {"min": 12}}}}
    whole = a_policy(OLD, number=1, groups=groups)

    office = for_groups(whole, frozenset({"office"}))

    assert "12 characters" in because_of(
        Finding("policy.stricter", {"rules": "length"}), for_groups(whole, frozenset()), office
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    is_by_policy = reason is Reason.PASSWORD_CHANGE_REQUIRED

    assert (because_of_reason(reason) == "your organisation asked for it") is is_by_policy
