"""Passwords: is this one right, and take a new one.

Spec: RFC 4513 5.1; RFC 3062; draft-behera-ldap-password-policy 8.
"""

from functools import partial

from connectors.ldap import controls
from connectors.ldap.ber import BerError
from connectors.ldap.controls import PolicyAnswer, PolicyError
from connectors.ldap.failover import ServerList
from connectors.ldap.lookups import Located, Lookups
from connectors.ldap.messages import Answer
from connectors.ldap.pool import Pool
from connectors.ldap.results import Code, error_of
from connectors.ldap.session import Session, connect
from connectors.ldap.settings import LdapSettings, Server
from connectors.ldap.wire import Deadline
from connectors.port import ConnectorError, DirectoryUnavailable, WriteUncertain
from connectors.records import DirectoryEntry
from connectors.verdicts import Verdict, Verification, WriteAnswer, WriteVerdict

MOST_BYTES = 4096
_JUDGED = {
    Code.SUCCESS,
    Code.CONSTRAINT,
    Code.NO_SUCH_OBJECT,
    Code.INAPPROPRIATE_AUTHENTICATION,
    Code.INVALID_CREDENTIALS,
    Code.UNWILLING,
}
"""Answers to a sign-in that say something of the account; the others are of the server."""

_OBJECTIONS = {
    PolicyError.TOO_SIMPLE: WriteVerdict.TOO_SIMPLE,
    PolicyError.TOO_SHORT: WriteVerdict.TOO_SHORT,
    PolicyError.TOO_LONG: WriteVerdict.TOO_LONG,
    PolicyError.TOO_YOUNG: WriteVerdict.TOO_YOUNG,
    PolicyError.IN_HISTORY: WriteVerdict.IN_HISTORY,
    PolicyError.NO_CHANGE_ALLOWED: WriteVerdict.NOT_ALLOWED,
    PolicyError.OLD_MISSING: WriteVerdict.NOT_ALLOWED,
}


class Passwords:
    """Verifies by signing in on a connection that is used for nothing else; writes."""

    def __init__(
        self, settings: LdapSettings, lookups: Lookups, pool: Pool, servers: ServerList
    ) -> None:
        self._settings = settings
        self._lookups = lookups
        self._pool = pool
        self._servers = servers

    def verify(self, stable_id: str, password: bytes) -> Verification:
        """Tell what the directory says; all servers share one deadline."""
        if not is_sendable(password):
            return Verification(verdict=Verdict.WRONG, detail="not sent: empty, NUL or too long")
        deadline = Deadline(self._settings.connecting.deadline)
        located = self._lookups.by_id(stable_id, deadline)
        if located is None:
            return Verification(verdict=Verdict.UNKNOWN, detail="no entry has this id")
        session, answer = self._sign_in(located.dn, password, deadline)
        session.close()
        return judge(located.entry, answer)

    def write(
        self, stable_id: str, new: bytes, *, old: bytes | None, must_change: bool
    ) -> WriteAnswer:
        """Set a password once; it is never tried again."""
        if not is_sendable(new) or (old is not None and not is_sendable(old)):
            return WriteAnswer(WriteVerdict.REFUSED, "not sent: empty, NUL or too long")
        if old is not None and must_change:
            reason = "whoever knows the old password sets no temporary one"
            raise ValueError(reason)
        deadline = Deadline(self._settings.connecting.deadline)
        located = self._lookups.by_id(stable_id, deadline)
        if located is None:
            return WriteAnswer(WriteVerdict.UNKNOWN, "no entry has this id")
        if old is not None:
            return self._write_as_owner(located, new, old, deadline)
        write = self._write_temporary if must_change else self._write_plain
        return self._pool.run_once(partial(write, located.dn, new), deadline)

    def _sign_in(self, dn: str, password: bytes, deadline: Deadline) -> tuple[Session, Answer]:
        """Return an answer that is about the account, and the connection it came on."""

        def attempt(server: Server, part: Deadline) -> tuple[Session, Answer]:
            session = connect(server, self._settings.connecting, part)
            answer = session.bind(dn, password, part)
            if answer.code in _JUDGED:
                return session, answer
            session.close()
            raise error_of(answer.code, answer.message, f"sign-in at {server}")

        return self._servers.try_each(deadline, attempt)

    def _write_as_owner(
        self, located: Located, new: bytes, old: bytes, deadline: Deadline
    ) -> WriteAnswer:
        session, answer = self._sign_in(located.dn, old, deadline)
        try:
            if answer.code != Code.SUCCESS:
                said = judge(located.entry, answer)
                verdict = _OF_SIGN_IN.get(said.verdict, WriteVerdict.REFUSED)
                return WriteAnswer(verdict, f"sign-in: {said.verdict.value}, {said.detail}")
            written = _modify(session, controls.password_modify(located.dn, new, old), deadline)
            return _written(written, session, knows_old=True)
        finally:
            session.close()

    def _write_plain(
        self, dn: str, new: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        answer = _modify(session, controls.password_modify(dn, new), deadline)
        return _written(answer, session)

    def _write_temporary(
        self, dn: str, new: bytes, session: Session, deadline: Deadline
    ) -> WriteAnswer:
        """Set a password and the mark that it must be changed.

        In one write only where the server hashes what arrives in a plain modification: others
        would store it in the clear. Else the mark follows, and when it cannot be set the password
        becomes one that nobody knows.
        """
        mark = {self._settings.dialect.must_change_attribute: b"TRUE"}
        if self._settings.hashes_clear_text:
            both = {self._settings.dialect.password_attribute: new, **mark}
            return _written(_change(session, dn, both, deadline), session)
        written = self._write_plain(dn, new, session, deadline)
        if written.verdict is not WriteVerdict.WRITTEN:
            return written
        try:
            marked = _written(_change(session, dn, mark, deadline), session)
        except ConnectorError as error:
            marked = WriteAnswer(WriteVerdict.REFUSED, error.reason)
        if marked.verdict is WriteVerdict.WRITTEN:
            return marked
        scrambled = _modify(session, controls.password_modify(dn, None), deadline)
        if scrambled.code != Code.SUCCESS:
            reason = f"a temporary password was set that need not be changed: {marked.detail}"
            raise WriteUncertain(reason)
        return WriteAnswer(marked.verdict, f"nobody knows the password now: {marked.detail}")


def is_sendable(password: bytes) -> bool:
    """Tell whether a server may see this: an empty one would sign anybody in as nobody."""
    return 0 < len(password) <= MOST_BYTES and b"\0" not in password


def judge(entry: DirectoryEntry, answer: Answer) -> Verification:
    """Return what the answer to a sign-in says of an account.

    Raises:
        DirectoryUnavailable: the answer is broken.
    """
    policy = _read_policy(answer)
    named = policy.error.name if policy.error is not None else "no policy error"
    return Verification(
        verdict=_verdict(entry, answer.code, policy),
        entry=entry,
        grace_left=policy.grace_left,
        expires_in=policy.expires_in,
        detail=f"code {answer.code}, {named}",
    )


def _verdict(entry: DirectoryEntry, code: int, policy: PolicyAnswer) -> Verdict:
    if code == Code.SUCCESS:
        return _verdict_of_right(entry, policy)
    if code == Code.NO_SUCH_OBJECT:
        return Verdict.UNKNOWN
    if code != Code.INVALID_CREDENTIALS:
        return Verdict.REFUSED
    if policy.error is PolicyError.LOCKED:
        return Verdict.LOCKED if entry.is_enabled else Verdict.DISABLED
    # Said only of a right password: a wrong one is wrong before its age is looked at.
    return Verdict.EXPIRED if policy.error is PolicyError.EXPIRED else Verdict.WRONG


def _verdict_of_right(entry: DirectoryEntry, policy: PolicyAnswer) -> Verdict:
    if not entry.is_enabled:
        return Verdict.DISABLED
    if policy.grace_left is not None or policy.error is PolicyError.EXPIRED:
        return Verdict.EXPIRED
    if policy.error is PolicyError.CHANGE_AFTER_RESET or entry.must_change:
        return Verdict.MUST_CHANGE
    return Verdict.RIGHT


_OF_SIGN_IN = {Verdict.WRONG: WriteVerdict.OLD_WRONG, Verdict.UNKNOWN: WriteVerdict.UNKNOWN}


def _modify(session: Session, value: bytes, deadline: Deadline) -> Answer:
    try:
        return session.extended(controls.PASSWORD_MODIFY, value, deadline)
    except DirectoryUnavailable as error:
        raise WriteUncertain(error.reason) from error


def _change(session: Session, dn: str, replaced: dict[str, bytes], deadline: Deadline) -> Answer:
    try:
        return session.modify(dn, replaced, deadline)
    except DirectoryUnavailable as error:
        raise WriteUncertain(error.reason) from error


def _written(answer: Answer, session: Session, *, knows_old: bool = False) -> WriteAnswer:
    """Return what the answer to a write means.

    Raises:
        DirectoryUnavailable: it means that the server cannot now; nothing was written.
        DirectoryMisconfigured: another server takes writes, or this one wants TLS.
    """
    detail = f"code {answer.code}, {answer.message}"
    if answer.code == Code.SUCCESS:
        return WriteAnswer(WriteVerdict.WRITTEN, detail)
    objection = _read_policy(answer).error
    verdict = _OBJECTIONS.get(objection) if objection is not None else None
    if verdict is None and answer.code == Code.UNWILLING and knows_old:
        verdict = WriteVerdict.OLD_WRONG
    verdict = verdict or _REFUSALS.get(answer.code)
    if verdict is None:
        raise _server_error(answer, session)
    return WriteAnswer(verdict, detail)


_REFUSALS: dict[int, WriteVerdict] = {
    Code.CONSTRAINT: WriteVerdict.REFUSED,
    Code.NO_SUCH_OBJECT: WriteVerdict.UNKNOWN,
    Code.INSUFFICIENT_ACCESS: WriteVerdict.NOT_ALLOWED,
    Code.UNWILLING: WriteVerdict.REFUSED,
}


def _server_error(answer: Answer, session: Session) -> ConnectorError:
    there = f" ({', '.join(answer.referrals)})" if answer.referrals else ""
    return error_of(answer.code, answer.message, f"password change at {session.server}{there}")


def _read_policy(answer: Answer) -> PolicyAnswer:
    value = answer.controls.get(controls.PASSWORD_POLICY)
    if value is None:
        return PolicyAnswer()
    try:
        return controls.read_policy_answer(value)
    except BerError as error:
        reason = f"the password policy's answer is broken: {error}"
        raise DirectoryUnavailable(reason) from error
