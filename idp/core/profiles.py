"""What is known about a person: each column checked and brought into the form that is stored."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import email_validator

from idp.core.claims import find_bad_claims
from idp.core.names import LONGEST_EMAIL, LONGEST_NAME, name_key
from idp.core.spellings import find_bad_text, find_misspelling
from idp.errors import InvalidInput

_PUBLIC_SUFFIX = ".nz"
_PHONE = re.compile(r"[+(]?[0-9][-0-9A-Za-z+()./;=# ]{0,62}", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9+-]*(?:[/_][A-Za-z0-9+-]+)*", re.ASCII)


class Keep(Enum):
    """Stands for a value that a change leaves as it is (None takes the value away)."""

    KEEP = auto()


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What to store about a person; a member that is `KEEP` is left as it is.

    `groups` are names, and replace all groups of the user.
    """

    username: str | Keep | None = KEEP
    email: str | Keep | None = KEEP
    email_verified: bool | Keep = KEEP
    given_name: str | Keep | None = KEEP
    family_name: str | Keep | None = KEEP
    name: str | Keep | None = KEEP
    phone_number: str | Keep | None = KEEP
    locale: str | Keep | None = KEEP
    zoneinfo: str | Keep | None = KEEP
    claims: Mapping[str, object] | Keep = KEEP
    external_id: str | Keep | None = KEEP
    groups: tuple[str, ...] | Keep = KEEP

    def given(self) -> dict[str, object]:
        """Return the members that are not left as they are."""
        members = ((name, getattr(self, name)) for name in _MEMBERS)
        return {name: value for name, value in members if value is not KEEP}


_MEMBERS = tuple(Profile.__dataclass_fields__)


@dataclass(slots=True)
class Problems:
    """Everything that is wrong with one input, found before anybody is told."""

    found: list[dict[str, str]] = field(default_factory=list)

    def add(self, name: str, reason: str) -> None:
        """Note what is wrong with one member."""
        self.found.append({"field": name, "reason": reason})

    def refuse(self) -> None:
        """Return when nothing is wrong.

        Raises:
            InvalidInput: `user.invalid`; `problems` has a `field` and a `reason` for each.
        """
        if self.found:
            raise InvalidInput("user.invalid", problems=self.found)


def check_profile(profile: Profile, problems: Problems) -> dict[str, object]:
    """Return the columns to store, each in its stored form; `groups` is not among them.

    Texts lose the blanks around them; an empty one is no value. `username_key` and `email_key`
    come with their names.

    Args:
        problems: gets everything that is wrong; the columns then miss those members.
    """
    columns: dict[str, object] = {}
    for name, value in profile.given().items():
        check = _CHECKS.get(name)
        if check is None:
            continue
        try:
            columns |= check(name, value)
        except ValueError as error:
            problems.add(name, str(error))
    return columns


Check = Callable[[str, object], Mapping[str, object]]
"""Returns the columns of one member, or raises ValueError with the reason in words."""


def _text(value: object, longest: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - one kind of refusal for all
    text = unicodedata.normalize("NFC", value).strip()
    reason = find_bad_text(text)
    if len(text) > longest:
        reason = f"must not be longer than {longest} characters"
    if reason:
        raise ValueError(reason)
    return text or None


def _check_username(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        reason = f"must be text of 1 to {LONGEST_NAME} characters"
        raise ValueError(reason)
    username = unicodedata.normalize("NFKC", value).strip()
    key = name_key(username)
    if not key or len(username) > LONGEST_NAME or len(key) > LONGEST_NAME:
        reason = f"must have 1 to {LONGEST_NAME} characters"
        raise ValueError(reason)
    reason_found = find_misspelling(username)
    if reason_found:
        raise ValueError(reason_found)
    return {name: username, "username_key": key}


def _check_email(name: str, value: object) -> Mapping[str, object]:
    text = _text(value, LONGEST_EMAIL)
    if text is None:
        return {name: None, "email_key": None}
    try:
        # Under a public suffix, because inside a company an address may end in `.local` or have
        # no dot, which the Internet does not know.
        checked = email_validator.validate_email(text + _PUBLIC_SUFFIX, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        reason = "is not an e-mail address"
        raise ValueError(reason) from error
    email = checked.normalized.removesuffix(_PUBLIC_SUFFIX)
    return {name: email, "email_key": name_key(email)}


def _check_name(name: str, value: object) -> Mapping[str, object]:
    return {name: _text(value, LONGEST_NAME)}


def _formed(pattern: re.Pattern[str], longest: int, example: str) -> Check:
    def check(name: str, value: object) -> Mapping[str, object]:
        text = _text(value, longest)
        if text is not None and not pattern.fullmatch(text):
            reason = f"must look like {example}"
            raise ValueError(reason)
        return {name: text}

    return check


def _check_flag(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of refusal for all
    return {name: value}


def _check_claims(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("must be an object")  # noqa: TRY004 - one kind of refusal for all
    reason = find_bad_claims(value)
    if reason:
        raise ValueError(reason)
    return {name: dict(value)}


_CHECKS: Mapping[str, Check] = {
    "username": _check_username,
    "email": _check_email,
    "email_verified": _check_flag,
    "given_name": _check_name,
    "family_name": _check_name,
    "name": _check_name,
    "phone_number": _formed(_PHONE, 64, "+64 21 123 456"),
    "locale": _formed(_LOCALE, 35, "en-NZ"),
    "zoneinfo": _formed(_ZONE, 64, "Pacific/Auckland"),
    "claims": _check_claims,
    "external_id": _check_name,
}
