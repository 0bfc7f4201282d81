"""One connection to one server; the only module that knows the LDAP library.

Its defaults would verify no certificate, follow referrals with the password, rewrite passwords,
resolve aliases and wait for ever; each of them is set here.

Spec: RFC 4511; RFC 4513 3 (StartTLS) and 5.1 (simple bind).
"""

import contextlib
import socket
import ssl
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

from connectors.ldap import controls
from connectors.ldap.messages import (
    Answer,
    Change,
    Search,
    read_answer,
    read_control,
    read_entry,
)
from connectors.ldap.results import AnswerRefused, Code, ServerUnusable, tls_error
from connectors.ldap.settings import Connecting, Server
from connectors.ldap.wire import AnswerTooLarge, Deadline, Wire, resolve
from connectors.port import ConnectorError, DirectoryMisconfigured, DirectoryUnavailable

with warnings.catch_warnings():
    # The library asks pyasn1 for names that have new ones.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3  # type: ignore[import-untyped]
    from ldap3.core import exceptions as ldap3_errors  # type: ignore[import-untyped]
    from ldap3.utils import asn1  # type: ignore[import-untyped]

SMALL = 16 * 1024 * 1024
LARGE = 128 * 1024 * 1024
"""Bytes that the answer to a look-up may have, and that to a page: a group may be large."""

_CHUNK = 256 * 1024
ldap3.set_config_parameter("SOCKET_SIZE", _CHUNK)
for _fields in (asn1.BIND_RESPONSE_CONTEXT, asn1.EXTENDED_RESPONSE_CONTEXT):
    # Left out by the library: a replica's answer to a password change would be unreadable.
    _fields.setdefault(3, asn1.decode_sequence)


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """Checks certificate and host name with our own context, and keeps what went wrong."""

    def __init__(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self._deadline = deadline
        self.failure: OSError | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002 - the library's signature
        bare = connection.socket
        if isinstance(bare, Wire):
            bare = bare.bare()
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bare.settimeout(max(self._deadline.remaining(), 0.001))
        try:
            connection.socket = self._context.wrap_socket(bare, server_hostname=self._host)
        except OSError as error:
            self.failure = error
            raise


class Session:
    """A connection, private already when TLS is asked for. For one thread at a time."""

    def __init__(self, server: Server, connection: Any, wire: Wire) -> None:  # noqa: ANN401 - untyped library
        self.server = server
        self._connection = connection
        self._wire = wire
        self._connection.socket = wire

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Tell until when the server's certificate is valid; None without TLS."""
        bare = self._wire.bare()
        expires = bare.getpeercert() if isinstance(bare, ssl.SSLSocket) else None
        if not expires:
            return None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(expires["notAfter"])), UTC)

    def bind(self, dn: str, password: bytes, deadline: Deadline) -> Answer:
        """Sign in, asking for the password policy's opinion; an answer of any code returns.

        An empty name or password would be an anonymous bind that succeeds: it is a bug to ask.

        Spec: RFC 4513 5.1.2.
        """
        if not dn or not password or b"\0" in password:
            reason = "a simple bind needs a name, and a password without NUL"
            raise ValueError(reason)
        connection = self._connection
        with self._asking("sign-in", deadline, SMALL):
            connection.user, connection.password = dn, password
            connection.authentication = ldap3.SIMPLE
            try:
                connection.bind(read_server_info=False, controls=[controls.password_policy()])
            finally:
                connection.password = connection.request = None
        return self._answer()

    def search(self, search: Search, deadline: Deadline, *, budget: int = SMALL) -> Answer:
        """Search; an answer of any code returns, with what came before it.

        Raises:
            DirectoryMisconfigured: the filter is none.
            DirectoryUnavailable: no answer in time, or one larger than `budget`.
        """
        with self._asking(f"search below {search.base!r}", deadline, budget):
            self._connection.search(
                search.base,
                search.filter,
                _SCOPES[search.scope],
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(search.attributes),
                size_limit=search.size_limit,
                # Servers count whole seconds from the last one: 1 may be over in a millisecond.
                time_limit=ceil(deadline.remaining()) + 1,
                controls=list(search.controls) or None,
            )
        return self._answer(self._connection.response or ())

    def modify(self, dn: str, steps: Sequence[Change], deadline: Deadline) -> Answer:
        """Change an entry in one write, steps of one attribute in their order."""
        changes: dict[str, list[tuple[str, list[bytes]]]] = {}
        for step in steps:
            one = (_OPERATIONS[step.operation], [step.value])
            changes.setdefault(step.attribute, []).append(one)
        with self._asking("modification", deadline, SMALL):
            try:
                self._connection.modify(dn, changes, controls=[controls.password_policy()])
            finally:
                self._connection.request = None
        return self._answer()

    def extended(self, oid: str, value: bytes, deadline: Deadline) -> Answer:
        """Ask for an extended operation; an answer of any code returns."""
        with self._asking("extended operation", deadline, SMALL):
            try:
                self._connection.extended(
                    oid, value, controls=[controls.password_policy()], no_encode=True
                )
            finally:
                self._connection.request = None
        return self._answer()

    def start_tls(self, deadline: Deadline) -> None:
        """Make the connection private, or raise; nothing was said on it before."""
        tls: _VerifiedTls = self._connection.server.tls
        try:
            with self._asking("StartTLS", deadline, SMALL):
                self._connection.start_tls(read_server_info=False)
        except ConnectorError as error:
            code = (self._connection.result or {}).get("result", Code.SUCCESS)
            if code != Code.SUCCESS:
                reason = f"{self.server}: it refuses StartTLS (code {code})"
                raise ServerUnusable(reason) from error
            raise tls_error(self.server, tls.failure) or error from error
        self._wire = Wire(self._connection.socket, deadline)
        self._connection.socket = self._wire

    def close(self) -> None:
        """Say goodbye if that is possible at once, and close."""
        self._wire.grant(Deadline(1.0), SMALL)
        with contextlib.suppress(Exception):
            self._connection.unbind()
        with contextlib.suppress(Exception):
            self._connection.strategy.close()

    @contextlib.contextmanager
    def _asking(self, what: str, deadline: Deadline, budget: int) -> Iterator[None]:
        """Grant time and bytes, and make of every failure an error of the port."""
        self._wire.grant(deadline, budget)
        try:
            yield
        except ldap3_errors.LDAPInvalidFilterError as error:
            reason = f"{what}: the filter cannot be read"
            raise DirectoryMisconfigured(reason) from error
        except Exception as error:  # noqa: BLE001 - whatever broken bytes make of the library
            self.close()
            reason = f"{what} at {self.server}: {_told(self._wire.failure or error, deadline)}"
            is_large = isinstance(self._wire.failure, AnswerTooLarge)
            # Not `from error`: the library's exceptions may hold what was sent.
            raise (AnswerRefused if is_large else DirectoryUnavailable)(reason) from None

    def _answer(self, responses: Sequence[Mapping[str, Any]] = ()) -> Answer:
        return read_answer(self._connection.result, responses)


_OPERATIONS = {
    "add": ldap3.MODIFY_ADD,
    "delete": ldap3.MODIFY_DELETE,
    "replace": ldap3.MODIFY_REPLACE,
}
_ENTRY = 4
_SCOPES = {"base": ldap3.BASE, "one": ldap3.LEVEL, "subtree": ldap3.SUBTREE}


def connect(server: Server, connecting: Connecting, deadline: Deadline) -> Session:
    """Return a connection to one server, private when it is to be; nobody is signed in.

    Raises:
        DirectoryUnavailable: it does not answer in time.
        DirectoryMisconfigured: its certificate is refused, or it refuses TLS.
    """
    try:
        addresses = resolve(server.host, server.port, deadline.part(connecting.connect_timeout))
    except OSError as error:
        reason = f"{server}: the host's address is not found: {_told(error, deadline)}"
        raise DirectoryUnavailable(reason) from error
    failure: ConnectorError | None = None
    for place, address in enumerate(addresses):
        try:
            return _connect_to(address, server, connecting, deadline.share(len(addresses) - place))
        except ConnectorError as error:
            failure = error
    raise failure or DirectoryUnavailable(f"{server}: the host has no address")


def _connect_to(
    address: str, server: Server, connecting: Connecting, deadline: Deadline
) -> Session:
    tls = _VerifiedTls(connecting.tls, server.host, deadline)
    connection = ldap3.Connection(
        ldap3.Server(
            address,
            server.port,
            use_ssl=server.is_tls,
            tls=tls,
            get_info=ldap3.NONE,
            allowed_referral_hosts=[],
            connect_timeout=max(deadline.part(connecting.connect_timeout).remaining(), 0.001),
        ),
        client_strategy=ldap3.SYNC,
        auto_bind=ldap3.AUTO_BIND_NONE,
        auto_referrals=False,
        auto_range=False,
        auto_encode=False,
        auto_escape=False,
        check_names=False,
        return_empty_attributes=False,
        receive_timeout=ceil(deadline.remaining()),
    )
    try:
        connection.open(read_server_info=False)
    except Exception as error:
        if connection.socket is not None:
            connection.socket.close()
        reason = f"{server} at {address}: {_told(error, deadline)}"
        raise tls_error(server, tls.failure) or DirectoryUnavailable(reason) from error
    _keep_raw(connection.strategy)
    bare = connection.socket
    bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = Session(server, connection, Wire(bare, deadline))
    if connecting.start_tls and not server.is_tls:
        try:
            session.start_tls(deadline)
        except ConnectorError:
            session.close()
            raise
    return session


def _keep_raw(strategy: Any) -> None:  # noqa: ANN401 - untyped library
    """Have entries and controls read as they came; the library would read every value."""
    decode = strategy.decode_response_fast

    def decode_response(message: Mapping[str, Any]) -> Mapping[str, Any]:
        if message["protocolOp"] != _ENTRY:
            decoded: Mapping[str, Any] = decode(message)
            return decoded
        controls = dict(read_control(each[-1]) for each in message["controls"] or ())
        return {"type": "searchResEntry", "found": read_entry(message["payload"], controls)}

    strategy.decode_response_fast = decode_response
    strategy.decode_control_fast = read_control


def _told(error: Exception, deadline: Deadline) -> str:
    """Return in words what happened to a connection."""
    if deadline.remaining() <= 0:
        return "no answer in time"
    if isinstance(error, ldap3_errors.LDAPExceptionError):
        return str(error)
    if isinstance(error, AnswerTooLarge):
        return "the answer is larger than can be meant"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"the answer is broken ({type(error).__name__})"
