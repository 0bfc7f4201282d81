"""What policy answers: findings, the action a user must take, and how a rule changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a credential may have tokens now, and every reason why not.

    `immediate` tells that access tokens already out die at once, because the cause is more
    than a stricter policy (must change, temporary password expired, too old).
    """

    required_action: RequiredAction | None
    findings: tuple[Finding, ...]
    immediate: bool


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
