"""Facts that go in, the rule that checks them, and the policy version that holds the rules.

All times are aware and UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from policy.model.params import (
    MAX_LENGTH,
    combine_params,
    direction_of,
    read_params,
    write_params,
)
from policy.model.waves import Waves
from policy.verdict import Direction, Finding


class Enforcement(StrEnum):
    """What a stricter policy means for users whose password was accepted before."""

    EVERYONE = "everyone"
    NONCOMPLIANT = "noncompliant"
    OBSERVE = "observe"
    NEVER = "never"

    @property
    def asks(self) -> bool:
        """Tell whether users with an existing password are asked for anything."""
        return self in (Enforcement.EVERYONE, Enforcement.NONCOMPLIANT)


class Need(StrEnum):
    """A fact that costs a hash comparison or a look-up and must be gathered before judging."""

    CURRENT = "current"
    HISTORY = "history"
    COMMON = "common"
    STRENGTH = "strength"
    BREACHED_ONLINE = "breached_online"
    BREACHED_FILE = "breached_file"
    PAST_BULK_SECRETS = "past_bulk_secrets"


class Kind(StrEnum):
    """When a rule speaks, and whether making it stricter marks existing credentials.

    `CONTENT` looks at the password alone and marks; `CHANGE` looks at the act of changing
    and `STANDING` at the credential as it stands, and neither marks.
    """

    CONTENT = "content"
    CHANGE = "change"
    STANDING = "standing"


@dataclass(frozen=True, slots=True)
class HistoryMatch:
    """An earlier password that equals the candidate; position 1 is the most recent one."""

    position: int
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryNeed:
    """Which earlier passwords to compare: the `last` ones and those replaced `within` a time.

    Both bounds count: an earlier password inside either must be compared.
    """

    last: int | None
    within: timedelta | None

    def since(self, now: datetime) -> datetime | None:
        """Return the earliest time of replacement that the time bound reaches back to."""
        return None if self.within is None else now - self.within


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A password that somebody wants to set (NFC), and what is known about it.

    `forced` says that the user must change: the current password is then refused whatever
    the rules, and a minimum age does not bind. Facts that `engine.needs` does not ask for
    may be left at their defaults. `current_password` is the one that the user has now, as typed
    (NFC); None where nobody typed it. `context` are names of the realm and the product.
    `strength` is a score of 0 to 4, None where it was not measured; `is_breached` is None where
    nobody could look it up.
    """

    password: str = field(repr=False)
    username: str
    email: str | None
    names: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    forced: bool = False
    matches_current: bool = False
    current_password: str | None = field(default=None, repr=False)
    history_matches: tuple[HistoryMatch, ...] = ()
    is_common: bool = False
    strength: int | None = None
    is_breached: bool | None = None
    is_past_bulk_secret: bool = False
    now: datetime
    current_set_at: datetime | None = None
    current_self_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFacts:
    """Where a stored password credential stands.

    `judged_under` is None for an imported hash that no policy has judged yet (stamp 0).
    `refused_under` is the number of the version that refused the plaintext at a sign-in.
    `temporary_until` is the deadline of a temporary or shared password.

    The others matter only where a policy is staged (grace, waves). `marked_by` and `aged_by` are
    the versions since which the password is marked, and since which the maximum age is at least
    this strict; None stands for the version that is asked about. `placed_under` is the version
    under which a wave asked the user already. `groups` are the folded names of the user's groups;
    `share` (0 to 99) says which percent of the users this one belongs to.
    """

    judged_under: "PolicyVersion | None"
    refused_under: int | None
    password_set_at: datetime
    must_change: bool
    temporary_until: datetime | None
    marked_by: "PolicyVersion | None" = None
    aged_by: "PolicyVersion | None" = None
    placed_under: int | None = None
    groups: frozenset[str] = frozenset()
    share: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as a value: `name` is its key in a document, `code` its usual finding.

    A subclass is a frozen dataclass with slots whose fields are declared parameters. It
    overrides `check_candidate` (content and change rules) or `check_standing`, and lists
    every code it can give in `codes` and every line it describes itself by in `lines`. A rule
    from elsewhere says in `texts` what each of them means: format strings over the parameters.
    """

    name: ClassVar[str]
    code: ClassVar[str]
    codes: ClassVar[tuple[str, ...]]
    lines: ClassVar[tuple[str, ...]]
    kind: ClassVar[Kind]
    needs: ClassVar[frozenset[Need]] = frozenset()
    texts: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> Self:
        """Return the rule that its part of a policy document states.

        Raises:
            PolicyError: the path is the parameter's name, or empty for the rule as a whole.
        """
        return cls(**read_params(cls, document))

    def document(self) -> dict[str, object]:
        """Return the rule's part of a policy document; `parse` gives the same rule back."""
        return write_params(self)

    def check_candidate(self, candidate: Candidate) -> tuple[Finding, ...]:
        """Return what is wrong with setting this password."""
        return ()

    def check_standing(self, facts: CredentialFacts, now: datetime) -> Finding | None:
        """Return why the stored credential no longer stands."""
        return None

    def check_warning(self, facts: CredentialFacts, now: datetime) -> Finding | None:
        """Return what the user should know although nothing is asked yet."""
        return None

    def describe(self) -> tuple[Finding, ...]:
        """Return the requirement in lines that a page can show."""
        return tuple(Finding(line) for line in self.lines)

    def direction(self, old: Self | None) -> Direction | None:
        """Return how the rule changed since `old` (None: the rule was off)."""
        return direction_of(old, self)

    def combined_with(self, other: Self) -> Self:
        """Return the rule that asks for the stricter value of each parameter.

        Raises:
            PolicyError: no password could meet both.
        """
        return combine_params(self, other)

    def active_needs(self) -> frozenset[Need]:
        """Return the facts that the rule needs with these parameters."""
        return self.needs

    def least_length(self) -> int:
        """Return how many code points every accepted password has at least."""
        return 0

    def most_length(self) -> int:
        """Return how many code points every accepted password has at most."""
        return MAX_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRules:
    """What a policy asks of the members of one group besides; `key` is the group's folded name."""

    name: str
    key: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """An immutable, numbered policy; its rules stand in the order of the registry.

    `published_at` is None for one that is not published yet. `of_groups` are the folded names of
    the groups whose rules are combined into `rules`, where the policy was asked for by a user's.
    """

    number: int
    rules: tuple[Rule, ...]
    enforcement: Enforcement
    grace: timedelta = timedelta(0)
    waves: Waves | None = None
    groups: tuple[GroupRules, ...] = ()
    published_at: datetime | None = None
    of_groups: tuple[str, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once and for all: versions are keys on the way to every token.
        settled = (self.enforcement, self.grace, self.waves, self.groups, self.of_groups)
        object.__setattr__(self, "_hash", hash((self.number, self.rules, *settled)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_staged(self) -> bool:
        """Tell whether the policy asks some users later than others."""
        return bool(self.grace) or self.waves is not None
