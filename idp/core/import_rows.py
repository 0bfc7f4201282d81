"""What one row of a file of users asks for: each cell read, everything wrong with it told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar, cast

from idp.core.claims import parse_claims
from idp.core.group_spellings import SEPARATORS, check_group_name
from idp.core.import_files import BadRow, SourceRow
from idp.core.names import name_key
from idp.core.profiles import KEEP, Keep, Problems, Profile, check_profile
from idp.core.users.views import UserStatus
from idp.errors import IdpError, InvalidInput, PasswordRejected

T = TypeVar("T")
_YES = frozenset({"true", "yes", "y", "1"})
_NO = frozenset({"false", "no", "n", "0"})
_LONGEST_HASH = 1024
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_SPLIT = re.compile(f"[{re.escape(SEPARATORS)}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A row that can be read; members that the file does not say are absent, `KEEP` or None.

    `columns` are checked and in stored form; without a login name when the file gives none.
    """

    source: SourceRow
    profile: Profile
    columns: Mapping[str, object]
    groups: tuple[str, ...] | None
    status: UserStatus | None
    password: str | None = field(repr=False)
    password_hash: str | None = field(repr=False)
    password_set_at: datetime | None
    must_change: bool

    @property
    def username_key(self) -> str | None:
        """Give the key of the login name that the file says."""
        return _text(self.columns, "username_key")

    @property
    def email_key(self) -> str | None:
        """Give the key of the e-mail that the file says."""
        return _text(self.columns, "email_key")

    @property
    def external_id(self) -> str | None:
        """Give the id that the user has elsewhere."""
        return _text(self.columns, "external_id")

    @property
    def has_password(self) -> bool:
        """Tell whether the file says a password or a hash of one."""
        return self.password is not None or self.password_hash is not None

    def refuse(self, reason: str) -> BadRow:
        """Return this row as refused."""
        return BadRow(self.source.line, reason, self.source.cells)


def read_row(source: SourceRow, now: datetime) -> ImportRow | BadRow:
    """Return what a row asks for, or everything that is wrong with it.

    An empty cell says nothing: what is stored stays.
    """
    problems = Problems()
    cells = _Cells(source.cells, problems)
    profile = _profile(cells)
    row = ImportRow(
        source=source,
        profile=profile,
        columns=check_profile(profile, problems),
        groups=cells.read("groups", _groups),
        status=cells.read("status", _status),
        password=cells.read("password", str),
        password_hash=cells.read("password_hash", _hash),
        password_set_at=cells.read("password_set_at", lambda cell: _moment(cell, now)),
        must_change=cells.read("must_change", _flag) or False,
    )
    if not any(map(source.cells.get, ("username", "email", "external_id"))):
        problems.add("username", "is missing")
    if row.password is not None and row.password_hash is not None:
        problems.add("password", "stands beside a password_hash; give one of them")
    if problems.found:
        return row.refuse(words_of_problems(problems.found))
    return row


def words_of_problems(found: list[dict[str, str]]) -> str:
    """Return problems as one line."""
    return "; ".join(f"{problem['field']}: {problem['reason']}" for problem in found)


def words_of_error(error: IdpError) -> str:
    """Return a refusal as one line for somebody who looks at a file."""
    if isinstance(error, PasswordRejected):
        told = (_words_of_finding(found.code, found.params) for found in error.findings)
        return f"password: the policy refuses it: {', '.join(told)}"
    if error.code == "user.invalid":
        return words_of_problems(cast("list[dict[str, str]]", error.params["problems"]))
    told = (f"{name} {value}" for name, value in error.params.items())
    return _WORDS.get(error.code) or ", ".join((_spoken(error.code), *told))


_WORDS: Mapping[str, str] = {
    "user.username_taken": "username: is taken by another user",
    "user.external_id_taken": "external_id: is taken by another user",
    "user.email_is_login": "email: is the login name of an account of a directory",
    "admin.last_owner": "status: the last owner must stay active",
    "password.too_large": "password: is too long",
    "password.malformed": "password: is not text",
    "password_hash.unknown": "password_hash: is of no known format, or too costly to check",
}


@dataclass(frozen=True, slots=True)
class _Cells:
    cells: Mapping[str, str]
    problems: Problems

    def read(self, column: str, reader: Callable[[str], T]) -> T | None:
        """Return what a cell says, or None when it is empty or was noted as wrong."""
        cell = self.cells.get(column)
        if not cell:
            return None
        try:
            return reader(cell)
        except InvalidInput as error:
            self.problems.add(column, f"{cell[:64]!r} {error.params['reason']}")
        except ValueError as error:
            self.problems.add(column, str(error))
        return None

    def text(self, column: str) -> str | Keep:
        return self.cells.get(column) or KEEP


def _profile(cells: _Cells) -> Profile:
    verified, claims = cells.read("email_verified", _flag), cells.read("claims", _claims)
    return Profile(
        username=cells.text("username"),
        email=cells.text("email"),
        email_verified=KEEP if verified is None else verified,
        given_name=cells.text("given_name"),
        family_name=cells.text("family_name"),
        name=cells.text("name"),
        phone_number=cells.text("phone_number"),
        locale=cells.text("locale"),
        zoneinfo=cells.text("zoneinfo"),
        external_id=cells.text("external_id"),
        claims=KEEP if claims is None else claims,
    )


def _hash(cell: str) -> str:
    if len(cell) > _LONGEST_HASH:
        reason = f"must not be longer than {_LONGEST_HASH} characters"
        raise ValueError(reason)
    return cell


def _flag(cell: str) -> bool:
    word = cell.casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("must be true or false")


def _status(cell: str) -> UserStatus:
    word = cell.casefold()
    if word not in set(UserStatus):
        reason = f"must be one of {', '.join(UserStatus)}"
        raise ValueError(reason)
    return UserStatus(word)


def _groups(cell: str) -> tuple[str, ...]:
    names = (check_group_name(part) for part in _SPLIT.split(cell) if part.strip())
    return tuple({name_key(name): name for name in names}.values())


def _moment(cell: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError as error:
        raise ValueError("must be a time such as 2026-11-05T09:20:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not _EARLIEST <= moment <= now:
        raise ValueError("must be between 1970 and now")
    return moment.astimezone(UTC)


def _claims(cell: str) -> dict[str, object]:
    try:
        return parse_claims(cell)
    except ValueError as error:
        reason = f"is not a JSON object ({error})"
        raise ValueError(reason) from error


def _text(columns: Mapping[str, object], name: str) -> str | None:
    value = columns.get(name)
    return value if isinstance(value, str) else None


def _words_of_finding(code: str, params: Mapping[str, int | str]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in params.items())
    spoken = _spoken(code.removeprefix("password."))
    return f"{spoken} ({told})" if told else spoken


def _spoken(code: str) -> str:
    return code.replace(".", " ").replace("_", " ")
