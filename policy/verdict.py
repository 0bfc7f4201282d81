"""What policy answers: findings, the action a user must take, and how a rule changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about a password or a policy, as a code and its numbers.

    Never contains the password or a part of it.
    """

    code: str
    params: Mapping[str, int | str] = field(default_factory=dict, hash=False)


class RequiredAction(StrEnum):
    """What stands between a user and tokens."""

    CHANGE_PASSWORD = "change_password"  # noqa: S105 - the name of an action
    SIGN_IN = "sign_in"


class WithheldBy(StrEnum):
    """What keeps the policy from asking already."""

    OBSERVE = "observe"
    GRACE = "grace"
    WAVE = "wave"


@dataclass(frozen=True, slots=True)
class Withheld:
    """What the policy would ask of a user, and does not ask yet.

    Attributes:
        until: when it asks at the latest; None under `observe`.
        is_due: a wave may ask this user now, if its hour has a place left.
    """

    by: WithheldBy
    action: RequiredAction
    findings: tuple[Finding, ...]
    until: datetime | None = None
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a credential may have tokens now, and every reason why not.

    `immediate` tells that access tokens already out die at once, because the cause is more
    than a stricter policy (must change, temporary password expired, too old). `withheld` is
    what the policy would ask besides, and does not yet.
    """

    required_action: RequiredAction | None
    findings: tuple[Finding, ...]
    immediate: bool
    withheld: Withheld | None = None


class Direction(StrEnum):
    """How a rule changed; an unchanged rule has no direction."""

    STRICTER = "stricter"
    LOOSER = "looser"
    MIXED = "mixed"

    def reversed(self) -> "Direction":
        """Return the direction of the same change undone."""
        return _REVERSED[self]


_REVERSED = {
    Direction.STRICTER: Direction.LOOSER,
    Direction.LOOSER: Direction.STRICTER,
    Direction.MIXED: Direction.MIXED,
}
