"""Result codes of LDAP as errors of the port. Whatever is not expected raises.

Spec: RFC 4511 appendix A.
"""

import ssl
from enum import IntEnum

from connectors.ldap.settings import Server
from connectors.port import ConnectorError, DirectoryMisconfigured, DirectoryUnavailable

_SHOWN = 300


class ServerUnusable(DirectoryMisconfigured):
    """One server's certificate or TLS is refused; another server may do."""


class AnswerRefused(DirectoryUnavailable):
    """The server sent more than was granted, so the rest was not read."""


class Code(IntEnum):
    """The result codes that somebody here asks for by name."""

    SUCCESS = 0
    PROTOCOL_ERROR = 2
    TIME_LIMIT = 3
    SIZE_LIMIT = 4
    REFERRAL = 10
    CONSTRAINT = 19
    NO_SUCH_OBJECT = 32
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING = 53
    OTHER = 80
    SYNC_REFRESH_REQUIRED = 4096


# What an administrator must mend; every other code may be better at the next try.
_TO_MEND = {
    2: "the server does not understand the request",
    4: "the server's size limit ended the answer; the account needs a higher one, or pages",
    8: "the server asks for a stronger sign-in or TLS",
    10: "the server refers to another one, which is not followed; name that one as url",
    11: "a limit of the server ended the answer; the account needs a higher one",
    12: "the server does not offer a control that is needed",
    13: "the server asks for TLS",
    18: "an attribute of the filter cannot be matched so",
    21: "a value in the filter is not valid for its attribute",
    32: "there is no such entry as the base",
    34: "the base is no distinguished name",
    48: "the server does not let this account sign in by password",
    49: "the server refuses name or password of the connector's account",
    50: "the account may not read this",
}
_TO_TRY_AGAIN = {
    1: "the server reports an operations error",
    3: "the server's time limit ended the answer",
    51: "the server is busy",
    52: "the server is unavailable",
    53: "the server is unwilling",
    80: "the server reports an internal error",
}


def error_of(code: int, message: str, doing: str) -> ConnectorError:
    """Return the error that a code is.

    Args:
        message: what the server says to it.
        doing: what was asked and of whom; begins the reason.
    """
    said = "".join(c for c in message if c.isprintable())[:_SHOWN]
    told = _TO_MEND.get(code) or _TO_TRY_AGAIN.get(code) or "the server refuses"
    reason = f"{doing}: {told} (code {code}{', ' + said if said else ''})"
    return DirectoryMisconfigured(reason) if code in _TO_MEND else DirectoryUnavailable(reason)


def tls_error(server: Server, failure: OSError | None) -> ServerUnusable | None:
    """Return what a failed handshake is; None when it was not TLS that failed."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        reason = f"{server}: its certificate is refused: {failure.verify_message}"
        return ServerUnusable(reason)
    if isinstance(failure, ssl.SSLError) and not isinstance(failure, ssl.SSLEOFError):
        reason = f"{server}: no TLS with it: {failure}"
        return ServerUnusable(reason)
    return None
