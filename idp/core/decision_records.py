"""Decisions of the gate on record: written, listed, and replayed to the same verdict."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from idp.core.gate import (
    AccountFacts,
    Cleared,
    Reason,
    Refused,
    WaveHour,
    clear,
)
from idp.core.policies import Stamp, judging_policy, policy_version, stamp_of
from idp.core.work import UnitOfWork
from idp.ids import ClientId, UserId
from idp.store.decision_writes import add_or_count
from idp.store.decisions import DecisionRow
from policy.combining import asking_nothing, for_groups
from policy.model import CredentialFacts, PolicyVersion
from policy.verdict import Finding, RequiredAction, WithheldBy


class Decided(StrEnum):
    """What became of a request that was no plain pass."""

    REFUSED = "refused"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the gate was asked with, besides the account; see `gate.clear`."""

    birth_epoch: int
    session_ended: bool
    client_id: ClientId


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What the gate said, as plain values: it is on record, and opens nothing.

    Attributes:
        reason: the machine reason (CONTRACT 4) of a refusal.
        withheld_by: what kept the policy from asking, for `Decided.WITHHELD`.
        action: what is, or would be, asked of the user; None when the account itself is refused.
    """

    outcome: Decided
    reason: Reason | None
    withheld_by: WithheldBy | None
    action: RequiredAction | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about one account; the same one on the same day is counted, not repeated.

    Attributes:
        at: of the first of `count` times, `last_at` of the last one.
        facts: everything that `replay` needs, of the first time.
    """

    id: str
    user_id: UserId
    client_id: str | None
    answer: GateAnswer
    policy_version: int
    at: datetime
    last_at: datetime
    count: int
    facts: Mapping[str, Any]

    @property
    def judged_under(self) -> int | None:
        """Give the version that had accepted the password; 0 for none, None without one."""
        found: int | None = self.facts.get("judged_under")
        return found


def record_decision(
    uow: UnitOfWork, account: AccountFacts, gate: Cleared | Refused, asked: Asked
) -> None:
    """Write a decision down that is no plain pass; one statement, whether it is new or not."""
    answer = _answer_of(gate)
    assert answer is not None  # noqa: S101 - a plain pass is not put on record
    codes = [finding.code for finding in answer.findings]
    same = (
        account.user_id,
        account.generation,
        account.policy.number,
        asked.client_id,
        answer.outcome,
        answer.reason,
        answer.withheld_by,
        answer.action,
        *codes,
        uow.now.date(),
    )
    add_or_count(
        uow.db,
        {
            "realm": uow.realm,
            "id": uow.new_id(),
            "key_hash": hashlib.sha256("\n".join(map(str, same)).encode()).hexdigest(),
            "user_id": account.user_id,
            "client_id": asked.client_id,
            "outcome": answer.outcome.value,
            "reason": answer.reason and answer.reason.value,
            "withheld_by": answer.withheld_by and answer.withheld_by.value,
            "action": answer.action and answer.action.value,
            "policy_version": account.policy.number,
            "generation": account.generation,
            "findings": [{"code": f.code, "params": dict(f.params)} for f in answer.findings],
            "facts": _write_facts(account, asked, uow.now),
            "at": uow.now,
            "last_at": uow.now,
            "count": 1,
        },
    )


def list_decisions(
    uow: UnitOfWork, user_id: UserId, *, limit: int = 50, before: str | None = None
) -> list[Decision]:
    """Return the decisions about a user, newest first; `before` is the id a page ended with."""
    query = (
        sa.select(DecisionRow)
        .where(DecisionRow.user_id == user_id)
        .order_by(DecisionRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(DecisionRow.id < before)
    return [_decision(row) for row in uow.db.scalars(query)]


def replay(uow: UnitOfWork, decision: Decision) -> GateAnswer | None:
    """Ask the gate anew with the facts of a decision; None when it lets them pass.

    The versions of a policy never change, so this is what was decided then.
    """
    facts = decision.facts
    groups = frozenset(facts["groups"])
    is_exempt = facts.get("is_exempt", False)
    policy = for_groups(policy_version(uow, decision.policy_version), groups)
    account = AccountFacts(
        user_id=decision.user_id,
        sub="",
        is_active=facts["is_active"],
        is_locked=facts["is_locked"],
        epoch=facts["epoch"],
        credential_epoch=facts["credential_epoch"],
        generation=0,
        policy=asking_nothing(policy) if is_exempt else policy,
        credential=_read_credential(uow, facts, groups),
        noted_under=None,
        wave_hour=WaveHour(None, 0),
        is_exempt=is_exempt,
        is_unchecked=facts.get("is_unchecked", False),
        is_kept_out=facts.get("is_kept_out", False),
    )
    gate = clear(
        account,
        birth_epoch=facts["birth_epoch"],
        session_ended=facts["session_ended"],
        now=datetime.fromisoformat(facts["at"]),
    )
    return _answer_of(gate)


def _answer_of(gate: Cleared | Refused) -> GateAnswer | None:
    """Return the gate's answer as plain values; None for a plain pass."""
    if isinstance(gate, Refused):
        verdict = gate.verdict
        action = None if verdict is None else verdict.required_action
        findings = () if verdict is None else verdict.findings
        return GateAnswer(Decided.REFUSED, gate.reason, None, action, findings)
    held = gate.withheld
    if held is None:
        return None
    return GateAnswer(Decided.WITHHELD, None, held.by, held.action, held.findings)


def _write_facts(account: AccountFacts, asked: Asked, now: datetime) -> dict[str, object]:
    credential = account.credential
    groups = account.policy.of_groups if credential is None else credential.groups
    return {
        "at": now.isoformat(),
        "is_active": account.is_active,
        "is_locked": account.is_locked,
        "epoch": account.epoch,
        "credential_epoch": account.credential_epoch,
        "birth_epoch": asked.birth_epoch,
        "session_ended": asked.session_ended,
        "groups": sorted({*groups, *account.policy.of_groups}),
        **({"is_kept_out": True} if account.is_kept_out else {}),
        **({} if account.connector is None else _write_directory(account)),
        **({} if credential is None else _write_credential(credential)),
    }


def _write_directory(account: AccountFacts) -> dict[str, object]:
    return {"is_exempt": account.is_exempt, "is_unchecked": account.is_unchecked}


def _write_credential(credential: CredentialFacts) -> dict[str, object]:
    judged = credential.judged_under
    stamp = Stamp(0) if judged is None else stamp_of(judged)
    until = credential.temporary_until
    return {
        "judged_under": stamp.version,
        "judged_groups": stamp.groups,
        "refused_under": credential.refused_under,
        "password_set_at": credential.password_set_at.isoformat(),
        "must_change": credential.must_change,
        "temporary_until": None if until is None else until.isoformat(),
        "marked_by": credential.marked_by and credential.marked_by.number,
        "aged_by": credential.aged_by and credential.aged_by.number,
        "placed_under": credential.placed_under,
        "share": credential.share,
    }


def _read_credential(
    uow: UnitOfWork, facts: Mapping[str, Any], groups: frozenset[str]
) -> CredentialFacts | None:
    if "password_set_at" not in facts:
        return None
    until = facts["temporary_until"]
    return CredentialFacts(
        judged_under=judging_policy(uow, Stamp(facts["judged_under"], facts["judged_groups"])),
        refused_under=facts["refused_under"],
        password_set_at=datetime.fromisoformat(facts["password_set_at"]),
        must_change=facts["must_change"],
        temporary_until=None if until is None else datetime.fromisoformat(until),
        marked_by=_version(uow, facts["marked_by"], groups),
        aged_by=_version(uow, facts["aged_by"], groups),
        placed_under=facts["placed_under"],
        groups=groups,
        share=facts["share"],
    )


def _decision(row: DecisionRow) -> Decision:
    answer = GateAnswer(
        outcome=Decided(row.outcome),
        reason=Reason(row.reason) if row.reason else None,
        withheld_by=WithheldBy(row.withheld_by) if row.withheld_by else None,
        action=RequiredAction(row.action) if row.action else None,
        findings=tuple(Finding(each["code"], each["params"]) for each in row.findings),
    )
    return Decision(
        id=row.id,
        user_id=UserId(row.user_id),
        client_id=row.client_id,
        answer=answer,
        policy_version=row.policy_version,
        at=row.at,
        last_at=row.last_at,
        count=row.count,
        facts=row.facts,
    )


def _version(uow: UnitOfWork, number: int | None, groups: frozenset[str]) -> PolicyVersion | None:
    return None if number is None else for_groups(policy_version(uow, number), groups)
