"""Fixture files of `idp policy test`, read strictly; `docs/policy-tests.md` tells their form."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from idp.cli.policy_files import read_document
from idp.core.passwords import normalise_password
from idp.core.policy_fixtures import CredentialFixture, Fixture, PasswordFixture
from idp.durations import parse_duration
from idp.errors import InvalidInput
from policy.engine import ENGINE_CODES
from policy.model import PolicyError, PolicyVersion, Rule, nearest
from policy.parse import parse

_OLDER = -1
"""The number of an earlier version; the one under test never has it."""


def _duration(value: object) -> timedelta:
    text = value if isinstance(value, str) else ""
    sign = -1 if text.startswith("-") else 1
    return sign * parse_duration(text.removeprefix("-"))


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        reason = "must not be negative"
        raise ValueError(reason)
    return value


def _known_code(code: str, info: ValidationInfo) -> str:
    known: frozenset[str] = (info.context or {})["codes"]
    if code not in known:
        reason = f"is not the code of a finding; {nearest(code, known)}"
        raise ValueError(reason)
    return code


Distance = Annotated[timedelta, BeforeValidator(_duration)]
Age = Annotated[Distance, AfterValidator(_not_negative)]
Codes = list[Annotated[str, AfterValidator(_known_code)]]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class _Earlier(_Strict):
    position: Annotated[int, Field(ge=1)] = 1
    ago: Age = timedelta(0)


class _Password(_Strict):
    name: str | None = None
    password: str
    username: str = "someone"
    email: str | None = None
    names: list[str] = []
    forced: bool = False
    matches_current: bool = False
    current_password: str | None = None
    earlier: list[_Earlier] = []
    common: bool | None = None
    strength: Annotated[int, Field(ge=0, le=4)] | None = None
    breached: bool | Literal["unknown"] = False
    past_bulk_secret: bool = False
    current_age: Age | None = None
    expect: Codes

    def fixture(self, place: str) -> PasswordFixture:
        """Return what `run_fixtures` takes."""
        password = _normal(self.password, f"{place}.password")
        current = self.current_password
        if current is not None:
            current = _normal(current, f"{place}.current_password")
        return PasswordFixture(
            name=self.name or place,
            password=password,
            username=self.username,
            email=self.email,
            names=tuple(self.names),
            forced=self.forced,
            matches_current=self.matches_current or password == current,
            current_password=current,
            earlier=tuple((old.position, old.ago) for old in self.earlier),
            is_common=self.common,
            strength=self.strength,
            is_breached=None if self.breached == "unknown" else self.breached,
            is_past_bulk_secret=self.past_bulk_secret,
            current_age=self.current_age,
            expect=tuple(self.expect),
        )


class _Credential(_Strict):
    name: str | None = None
    judged_under: Literal["this", "nothing"] | dict[str, Any] = "this"
    refused: bool = False
    age: Age = timedelta(0)
    must_change: bool = False
    temporary_left: Distance | None = None
    expect: Codes
    action: Literal["change_password", "sign_in", "none"] | None = None
    warn: Codes | None = None

    def fixture(
        self, place: str, policy: PolicyVersion, rules: Sequence[type[Rule]]
    ) -> CredentialFixture:
        """Return what `run_fixtures` takes."""
        return CredentialFixture(
            name=self.name or place,
            judged_under=_judged_under(self.judged_under, place, policy, rules),
            is_refused=self.refused,
            age=self.age,
            must_change=self.must_change,
            temporary_left=self.temporary_left,
            expect=tuple(self.expect),
            action=self.action,
            warn=None if self.warn is None else tuple(self.warn),
        )


class _File(_Strict):
    password: list[_Password] = []
    credential: list[_Credential] = []


def read_fixtures(
    path: Path, policy: PolicyVersion, rules: Sequence[type[Rule]]
) -> tuple[Fixture, ...]:
    """Return the fixtures in a TOML or JSON file (`-`: standard input): passwords come first.

    Args:
        rules: every rule there is.

    Raises:
        InvalidInput: it cannot be read, holds no fixture, or one of them is wrong; with its place.
    """
    try:
        document = read_document(path)
    except InvalidInput as error:
        reason = error.params["reason"]
        raise InvalidInput("policy.fixtures_unreadable", file=str(path), reason=reason) from error
    try:
        codes = frozenset(ENGINE_CODES).union(*(rule.codes for rule in rules))
        found = _File.model_validate(document, context={"codes": codes})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _invalid(_place(first["loc"]), first["msg"]) from error
    fixtures: tuple[Fixture, ...] = (
        *(one.fixture(f"password.{n}") for n, one in enumerate(found.password, start=1)),
        *(
            one.fixture(f"credential.{n}", policy, rules)
            for n, one in enumerate(found.credential, start=1)
        ),
    )
    if not fixtures:
        raise _invalid("password", "there is nothing to test")
    return fixtures


def _normal(password: str, place: str) -> str:
    try:
        return normalise_password(password)
    except InvalidInput as error:
        raise _invalid(place, error.code) from error


def _judged_under(
    said: str | Mapping[str, Any], place: str, policy: PolicyVersion, rules: Sequence[type[Rule]]
) -> PolicyVersion | None:
    if isinstance(said, str):
        return policy if said == "this" else None
    try:
        document = {"rules": said}
        return parse(document, number=_OLDER, default_enforcement=policy.enforcement, rules=rules)
    except PolicyError as error:
        inside = error.path.removeprefix("rules").removeprefix(".")
        where = ".".join(filter(None, (place, "judged_under", inside)))
        raise _invalid(where, error.reason) from error


def _place(steps: tuple[int | str, ...]) -> str:
    """Return where in the file something is; fixtures are counted from one."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in steps)


def _invalid(place: str, reason: str) -> InvalidInput:
    reason = reason.removeprefix("Value error, ")
    return InvalidInput("policy.fixtures_invalid", path=place, reason=reason)
