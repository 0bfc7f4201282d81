"""A password must be replaced after a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from policy.model import CredentialFacts, Kind, PolicyError, Rule, Tightens, Whole
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class MaxAge(Rule):
    """The password was set at most `days` days ago; the user is told `warn_days` before."""

    days: Annotated[int, Whole(1, 3650, Tightens.DOWN)]
    warn_days: Annotated[int, Whole(0, 3649, Tightens.NOT)] = 0

    name: ClassVar[str] = "max_age"
    code: ClassVar[str] = "password.too_old"
    codes: ClassVar[tuple[str, ...]] = ("password.too_old", "password.expires_soon")
    lines: ClassVar[tuple[str, ...]] = ("rule.max_age",)
    kind: ClassVar[Kind] = Kind.STANDING

    def __post_init__(self) -> None:
        if self.warn_days >= self.days:
            raise PolicyError("warn_days", f"must be less than days ({self.days})")

    def check_standing(self, facts: CredentialFacts, now: datetime) -> Finding | None:
        age = now - facts.password_set_at
        if age <= timedelta(days=self.days):
            return None
        return Finding("password.too_old", {"max_days": self.days, "age_days": age.days})

    def check_warning(self, facts: CredentialFacts, now: datetime) -> Finding | None:
        left = facts.password_set_at + timedelta(days=self.days) - now
        if timedelta(0) <= left <= timedelta(days=self.warn_days):
            return Finding("password.expires_soon", {"days_left": left.days})
        return None

    def combined_with(self, other: "MaxAge") -> "MaxAge":
        days = min(self.days, other.days)
        return MaxAge(days=days, warn_days=min(max(self.warn_days, other.warn_days), days - 1))

    def describe(self) -> tuple[Finding, ...]:
        return (Finding("rule.max_age", {"days": self.days}),)
