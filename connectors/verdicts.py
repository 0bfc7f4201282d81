"""What a directory says to passwords: one that was typed, and a new one."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, unique

from connectors.records import DirectoryEntry


@unique
class Verdict(Enum):
    """What a directory says to a name and a password."""

    RIGHT = "right"
    WRONG = "wrong"
    MUST_CHANGE = "must_change"
    """Right, and the directory wants a new one before anything else."""
    EXPIRED = "expired"
    """Right, and too old."""
    DISABLED = "disabled"
    LOCKED = "locked"
    """Too many wrong passwords; whether this one is right is not told."""
    REFUSED = "refused"
    """The account may not sign in for a reason of the directory's."""
    UNKNOWN = "unknown"
    """No entry in scope has this stable id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The answer to `PasswordVerifier.verify`.

    Attributes:
        entry: the entry as it was just read; None when it is unknown or nothing was asked.
        grace_left: sign-ins that the directory still allows with an expired password.
        expires_in: time until the password is too old, when the directory warns of it.
        detail: the directory's own codes, for administrators, never for the person.
    """

    verdict: Verdict
    entry: DirectoryEntry | None = None
    grace_left: int | None = None
    expires_in: timedelta | None = None
    detail: str = ""


@unique
class WriteVerdict(Enum):
    """What a directory says to a new password."""

    WRITTEN = "written"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_YOUNG = "too_young"
    """The present password was set too short a time ago."""
    IN_HISTORY = "in_history"
    TOO_SIMPLE = "too_simple"
    REFUSED = "refused"
    """Refused by a rule of the directory's that has no name here."""
    OLD_WRONG = "old_wrong"
    OLD_EXPIRED = "old_expired"
    """The present password is right and so old that its owner is not let in to change it."""
    LOCKED = "locked"
    """The owner is locked out; whether the present password is right is not told."""
    DISABLED = "disabled"
    NOT_LET_IN = "not_let_in"
    """The owner may not sign in, for a reason of the directory's."""
    NOT_ALLOWED = "not_allowed"
    """Whoever writes has no right to."""
    UNKNOWN = "unknown"
    """No entry in scope has this stable id."""


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """The answer to `PasswordWriter.write_password`; `detail` is for the log."""

    verdict: WriteVerdict
    detail: str = ""
