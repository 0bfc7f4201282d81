"""Past decisions about a user, told: to the user, to administrators, and as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from idp.core.decision_records import Decided, Decision, list_decisions, replay
from idp.core.decision_words import because_of, because_of_reason, listed
from idp.core.gate import Reason
from idp.core.policies import Stamp, judging_policy, policy_version
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.clients import ClientRow
from policy.combining import for_groups
from policy.verdict import RequiredAction, WithheldBy

_SOME_APP = "An app"
_NOT_LET_IN = (Reason.ACCOUNT_DISABLED, Reason.ACCOUNT_LOCKED, Reason.APP_NOT_ALLOWED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFinding:
    """A finding with its words; `text` is a whole sentence."""

    code: str
    params: Mapping[str, int | str]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of asking the gate anew with the facts of a decision."""

    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDecision:
    """A decision, in words.

    Attributes:
        code: of the first finding, or the reason where the policy had nothing to say.
        what: what the app did, e.g. "asked you to choose another password".
        why: the end of a sentence with "because".
        findings: what the policy held against the password.
    """

    decision: Decision
    client_name: str
    code: str
    what: str
    why: str
    findings: tuple[ToldFinding, ...]
    replay: Replayed

    @property
    def text(self) -> str:
        """Give the whole sentence, without the day."""
        return f"{self.client_name} {self.what}, because {self.why}."


def tell_decisions(
    uow: UnitOfWork, user_id: UserId, *, limit: int = 50, before: str | None = None
) -> list[ToldDecision]:
    """Return the decisions about a user in words, newest first; `before` as in `list_decisions`."""
    decisions = list_decisions(uow, user_id, limit=limit, before=before)
    names = _client_names(uow, {decision.client_id for decision in decisions})
    return [_told(uow, decision, names) for decision in decisions]


def concerns_its_user(told: ToldDecision) -> bool:
    """Tell whether the user noticed anything of a decision: what is only observed is not shown."""
    return told.decision.answer.outcome is Decided.REFUSED


def _told(uow: UnitOfWork, decision: Decision, names: Mapping[str | None, str]) -> ToldDecision:
    answer = decision.answer
    facts = decision.facts
    policy = for_groups(policy_version(uow, decision.policy_version), frozenset(facts["groups"]))
    judged_under = decision.judged_under or 0
    judge = judging_policy(uow, Stamp(judged_under, facts.get("judged_groups", "")))
    clauses = [because_of(finding, judge, policy) for finding in answer.findings]
    reason = None if answer.reason is None else answer.reason.value
    return ToldDecision(
        decision=decision,
        client_name=names.get(decision.client_id, _SOME_APP),
        code=answer.findings[0].code if answer.findings else str(reason),
        what=_what(decision),
        why=listed(clauses) if clauses else because_of_reason(answer.reason),
        findings=tuple(
            ToldFinding(code=finding.code, params=finding.params, text=_sentence(clause))
            for finding, clause in zip(answer.findings, clauses, strict=True)
        ),
        replay=Replayed(agrees=replay(uow, decision) == answer),
    )


def _what(decision: Decision) -> str:
    answer = decision.answer
    if answer.outcome is Decided.WITHHELD:
        observed = answer.withheld_by is WithheldBy.OBSERVE
        return "let you in although it could have stopped you" if observed else "let you in for now"
    if answer.reason in _NOT_LET_IN:
        return "did not let you in"
    if answer.action is RequiredAction.CHANGE_PASSWORD:
        return "asked you to choose another password"
    return "asked you to sign in again"


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _client_names(uow: UnitOfWork, ids: Iterable[str | None]) -> Mapping[str | None, str]:
    query = sa.select(ClientRow.client_id, ClientRow.client_name).where(
        ClientRow.client_id.in_([each for each in ids if each is not None])
    )
    return {row.client_id: row.client_name for row in uow.db.execute(query)}
