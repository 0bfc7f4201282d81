"""The exceptions that mean "no": each leaves no trace in the database.

A refusal that must leave a trace (a counter, an event, a revocation) is a return value instead,
because an exception rolls its unit of work back. Any exception outside this family is a bug.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol


class IdpError(Exception):
    """A refusal with a public code; `detail` is for the log only.

    Attributes:
        code: stable and machine-readable, e.g. `user.not_found`.
        params: public values that belong to the code.
        detail: private cause; never shown to a client.
    """

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "request.refused"

    def __init__(
        self,
        code: str | None = None,
        *,
        detail: str | None = None,
        **params: object,
    ) -> None:
        self.code = code or self.default_code
        self.detail = detail
        self.params: Mapping[str, object] = params
        super().__init__(self.code)


class InvalidInput(IdpError):
    """A value from outside does not have the form it must have; `params` says which and why."""

    status = 422
    default_code = "input.invalid"


class NotFound(IdpError):
    """The named thing does not exist in this realm."""

    status = 404
    default_code = "not_found"


class Conflict(IdpError):
    """The change does not fit the present state (a taken name, an outdated plan)."""

    status = 409
    default_code = "conflict"


class PreconditionFailed(IdpError):
    """The caller's version (ETag) is no longer the current one."""

    status = 412
    default_code = "precondition_failed"


class Forbidden(IdpError):
    """The actor may not do this."""

    status = 403
    default_code = "forbidden"


class SignInTooOld(IdpError):
    """The actor must prove the password anew; `max_age` says how new, in seconds.

    Spec: RFC 9470 3.
    """

    status = 401
    default_code = "token.sign_in_too_old"


class RateLimited(IdpError):
    """Too much for now; try again after `retry_after` seconds."""

    status = 429
    default_code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class Unavailable(IdpError):
    """A part that is needed does not answer; nothing was changed."""

    status = 503
    default_code = "unavailable"

    def __init__(
        self, code: str | None = None, *, retry_after: int = 2, detail: str | None = None
    ) -> None:
        super().__init__(code, detail=detail)
        self.retry_after = retry_after


class FindingLike(Protocol):
    """What a policy finding looks like from here (`policy.verdict.Finding`)."""

    @property
    def code(self) -> str: ...
    @property
    def params(self) -> Mapping[str, int | str]: ...


class PasswordRejected(IdpError):
    """The policy does not accept a password that somebody wants to set; lists every finding."""

    status = 422
    default_code = "password.rejected"

    def __init__(self, findings: Sequence[FindingLike]) -> None:
        super().__init__(findings=[{"code": f.code, "params": dict(f.params)} for f in findings])
        self.findings = tuple(findings)


class ConfigError(IdpError):
    """The configuration cannot be used; `problems` names each place and reason."""

    default_code = "config.invalid"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
