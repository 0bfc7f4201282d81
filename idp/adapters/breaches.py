"""The passwords that leaked elsewhere: asked for on the network, or looked up in a file.

Of a password, only the first five hexadecimal digits of its SHA-1 leave this machine, and nothing
of it reaches the log. Whatever goes wrong is an answer (None) and a line in the log.
"""

import hashlib
import os
import re
from pathlib import Path

import requests
import structlog
from prometheus_client import Counter
from urllib3.exceptions import HTTPError

from idp.adapters.deadline import DeadlineAdapter

_log = structlog.get_logger("idp.breaches")
_lookups = Counter(
    "idp_breach_lookups", "Passwords looked up in a list of leaked ones.", ["source", "outcome"]
)
_PREFIX = 5
TIMEOUT_S = 2.0
_MOST_BYTES = 1024 * 1024
_MOST_LINE = 128
_SUFFIXES = re.compile(rb"[0-9A-F]{35}:[0-9]{1,12}(?:\r?\n[0-9A-F]{35}:[0-9]{1,12})*(?:\r?\n)?")
_LINE = re.compile(rb"(?P<hash>[0-9A-Fa-f]{40}):(?P<count>[0-9]{1,12})\r?\n?")


class UnreadableList(Exception):  # noqa: N818 - an outcome of a look-up
    """The list is not what it should be."""


class BreachLists:
    """The port `idp.core.ports.BreachedPasswords`."""

    def __init__(self, *, url: str, file: Path | None, timeout: float = TIMEOUT_S) -> None:
        """Take where the lists are.

        Args:
            url: what a prefix is appended to, of a service like Have I Been Pwned.
            file: lines of `SHA1:COUNT` in the order of the hashes, as its downloader writes them.
            timeout: seconds to connect to the service, and as many again for the whole answer.
        """
        self._url = url
        self._file = file
        self._timeout = timeout

    def ask_service(self, password: str) -> bool | None:
        """Tell whether a service knows `password`; None when it does not answer in time.

        Spec: Have I Been Pwned API v3, "Searching by range", with padding.
        """
        digest = _digest(password)
        try:
            is_there = _is_in_range(self._fetch(digest[:_PREFIX]), digest[_PREFIX:])
        except (requests.RequestException, HTTPError, UnreadableList) as error:
            _note_failure("hibp", error)
            return None
        return _told("hibp", is_there=is_there)

    def look_in_file(self, password: str) -> bool | None:
        """Tell whether `password` is in the file; None when it cannot be read."""
        try:
            is_there = _is_in_file(self._file, _digest(password).encode())
        except (OSError, UnreadableList) as error:
            _note_failure("file", error)
            return None
        return _told("file", is_there=is_there)

    def _fetch(self, prefix: str) -> bytes:
        """Return the answer about a prefix, which is taken whole or not at all."""
        headers = {"Add-Padding": "true", "User-Agent": "TimeTrak-IdP"}
        with requests.Session() as session:
            for scheme in ("https://", "http://"):
                session.mount(scheme, DeadlineAdapter())
            answer = session.get(
                f"{self._url}{prefix}",
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            if answer.status_code != requests.codes.ok:
                raise UnreadableList("not an answer of status 200")
            body: bytes = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
            if len(body) > _MOST_BYTES:
                raise UnreadableList("too long")
            return body


def _digest(password: str) -> str:
    octets = password.encode()
    return hashlib.sha1(octets, usedforsecurity=False).hexdigest().upper()


def _is_in_range(body: bytes, suffix: str) -> bool:
    """Tell whether a suffix is in an answer; padding has a count of 0 and is not there.

    Raises:
        UnreadableList: any line of the answer is not `SUFFIX:COUNT`.
    """
    if not _SUFFIXES.fullmatch(body):
        raise UnreadableList("not a list of hashes")
    counts = dict(line.split(":") for line in body.decode().split())
    return int(counts.get(suffix, "0")) > 0


def _is_in_file(path: Path | None, wanted: bytes) -> bool:
    """Tell whether a sorted file has a line for a hash; reads some forty lines of it.

    Raises:
        OSError: it cannot be read.
        UnreadableList: there is none, or a line on the way is not `SHA1:COUNT`.
    """
    if path is None:
        raise UnreadableList("breaches.file is not set")
    with path.open("rb", buffering=0) as file:
        descriptor = file.fileno()
        low, high = 0, os.fstat(descriptor).st_size
        if not high:
            raise UnreadableList("the file is empty")
        while low < high:
            middle = (low + high) // 2
            start, end, found, count = _line_at(descriptor, middle)
            if found == wanted:
                return count > 0
            low, high = (end, high) if found < wanted else (low, start)
    return False


def _line_at(descriptor: int, place: int) -> tuple[int, int, bytes, int]:
    """Return where the line over a place begins and ends, its hash and its count."""
    first = max(0, place - _MOST_LINE)
    piece = os.pread(descriptor, 2 * _MOST_LINE, first)
    begin = piece.rfind(b"\n", 0, place - first) + 1
    end = piece.find(b"\n", place - first) + 1 or len(piece)
    line = _LINE.fullmatch(piece, begin, end)
    if line is None:
        raise UnreadableList("not a list of hashes")
    return first + begin, first + end, line["hash"].upper(), int(line["count"])


def _told(source: str, *, is_there: bool) -> bool:
    _lookups.labels(source, "found" if is_there else "not_found").inc()
    return is_there


def _note_failure(source: str, error: Exception) -> None:
    """Leave a trace of a look-up that gave nothing; an address in an error ends in the prefix."""
    _lookups.labels(source, "failed").inc()
    reason = str(error) if isinstance(error, UnreadableList) else type(error).__name__
    _log.warning("breaches.not_looked_up", source=source, reason=reason)
