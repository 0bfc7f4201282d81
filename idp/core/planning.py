"""What a plan kind is: the few things that every dangerous act must be able to do.

The mechanism (`plans`) knows no kind, and a kind knows nothing of the mechanism; both know this.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from idp.core.runtime import Runtime
from idp.core.work import Actor, UnitOfWork
from idp.ids import RealmName
from idp.store.plans import PlanRow

OUTDATED = "plan_outdated"
"""The code of the refusal of a plan that the world has moved away from."""

PLAN_LIFE = timedelta(hours=24)
"""How long a plan may wait for its review."""


class PlanState(StrEnum):
    """Where a plan stands."""

    PLANNED = "planned"
    APPLYING = "applying"
    APPLIED = "applied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A computed plan.

    Attributes:
        params: what was asked for, defaults spelled out; shown to reviewers, so nothing secret.
        counts: numbers and lists for the review; informational.
        secret: what apply needs and nobody may read; already encrypted.
    """

    params: Mapping[str, object]
    fingerprint: str
    summary: str
    counts: Mapping[str, object]
    secret: bytes | None = field(default=None, repr=False)


Drafting = Callable[[UnitOfWork, str], Draft]
"""Computes a plan of the given id in one transaction and stores whom it names."""


def see_nothing(uow: UnitOfWork, plan: PlanRow) -> None:
    """Look at nothing before a plan is applied."""
    del uow, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanKind:
    """One kind of dangerous act.

    Attributes:
        prepare: reads the parameters and does what takes long (hashing) outside any transaction.
        look: refuses (`plan_outdated`) after what takes long, such as looking at everybody; it only
            reads, in a unit of its own before the one that applies.
        check: refuses (`plan_outdated`) when the world is no longer what was reviewed; it may lock.
        apply: starts the act in this transaction and returns the id of its job.
        undo: starts taking the act back and returns the id of that job; the plan is `undoing`
            until its kind says `undone`.
    """

    name: str
    prepare: Callable[[Runtime, RealmName, Mapping[str, object], Actor], Drafting]
    look: Callable[[UnitOfWork, PlanRow], None] = see_nothing
    check: Callable[[UnitOfWork, PlanRow], None]
    apply: Callable[[UnitOfWork, PlanRow], str]
    undo: Callable[[UnitOfWork, PlanRow], str]
