"""The plan kind `password.reset`: whom a bulk reset would hit, and the start of it.

A shared password is judged and hashed once, outside any transaction; only the hash waits in the
plan, encrypted. The work itself is in `reset_batches`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from idp.core.bulk_secrets import bulk_secret_mac
from idp.core.jobs import enqueue_job
from idp.core.judging import Person, gather_facts, judge_candidate
from idp.core.passwords import normalise_password
from idp.core.planning import OUTDATED, Draft, Drafting, PlanKind
from idp.core.policies import Stamp, judging_policy, stamp_of, strictest_policy
from idp.core.reset_orders import (
    ResetMode,
    ResetOrder,
    TheseUsers,
    read_order,
    read_stored_order,
    write_order,
    write_selection,
)
from idp.core.reset_targets import check_named, criteria_of, list_administrators, plan_of
from idp.core.runtime import Runtime
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, PasswordRejected
from idp.ids import RealmName
from idp.store import campaigns
from idp.store.plans import PlanRow
from idp.store.resets import ResetCampaignRow
from policy.engine import marks

KIND_NAME = "password.reset"
APPLY_JOB = "password.reset"
UNDO_JOB = "password.reset.undo"
UNDO_WINDOW = timedelta(days=7)
_SEAL_PURPOSE = "plan"
_PAST = "password.past_bulk_secret"
_MOST_DRIFT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSecret:
    """What the plan keeps of a shared password: its hash, its MAC, and who judged it."""

    hash: str = field(repr=False)
    mac: str
    judged_under: int
    judged_groups: str

    @property
    def stamp(self) -> Stamp:
        """Give what a credential keeps that has this password."""
        return Stamp(self.judged_under, self.judged_groups)


def open_secret(uow: UnitOfWork, plan: PlanRow) -> SharedSecret | None:
    """Return what the plan keeps of its shared password; None in the other modes."""
    if plan.secret is None:
        return None
    opened = uow.runtime.box.decrypt(plan.secret, purpose=_SEAL_PURPOSE)
    return SharedSecret(**json.loads(opened))


def _prepare(
    runtime: Runtime, realm: RealmName, params: Mapping[str, object], actor: Actor
) -> Drafting:
    order = read_order(params)
    secret = None
    if order.password is not None:
        secret = _prepare_secret(runtime, realm, order, order.password)

    def draft(uow: UnitOfWork, plan_id: str) -> Draft:
        return _draft(uow, plan_id, order, secret, actor)

    return draft


def _prepare_secret(
    runtime: Runtime, realm: RealmName, order: ResetOrder, typed: str
) -> SharedSecret:
    """Judge the shared password by the rules of every group and hash it once, for everybody."""
    password = normalise_password(typed)
    with runtime.begin(realm, write=False) as uow:
        nobody = Person(username="", email=None)
        facts = gather_facts(uow, nobody, password, policy=strictest_policy(uow))
    findings = judge_candidate(runtime, facts, password)
    others = tuple(finding for finding in findings if finding.code != _PAST)
    if others:
        raise PasswordRejected(others)
    if findings and not order.accept_repeat:
        raise Conflict("reset.password_repeated", confirm_with="accept_repeat")
    stamp = stamp_of(facts.policy)
    return SharedSecret(
        hash=runtime.hasher.hash(password),
        mac=bulk_secret_mac(runtime.box, realm, password),
        judged_under=stamp.version,
        judged_groups=stamp.groups,
    )


def _draft(
    uow: UnitOfWork,
    plan_id: str,
    order: ResetOrder,
    secret: SharedSecret | None,
    actor: Actor,
) -> Draft:
    acting_id = None if order.include_self or actor.kind != "user" else actor.id
    plan = plan_of(uow.realm, plan_id, order, acting_id)
    check_named(uow, order)
    connection = uow.db.connection()
    is_shared = order.mode is ResetMode.SHARED
    campaigns.add_targets(connection, plan, criteria_of(uow, order.select), warn=is_shared)
    params = {**write_order(order), "acting_id": acting_id}
    counts = _count(uow, plan)
    return Draft(
        params=params,
        fingerprint=_fingerprint(uow, plan, params, secret),
        summary=_summary(uow.realm, order, counts),
        counts=counts,
        secret=None if secret is None else _seal(uow, secret),
    )


def _seal(uow: UnitOfWork, secret: SharedSecret) -> bytes:
    return uow.runtime.box.encrypt(json.dumps(asdict(secret)).encode(), purpose=_SEAL_PURPOSE)


def _count(uow: UnitOfWork, plan: campaigns.Plan) -> dict[str, object]:
    connection = uow.db.connection()
    excluded, warnings, targets = Counter[str](), Counter[str](), 0
    for reason, warning, count in campaigns.count_targets(connection, plan):
        if reason is not None:
            excluded[reason] += count
            continue
        targets += count
        if warning is not None:
            warnings[warning] += count
    return {
        "selected": targets + excluded.total(),
        "targets": targets,
        "excluded": excluded.total(),
        "excluded_because": dict(sorted(excluded.items())),
        "warnings": dict(sorted(warnings.items())),
        "administrators": len(list_administrators(uow, plan.id)),
    }


def _fingerprint(
    uow: UnitOfWork,
    plan: campaigns.Plan,
    params: Mapping[str, object],
    secret: SharedSecret | None,
) -> str:
    """Return the digest of the sorted target ids and the parameters (DECISIONS 16)."""
    mac = None if secret is None else secret.mac
    digest = hashlib.sha256(json.dumps([uow.realm, params, mac], sort_keys=True).encode())
    for user_id in campaigns.iterate_targets(uow.db.connection(), plan):
        digest.update(b"\n" + user_id.encode())
    return digest.hexdigest()


_DEEDS: Mapping[ResetMode, str] = {
    ResetMode.SHARED: "Give one shared password to",
    ResetMode.LINK: "Stop the passwords of, and mail a one-time link to,",
    ResetMode.REQUIRE_CHANGE: "Ask for another password at the next sign-in of",
}


def _summary(realm: RealmName, order: ResetOrder, counts: Mapping[str, object]) -> str:
    parts = [f"{_DEEDS[order.mode]} {_users(counts['targets'])} of {realm}"]
    if order.mode is ResetMode.SHARED:
        parts.append("to be changed at the next sign-in" if order.require_change else "to keep")
    if counts["excluded"]:
        parts.append(f"{counts['excluded']} left out")
    if order.reason:
        parts.append(f"reason: {order.reason}")
    return "; ".join(parts)[:1024]


def _users(count: object) -> str:
    return f"{count} user" if count == 1 else f"{count} users"


def _check(uow: UnitOfWork, plan: PlanRow) -> None:
    order = read_stored_order(plan.params)
    known = plan_of(uow.realm, plan.id, order, plan.params["acting_id"])
    is_named = isinstance(order.select, TheseUsers)
    criteria = campaigns.Criteria(planned=True) if is_named else criteria_of(uow, order.select)
    drift = campaigns.measure_drift(uow.db.connection(), known, criteria)
    allowed = 0 if is_named else int(drift.planned * _MOST_DRIFT)
    if max(drift.lost, drift.gained) > allowed:
        reason = "other users are selected now"
        raise Conflict(
            OUTDATED, reason=reason, lost=drift.lost, gained=drift.gained, planned=drift.planned
        )
    secret = open_secret(uow, plan)
    if secret is not None and marks(judging_policy(uow, secret.stamp), strictest_policy(uow)):
        raise Conflict(OUTDATED, reason="a stricter policy has to judge the password first")


def _apply(uow: UnitOfWork, plan: PlanRow) -> str:
    told = {"plan_id": plan.id, "reason": plan.params["reason"], "select": _short(plan)}
    return enqueue_job(uow, APPLY_JOB, told, int(plan.counts["targets"]))


def _short(plan: PlanRow) -> object:
    """Return the selection as the job shows it; a long list of ids is in the plan."""
    select = read_stored_order(plan.params).select
    return (
        {"user_ids": len(select.ids)} if isinstance(select, TheseUsers) else write_selection(select)
    )


def _undo(uow: UnitOfWork, plan: PlanRow) -> str:
    campaign = uow.db.get(ResetCampaignRow, (uow.realm, plan.id))
    if campaign is None:
        raise Conflict("plan.not_undoable", reason="nobody was reset")
    _check_window(campaign, uow.now)
    return enqueue_job(uow, UNDO_JOB, {"plan_id": plan.id}, int(plan.counts["targets"]))


def _check_window(campaign: ResetCampaignRow, now: datetime) -> None:
    if now >= campaign.undo_until:
        closed_at = campaign.undo_until.isoformat()
        raise Conflict(
            "plan.undo_too_late", reason="the previous passwords are erased", at=closed_at
        )


KIND = PlanKind(name=KIND_NAME, prepare=_prepare, check=_check, apply=_apply, undo=_undo)
