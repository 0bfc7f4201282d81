"""Signing in as somebody, on a connection that is used for nothing else.

Spec: RFC 4513 5.1; draft-behera-ldap-password-policy 8; draft-vchu-ldap-pwd-policy.
"""

from connectors.ldap import controls
from connectors.ldap.ber import BerError
from connectors.ldap.controls import PolicyAnswer, PolicyError
from connectors.ldap.dialect import Dialect
from connectors.ldap.failover import ServerList
from connectors.ldap.messages import Answer
from connectors.ldap.results import Code, error_of
from connectors.ldap.session import Session, connect
from connectors.ldap.settings import Connecting, Server
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryUnavailable
from connectors.records import DirectoryEntry
from connectors.verdicts import Verdict, Verification

_JUDGED = {
    Code.SUCCESS,
    Code.CONSTRAINT,
    Code.NO_SUCH_OBJECT,
    Code.INAPPROPRIATE_AUTHENTICATION,
    Code.INVALID_CREDENTIALS,
    Code.UNWILLING,
}
"""Answers to a sign-in that say something of the account; the others are of the server."""

_ONLY_OF_ENABLED = {Verdict.LOCKED, Verdict.EXPIRED, Verdict.MUST_CHANGE}


def sign_in(
    servers: ServerList, connecting: Connecting, dn: str, password: bytes, deadline: Deadline
) -> tuple[Session, Answer]:
    """Return an answer that is about the account, and the connection it came on.

    Raises:
        DirectoryUnavailable: no server answered so.
        DirectoryMisconfigured: it wants something else first.
    """

    def attempt(server: Server, part: Deadline) -> tuple[Session, Answer]:
        session = connect(server, connecting, part)
        answer = session.bind(dn, password, part)
        if answer.code in _JUDGED:
            return session, answer
        session.close()
        raise error_of(answer.code, answer.message, f"sign-in at {server}")

    return servers.try_each(deadline, attempt)


def judge(entry: DirectoryEntry, answer: Answer, dialect: Dialect) -> Verification:
    """Return what the answer to a sign-in says of an account.

    Raises:
        DirectoryUnavailable: it let the account in, and what it adds to that is broken.
    """
    policy = _policy_of(answer)
    named = policy.error.name.lower() if policy.error is not None else None
    told = (f"code {answer.code}", dialect.read_reason(answer.message), named)
    verdict = _verdict(entry, answer, policy, dialect)
    if verdict in _ONLY_OF_ENABLED and not entry.is_enabled:
        verdict = Verdict.DISABLED
    return Verification(
        verdict=verdict,
        entry=entry,
        grace_left=policy.grace_left,
        expires_in=policy.expires_in,
        detail=", ".join(filter(None, told)),
    )


def _policy_of(answer: Answer) -> PolicyAnswer:
    """Read the policy's control; a refusal stays one, whatever was added to it."""
    try:
        return read_policy(answer)
    except DirectoryUnavailable:
        if answer.code == Code.SUCCESS:
            raise
        return PolicyAnswer()


def read_policy(answer: Answer) -> PolicyAnswer:
    """Return what the password policy's control says, if there is one.

    Raises:
        DirectoryUnavailable: it is broken.
    """
    value = answer.controls.get(controls.PASSWORD_POLICY)
    if value is None:
        return PolicyAnswer()
    try:
        return controls.read_policy_answer(value)
    except BerError as error:
        reason = f"the password policy's answer is broken: {error}"
        raise DirectoryUnavailable(reason) from error


def _verdict(
    entry: DirectoryEntry, answer: Answer, policy: PolicyAnswer, dialect: Dialect
) -> Verdict:
    if answer.code == Code.SUCCESS:
        return _verdict_of_right(entry, answer, policy)
    if answer.code == Code.NO_SUCH_OBJECT:
        return Verdict.UNKNOWN
    told = dialect.read_refusal(answer.code, answer.message)
    if told is not None:
        return told
    if answer.code != Code.INVALID_CREDENTIALS:
        return Verdict.REFUSED
    if policy.error is PolicyError.LOCKED:
        return Verdict.LOCKED
    # Said only of a right password: a wrong one is wrong before its age is looked at.
    return Verdict.EXPIRED if policy.error is PolicyError.EXPIRED else Verdict.WRONG


def _verdict_of_right(entry: DirectoryEntry, answer: Answer, policy: PolicyAnswer) -> Verdict:
    if not entry.is_enabled:
        return Verdict.DISABLED
    if policy.grace_left is not None or policy.error is PolicyError.EXPIRED:
        return Verdict.EXPIRED
    is_over = controls.PASSWORD_IS_OVER in answer.controls
    if is_over or policy.error is PolicyError.CHANGE_AFTER_RESET or entry.must_change:
        return Verdict.MUST_CHANGE
    return Verdict.RIGHT
