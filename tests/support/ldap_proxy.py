"""A server between us and a real directory: it hears everything, and misbehaves when told to."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from tests.support.ports import LOOPBACK

PAGED = b"1.2.840.113556.1.4.319"
SYNCHRONISED = b"1.3.6.1.4.1.4203.1.9.1.1"
_CHUNK = 65536
_MESSAGE = 0x30
_ENTRY = 0x64
_REFERRAL = 10


class Request(IntEnum):
    """What a client asks for: the tag of the operation (RFC 4511)."""

    BIND = 0x60
    SEARCH = 0x63
    MODIFY = 0x66
    EXTENDED = 0x77


_ANSWER_TAGS = {
    Request.BIND: 0x61,
    Request.SEARCH: 0x65,
    Request.MODIFY: 0x67,
    Request.EXTENDED: 0x78,
}

Deed = Callable[["_Line", int], None]
"""What is done instead of asking the directory: given the connection and the message's number."""


@dataclass
class _Fault:
    request: Request
    needle: bytes
    at: int
    deed: Deed
    seen: int = 0


@dataclass
class _Line:
    """One client's connection."""

    client: socket.socket
    directory: socket.socket
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, data: bytes) -> None:
        with self.lock:
            self.client.sendall(data)

    def end(self) -> None:
        for each in (self.client, self.directory):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@dataclass
class LdapProxy:
    """Passes on what clients and a directory say to each other.

    Attributes:
        heard: every byte that clients sent, after TLS when the proxy speaks TLS.
        requests: the operations that clients asked for, in order.
        connections: how many clients connected.
        refers_to: whom its referrals name.
    """

    port: int
    tls_port: int
    directory_port: int
    heard: bytearray = field(default_factory=bytearray)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    refers_to: str = "ldap://other.example.test/"
    _faults: list[_Fault] = field(default_factory=list)
    _hidden: bytes | None = None
    _lines: list[_Line] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Give the address without TLS."""
        return f"ldap://{LOOPBACK}:{self.port}"

    def url_at(self, host: str) -> str:
        """Give the address with TLS, by another name of this machine."""
        return f"ldaps://{host}:{self.tls_port}"

    @property
    def tls_url(self) -> str:
        """Give the address with TLS."""
        return self.url_at(LOOPBACK)

    def answer(
        self, request: Request, code: int, *, at: int = 1, needle: bytes = b"", extra: bytes = b"",
        message: str = "made up",
    ) -> None:  # fmt: skip
        """Answer with a code, instead of the directory, from the `at`-th such request on.

        Args:
            needle: only requests with these bytes in them count.
            extra: bytes of controls to add.
            message: what the server says to the code.
        """

        def deed(line: _Line, number: int) -> None:
            refers = [self.refers_to] if code == _REFERRAL else []
            line.say(result(request, number, code, *refers, extra=extra, message=message))

        self._faults.append(_Fault(request, needle, at, deed))

    def say(self, request: Request, data: bytes, *, at: int = 1, needle: bytes = b"") -> None:
        """Send these bytes instead of an answer."""
        self._faults.append(_Fault(request, needle, at, lambda line, _: line.say(data)))

    def find(
        self, name: str, attribute: str, *values: str, needle: bytes = b"", extra: bytes = b"",
        about: bytes = b"",
    ) -> None:  # fmt: skip
        """Answer searches with one entry of one attribute; `about` is controls of the entry."""
        texts = b"".join(write(0x04, value.encode()) for value in values)
        attributes = write(0x30, write(0x30, write(0x04, attribute.encode()) + write(0x31, texts)))
        entry = write(_ENTRY, write(0x04, name.encode()) + attributes)

        def deed(line: _Line, number: int) -> None:
            controls = write(0xA0, about) if about else b""
            line.say(write(0x30, write(0x02, number.to_bytes(4, "big")) + entry + controls))
            line.say(result(Request.SEARCH, number, 0, extra=extra))

        self._faults.append(_Fault(Request.SEARCH, needle, 1, deed))

    def drop(self, request: Request, *, at: int = 1, needle: bytes = b"") -> None:
        """Close the connection instead of answering."""
        self._faults.append(_Fault(request, needle, at, lambda line, _: line.end()))

    def stall(self, request: Request, *, at: int = 1, needle: bytes = b"") -> threading.Event:
        """Never answer; the event tells that somebody waits."""
        waits = threading.Event()
        self._faults.append(_Fault(request, needle, at, lambda *_: waits.set()))
        return waits

    def start_tls(self, certificate: Path) -> None:
        """Take StartTLS itself, with that certificate."""
        context = _context(certificate)

        def deed(line: _Line, number: int) -> None:
            line.say(result(Request.EXTENDED, number, 0))
            line.client = context.wrap_socket(line.client, server_side=True)

        self._faults.append(_Fault(Request.EXTENDED, b"1.3.6.1.4.1.1466.20037", 1, deed))

    def hide(self, needle: bytes = b"") -> None:
        """Leave out the entries with these bytes in them; the answers stay successes."""
        self._hidden = needle

    def behave(self) -> None:
        """Pass everything on from now on."""
        self._faults.clear()
        self._hidden = None

    def serve(self, listener: socket.socket, certificate: Path | None) -> None:
        """Take clients until the listener ends."""
        context = None if certificate is None else _context(certificate)
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._greet, args=(client, context), daemon=True).start()

    def end(self) -> None:
        """Close every connection."""
        for line in self._lines:
            line.end()

    def _greet(self, client: socket.socket, context: ssl.SSLContext | None) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            held.enter_context(client)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                client = held.enter_context(context.wrap_socket(client, server_side=True))
            directory = socket.create_connection((LOOPBACK, self.directory_port))
            directory.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = _Line(client, held.enter_context(directory))
            self._lines.append(line)
            self._take(line)

    def _take(self, line: _Line) -> None:
        threading.Thread(target=self._answers, args=(line,), daemon=True).start()
        with contextlib.suppress(OSError):
            for message in _messages(lambda: line.client, self.heard):
                deed = self._deed_for(message)
                if deed is None:
                    line.directory.sendall(message)
                else:
                    deed(line, _number(message))
        line.end()

    def _answers(self, line: _Line) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(lambda: line.directory, bytearray()):
                is_entry = _operation(message) == _ENTRY
                if not (is_entry and self._hidden is not None and self._hidden in message):
                    line.say(message)
        line.end()

    def _deed_for(self, message: bytes) -> Deed | None:
        tag = _operation(message)
        if tag not in set(Request):
            return None
        self.requests.append(Request(tag))
        for fault in list(self._faults):
            if fault.request == tag and fault.needle in message:
                fault.seen += 1
                if fault.seen >= fault.at:
                    return fault.deed
        return None


def result(
    request: Request, number: int, code: int, *refers: str, extra: bytes = b"",
    message: str = "made up",
) -> bytes:  # fmt: skip
    """Return an answer of that code; `extra` is the encoding of its controls."""
    texts = write(0x04) + write(0x04, message.encode())
    others = b"".join(write(0x04, url.encode()) for url in refers)
    said = write(0x0A, bytes([code]) if code < 128 else code.to_bytes(2, "big"))
    operation = write(
        _ANSWER_TAGS[request], said + texts + (write(0xA3, others) if others else b"")
    )
    controls = write(0xA0, extra) if extra else b""
    return write(0x30, write(0x02, number.to_bytes(4, "big")) + operation + controls)


def control(oid: str, value: bytes) -> bytes:
    """Return the encoding of one control."""
    return write(0x30, write(0x04, oid.encode()) + write(0x04, value))


def write(tag: int, value: bytes = b"") -> bytes:
    """Return an element with a length of four bytes, as one vendor writes them."""
    return bytes([tag, 0x84]) + len(value).to_bytes(4, "big") + value


@contextmanager
def running_proxy(directory_port: int, certificate: Path | None = None) -> Iterator[LdapProxy]:
    """Serve, in front of the directory at `directory_port` (without TLS), until the block ends."""
    with _listener() as plain, _listener() as private:
        proxy = LdapProxy(plain.getsockname()[1], private.getsockname()[1], directory_port)
        threads = [
            threading.Thread(target=proxy.serve, args=(listener, tls), daemon=True)
            for listener, tls in ((plain, None), (private, certificate))
        ]
        for thread in threads:
            thread.start()
        try:
            yield proxy
        finally:
            for listener in (plain, private):
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
            proxy.end()
            for thread in threads:
                thread.join()


@contextmanager
def mute_server() -> Iterator[int]:
    """Accept connections and say nothing; give the port."""
    with _listener() as listener:
        yield listener.getsockname()[1]


@contextmanager
def black_hole() -> Iterator[int]:
    """Leave attempts to connect without any answer, as a firewall does; give the port."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        for _ in range(2):
            filler = waiting.enter_context(socket.socket())
            filler.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _listener() -> socket.socket:
    return socket.create_server((LOOPBACK, 0))


def _messages(source: Callable[[], socket.socket], heard: bytearray) -> Iterator[bytes]:
    """Yield whole messages as they come; what is no LDAP (TLS, after StartTLS) as it comes."""
    waiting = b""
    while data := source().recv(_CHUNK):
        heard.extend(data)
        waiting += data
        if waiting[0] != _MESSAGE:
            yield waiting
            waiting = b""
        while (size := _size(waiting)) is not None and len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]


def _size(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] - 0x80
    return (
        2 + count + int.from_bytes(data[2 : 2 + count], "big") if len(data) >= 2 + count else None
    )


def _header(message: bytes) -> int:
    """Return where the content of a message begins."""
    return 2 if message[1] < 0x80 else 2 + message[1] - 0x80


def _number(message: bytes) -> int:
    at = _header(message)
    return int.from_bytes(message[at + 2 : at + 2 + message[at + 1]], "big")


def _operation(message: bytes) -> int:
    if message[0] != _MESSAGE:
        return 0
    at = _header(message)
    return message[at + 2 + message[at + 1]]
