"""Lists of leaked passwords, asked for and looked up (catalogue Y-11, Y-13)."""

import gzip
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import responses
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from idp.adapters.breaches import BreachLists
from tests.support.certificates import Authority
from tests.support.ports import LOOPBACK

PASSWORD = "correct horse battery"
DIGEST = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
PREFIX, SUFFIX = DIGEST[:5], DIGEST[5:]
FAR = "https://breaches.example/range/"
OTHER, PADDING = f"{'0' * 35}:7", f"{'A' * 35}:0"


def ask(body: str | Exception, *, status: int = 200) -> bool | None:
    with responses.RequestsMock() as far:
        far.get(f"{FAR}{PREFIX}", body=body, status=status)
        return BreachLists(url=FAR, file=None).ask_service(PASSWORD)


# Asking a service


@pytest.mark.parametrize(
    ("lines", "is_there"),
    [
        ((OTHER, f"{SUFFIX}:3", PADDING), True),
        ((f"{SUFFIX}:3",), True),
        ((OTHER, PADDING), False),
        ((OTHER, f"{SUFFIX}:0", PADDING), False),
    ],
)
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_password_is_known_by_the_rest_of_its_hash(
    lines: tuple[str, ...], end: str, *, is_there: bool
) -> None:
    assert ask(end.join(lines)) is is_there
    assert ask(end.join(lines) + end) is is_there


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>busy</html>",
        f"{SUFFIX}",
        f"{SUFFIX}:many",
        f"{OTHER}\n\n{OTHER}",
        f"{OTHER}\n{SUFFIX}:3 ",
        f"{OTHER}\n{SUFFIX.lower()}:3",
        f"{OTHER}\n{DIGEST}:3",
        f"{OTHER}\n" * 30_000,
    ],
)
def test_an_answer_that_is_none_tells_nothing(body: str) -> None:
    assert ask(body) is None


@pytest.mark.parametrize("status", [204, 301, 400, 404, 429, 500, 503])
def test_only_a_full_answer_counts(status: int) -> None:
    assert ask(f"{SUFFIX}:3", status=status) is None


@pytest.mark.parametrize(
    "error",
    [requests.ConnectionError("no"), requests.Timeout("late"), requests.exceptions.SSLError()],
)
def test_a_service_that_is_away_tells_nothing_and_leaves_a_line(error: Exception) -> None:
    with capture_logs() as lines:
        assert ask(error) is None

    assert [(line["event"], line["source"]) for line in lines] == [
        ("breaches.not_looked_up", "hibp")
    ]
    assert PREFIX not in repr(lines)
    assert PASSWORD not in repr(lines)


def test_look_ups_are_counted_by_what_came_of_them() -> None:
    def counted() -> list[float]:
        outcomes = ("found", "not_found", "failed")
        labels = ({"source": "hibp", "outcome": outcome} for outcome in outcomes)
        return [REGISTRY.get_sample_value("idp_breach_lookups_total", one) or 0 for one in labels]

    before = counted()
    for body in (f"{SUFFIX}:3", OTHER, OTHER, "", "", ""):
        ask(body)

    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 2, 3]


# What goes out, seen from the other end


@dataclass
class Service:
    """A server that keeps what it was sent, and answers with pieces."""

    url: str
    received: list[bytes] = field(default_factory=list)


@contextmanager
def serving(
    *pieces: bytes,
    then: bytes | None = None,
    hears: bytes = b"\r\n\r\n",
    tls: ssl.SSLContext | None = None,
) -> Iterator[Service]:
    """Give a server for one request; it closes after the pieces, or has `then` to say for ever.

    It answers when what it heard ends with `hears`.
    """
    over = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as listener:
        service = Service(f"http://{LOOPBACK}:{listener.getsockname()[1]}/range/")
        if tls is not None:
            service.url = service.url.replace("http:", "https:")

        def answer() -> None:
            plain, _ = listener.accept()
            with plain if tls is None else tls.wrap_socket(plain, server_side=True) as peer:
                received = b""
                while not received.endswith(hears):
                    received += peer.recv(4096)
                service.received.append(received)
                for piece in pieces:
                    peer.sendall(piece)
                while then is not None and not over.wait(0.01):
                    try:
                        peer.sendall(then)
                    except OSError:
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield service
        finally:
            over.set()
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\n"
TIMEOUT = 0.2
IN_TIME = 2 * TIMEOUT + 0.3  # what a busy machine may add


@contextmanager
def limited() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began <= IN_TIME


def test_five_digits_leave_and_padding_is_asked_for() -> None:
    body = f"{OTHER}\r\n{SUFFIX}:3\r\n{PADDING}".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving(head, body) as service:
        assert BreachLists(url=service.url, file=None).ask_service(PASSWORD) is True

    [request] = service.received
    line, *headers = request.decode().lower().split("\r\n")
    assert line == f"get /range/{PREFIX.lower()} http/1.1"
    assert "add-padding: true" in headers
    assert SUFFIX.lower() not in request.decode().lower()
    assert "horse" not in request.decode().lower()


def test_an_answer_in_chunks_is_put_together() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    lines = (f"{OTHER}\r\n".encode(), f"{SUFFIX}:3\r\n".encode())
    chunks = (b"%x\r\n%s\r\n" % (len(line), line) for line in lines)
    with serving(head, *chunks, b"0\r\n\r\n") as service:
        assert BreachLists(url=service.url, file=None).ask_service(PASSWORD) is True


def test_an_encrypted_answer_is_read_in_time_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority.certify("service"))
    body = f"{SUFFIX}:3".encode()
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)

    with serving(head, body, tls=tls) as service:
        assert BreachLists(url=service.url, file=None).ask_service(PASSWORD) is True
    with serving(HEAD, then=b"X-Pad: yes\r\n", tls=tls) as service, limited():
        lists = BreachLists(url=service.url, file=None, timeout=TIMEOUT)
        assert lists.ask_service(PASSWORD) is None


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", f"{SUFFIX}:3\r\n".encode()),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
        (b"SSH-2.0-OpenSSH\r\n",),
    ],
)
def test_half_an_answer_tells_nothing(pieces: tuple[bytes, ...]) -> None:
    with serving(*pieces) as service:
        assert BreachLists(url=service.url, file=None).ask_service(PASSWORD) is None


LARGE = HEAD + b"Content-Length: 90000000\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = HEAD + b"Content-Encoding: gzip\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "then"),
    [
        ((), b""),
        ((), b"H"),
        ((), b"HTTP/1.1 100 Continue\r\n\r\n"),
        ((HEAD,), b"X-Pad: yes\r\n"),
        ((HEAD + b"X-Pad: ",), b"a"),
        ((LARGE,), b""),
        ((LARGE,), b"0"),
        ((LARGE,), f"{OTHER}\r\n".encode()),
        ((CHUNKED,), b"0"),
        ((CHUNKED,), b"1\r\n0\r\n"),
        ((CHUNKED, b"1;"), b"x"),
        ((PACKED,), gzip.compress(b"", mtime=0)),
    ],
)
def test_a_service_that_takes_its_time_is_not_waited_for(
    pieces: tuple[bytes, ...], then: bytes
) -> None:
    with serving(*pieces, then=then) as service, limited():
        assert BreachLists(url=service.url, file=None, timeout=TIMEOUT).ask_service("x") is None


def test_nor_is_one_that_does_not_come_to_terms_about_encryption() -> None:
    with serving(b"\x16\x03\x03\x40\x00", then=b"\x02", hears=b"") as service, limited():
        url = service.url.replace("http:", "https:")
        assert BreachLists(url=url, file=None, timeout=TIMEOUT).ask_service("x") is None


@contextmanager
def silent() -> Iterator[int]:
    """Give the port of a listener that takes no connection, for those it took fill its queue."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def a_name_of(monkeypatch: pytest.MonkeyPatch, *ports: int) -> str:
    """Return the address of a service whose name stands for these ports of this machine."""
    places = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (LOOPBACK, port))
        for port in ports
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    return "http://breaches.example/range/"


def test_all_the_addresses_of_a_name_together_have_the_time_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with silent() as port:
        url = a_name_of(monkeypatch, *[port] * 8)
        with limited():
            assert BreachLists(url=url, file=None, timeout=TIMEOUT).ask_service("x") is None

    url = a_name_of(monkeypatch)
    assert BreachLists(url=url, file=None, timeout=TIMEOUT).ask_service("x") is None


def test_an_address_that_is_silent_does_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    body = f"{SUFFIX}:3".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with silent() as port, serving(head, body) as service:
        there = urlsplit(service.url).port
        assert there is not None
        url = a_name_of(monkeypatch, port, there)
        assert BreachLists(url=url, file=None, timeout=TIMEOUT).ask_service(PASSWORD) is True


# Looking in a file


def hashes(count: int) -> list[str]:
    """Return sorted hashes of passwords that nobody here has."""
    digests = (hashlib.sha1(b"%d" % n, usedforsecurity=False).hexdigest() for n in range(count))
    return sorted(digest.upper() for digest in digests)


def a_file(folder: Path, lines: list[str], *, end: str = "\n") -> BreachLists:
    path = folder / "list.txt"
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode())
    return BreachLists(url=FAR, file=path)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_line_of_a_file_is_found_and_nothing_else(
    tmp_path: Path, count: int, end: str
) -> None:
    known = hashes(count)
    lines = [f"{digest}:{n + 1}" for n, digest in enumerate(known)]
    lists = a_file(tmp_path, lines, end=end)

    assert all(lists.look_in_file(str(n)) is True for n in range(count))
    assert lists.look_in_file(PASSWORD) is False
    assert lists.look_in_file("") is False


def test_a_last_line_may_lack_its_end_and_letters_may_be_small(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(f"{digest.lower()}:1" for digest in sorted([*hashes(5), DIGEST])))

    assert BreachLists(url=FAR, file=path).look_in_file(PASSWORD) is True


def test_a_count_of_nothing_is_padding_here_too(tmp_path: Path) -> None:
    assert a_file(tmp_path, [f"{DIGEST}:0"]).look_in_file(PASSWORD) is False


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    lists = a_file(tmp_path, [f"{digest}:1" for digest in [*sorted([*hashes(10), DIGEST])]])
    path = tmp_path / "list.txt"
    with path.open("r+b") as file:  # 40 GB on paper; the hole is read as an unreadable line
        file.truncate(40_000_000_000)

    assert lists.look_in_file(PASSWORD) is None


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"hello\n" * 100, b"\0" * 5000, b"A" * 5000, DIGEST.encode()]
)
def test_a_file_that_is_no_list_tells_nothing_and_leaves_a_line(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)

    with capture_logs() as lines:
        assert BreachLists(url=FAR, file=path).look_in_file(PASSWORD) is None

    assert [(line["event"], line["source"]) for line in lines] == [
        ("breaches.not_looked_up", "file")
    ]


def test_a_file_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert BreachLists(url=FAR, file=tmp_path / "no").look_in_file(PASSWORD) is None
    assert BreachLists(url=FAR, file=tmp_path).look_in_file(PASSWORD) is None
    assert BreachLists(url=FAR, file=None).look_in_file(PASSWORD) is None
