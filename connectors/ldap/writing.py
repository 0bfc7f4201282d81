"""New passwords on their way to a server, by the operation that its vendor has for them.

A write is sent once; when its answer is lost that is said, and nothing is tried again.

Spec: RFC 3062; MS-ADTS 3.1.1.3.1.5.2 (unicodePwd).
"""

import secrets
from typing import Protocol, assert_never

from connectors.ldap import controls
from connectors.ldap.controls import PolicyError
from connectors.ldap.dialect import Dialect, PasswordWriting
from connectors.ldap.messages import Answer, Change
from connectors.ldap.results import Code, error_of
from connectors.ldap.rootdse import read_entry
from connectors.ldap.session import Session
from connectors.ldap.sign_in import read_policy
from connectors.ldap.wire import Deadline
from connectors.port import ConnectorError, DirectoryUnavailable, WriteUncertain
from connectors.verdicts import WriteAnswer, WriteVerdict

_OBJECTIONS = {
    PolicyError.TOO_SIMPLE: WriteVerdict.TOO_SIMPLE,
    PolicyError.TOO_SHORT: WriteVerdict.TOO_SHORT,
    PolicyError.TOO_LONG: WriteVerdict.TOO_LONG,
    PolicyError.TOO_YOUNG: WriteVerdict.TOO_YOUNG,
    PolicyError.IN_HISTORY: WriteVerdict.IN_HISTORY,
    PolicyError.NO_CHANGE_ALLOWED: WriteVerdict.NOT_ALLOWED,
    PolicyError.OLD_MISSING: WriteVerdict.NOT_ALLOWED,
}
_REFUSALS: dict[int, WriteVerdict] = {
    Code.CONSTRAINT: WriteVerdict.REFUSED,
    Code.NO_SUCH_OBJECT: WriteVerdict.UNKNOWN,
    Code.INSUFFICIENT_ACCESS: WriteVerdict.NOT_ALLOWED,
    Code.UNWILLING: WriteVerdict.REFUSED,
}


class PasswordTransport(Protocol):
    """Writes passwords on a connection of whoever may."""

    lets_others_change: bool
    """Whether one who knows the old password may change it for somebody else."""

    def reset(self, dn: str, new: bytes, session: Session, deadline: Deadline) -> WriteAnswer:
        """Set a password without knowing the old one."""
        ...

    def reset_for_now(
        self, dn: str, new: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Set a temporary password, which must be changed."""
        ...

    def change(
        self, dn: str, new: bytes, old: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Set a password, proving the old one."""
        ...


def transport_of(dialect: Dialect, *, hashes_clear_text: bool) -> PasswordTransport:
    """Return how passwords are written to servers of a vendor."""
    match dialect.password_writing:
        case PasswordWriting.EXTENDED:
            return ExtendedTransport(dialect, hashes_clear_text=hashes_clear_text)
        case PasswordWriting.UNICODE:
            return UnicodeTransport(dialect)
        case never:
            assert_never(never)


class ExtendedTransport:
    """Writes by the password modify operation."""

    lets_others_change = False

    def __init__(self, dialect: Dialect, *, hashes_clear_text: bool) -> None:
        self._dialect = dialect
        self._hashes_clear_text = hashes_clear_text

    def reset(self, dn: str, new: bytes, session: Session, deadline: Deadline) -> WriteAnswer:
        """Set a password; the server checks what its rules check of an administrator's."""
        answer = _ask_extended(session, controls.password_modify(dn, new), deadline)
        return _written(answer, session, self._dialect)

    def reset_for_now(
        self, dn: str, new: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Set a password and the mark that it must be changed.

        In one write only where the server hashes what arrives in a plain modification: others
        would store it in the clear. Else the mark follows, and when it cannot be set the password
        becomes one that nobody knows.
        """
        if self._hashes_clear_text:
            password = Change("replace", self._dialect.password_attribute, new)
            steps = [password, Change("replace", *self._dialect.must_change_mark)]
            return _modified(session, dn, steps, self._dialect, deadline)
        written = self.reset(dn, new, session, deadline)
        if written.verdict is not WriteVerdict.WRITTEN:
            return written
        try:
            marked = self._mark(dn, session, deadline)
        except ConnectorError as error:
            marked = WriteAnswer(WriteVerdict.REFUSED, error.reason)
        if marked.verdict is WriteVerdict.WRITTEN:
            return marked
        unknown = controls.password_modify(dn, _make_unknown())
        scrambled = _ask_extended(session, unknown, deadline)
        if scrambled.code != Code.SUCCESS:
            reason = f"a temporary password was set that need not be changed: {marked.detail}"
            raise WriteUncertain(reason)
        return WriteAnswer(marked.verdict, f"nobody knows the password now: {marked.detail}")

    def _mark(self, dn: str, session: Session, deadline: Deadline) -> WriteAnswer:
        """Set the mark, or see that the server did."""
        name, value = self._dialect.must_change_mark
        if self._dialect.shows_mark is None:
            return _modified(session, dn, [Change("replace", name, value)], self._dialect, deadline)
        found = read_entry(session, dn, self._dialect.state_attributes, deadline)
        if self._dialect.shows_mark(found):
            return WriteAnswer(WriteVerdict.WRITTEN, f"the server set {name}")
        reason = f"the server does not show by {name} that it must be changed"
        return WriteAnswer(WriteVerdict.REFUSED, reason)

    def change(
        self, dn: str, new: bytes, old: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Set a password as its owner; "unwilling" then means the old one.

        FreeIPA says that credentials are invalid: the old password of somebody who signs in with
        a code behind it.
        """
        answer = _ask_extended(session, controls.password_modify(dn, new, old), deadline)
        if answer.code == Code.INVALID_CREDENTIALS:
            return WriteAnswer(WriteVerdict.OLD_WRONG, f"code {answer.code}, {answer.message}")
        said = _written(answer, session, self._dialect)
        is_old_wrong = answer.code == Code.UNWILLING and said.verdict is WriteVerdict.REFUSED
        return WriteAnswer(WriteVerdict.OLD_WRONG, said.detail) if is_old_wrong else said


class UnicodeTransport:
    """Writes by modifying the password itself, in quotes and UTF-16."""

    lets_others_change = True

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._attribute = dialect.password_attribute

    def reset(self, dn: str, new: bytes, session: Session, deadline: Deadline) -> WriteAnswer:
        """Set a password; an administrator's is not checked against the history."""
        return self._write(dn, [("replace", new)], [], session, deadline)

    def reset_for_now(
        self, dn: str, new: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Set a password and the mark that it must be changed, in one write."""
        mark = Change("replace", *self._dialect.must_change_mark)
        return self._write(dn, [("replace", new)], [mark], session, deadline)

    def change(
        self, dn: str, new: bytes, old: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Exchange the old password for the new one; history and minimum age hold."""
        return self._write(dn, [("delete", old), ("add", new)], [], session, deadline)

    def _write(
        self,
        dn: str,
        passwords: list[tuple[str, bytes]],
        others: list[Change],
        session: Session,
        deadline: Deadline,
    ) -> WriteAnswer:
        try:
            steps = [Change(how, self._attribute, quote(each)) for how, each in passwords]
        except UnicodeDecodeError:
            return WriteAnswer(WriteVerdict.REFUSED, "not sent: no UTF-8")
        return _modified(session, dn, [*steps, *others], self._dialect, deadline)


def _make_unknown() -> bytes:
    """Return a password that nobody knows: FreeIPA makes none itself, though RFC 3062 has it so."""
    return f"{secrets.token_urlsafe(32)}.Aa1".encode()


def quote(password: bytes) -> bytes:
    """Return a password as Active Directory takes it; quotes inside stay as they are.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
    """
    return f'"{password.decode()}"'.encode("utf-16-le")


def _ask_extended(session: Session, value: bytes, deadline: Deadline) -> Answer:
    try:
        return session.extended(controls.PASSWORD_MODIFY, value, deadline)
    except DirectoryUnavailable as error:
        raise WriteUncertain(error.reason) from error


def _modified(
    session: Session, dn: str, steps: list[Change], dialect: Dialect, deadline: Deadline
) -> WriteAnswer:
    try:
        answer = session.modify(dn, steps, deadline)
    except DirectoryUnavailable as error:
        raise WriteUncertain(error.reason) from error
    return _written(answer, session, dialect)


def _written(answer: Answer, session: Session, dialect: Dialect) -> WriteAnswer:
    """Return what the answer to a write means.

    Raises:
        DirectoryUnavailable: it means that the server cannot now; nothing was written.
        DirectoryMisconfigured: another server takes writes, or this one wants TLS.
    """
    detail = f"code {answer.code}, {answer.message}"
    if answer.code == Code.SUCCESS:
        return WriteAnswer(WriteVerdict.WRITTEN, detail)
    objection = read_policy(answer).error
    verdict = _OBJECTIONS.get(objection) if objection is not None else None
    verdict = verdict or dialect.read_objection(answer.code, answer.message)
    verdict = verdict or _REFUSALS.get(answer.code)
    if verdict is None:
        there = f" ({', '.join(answer.referrals)})" if answer.referrals else ""
        raise error_of(answer.code, answer.message, f"password change at {session.server}{there}")
    return WriteAnswer(verdict, detail)
