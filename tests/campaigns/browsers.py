"""People in browsers of their own, many at once, each step on whichever worker takes it."""

import http.client
import re
from urllib.parse import urlencode, urlsplit

from tests.support.ports import LOOPBACK

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_REALM = "/realms/staff"
_SIGN_IN = f"{_REALM}/sign-in"
_FORGOT = f"{_REALM}/forgot-password"


class Person:
    """One browser: its cookies and the form it last saw.

    Attributes:
        location: where the last answer leads. shown: the page that it was.

    Args:
        is_restless: every request opens a connection of its own, so that steps of one sign-in
            are answered by different workers.
    """

    def __init__(self, port: int, *, is_restless: bool = False) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=120)
        self._is_restless = is_restless
        self._cookies: dict[str, str] = {}
        self._csrf = ""
        self.location = ""
        self.shown = ""

    def look(self, path: str = _SIGN_IN) -> int:
        """Open a page; return the status."""
        status, _ = self._send("GET", path)
        return status

    def sign_in(
        self, username: str, password: str, *, path: str = _SIGN_IN
    ) -> tuple[int, str | None]:
        """Post the sign-in form; return the status and `Retry-After`."""
        return self._post(path, username=username, password=password)

    def forget(self, email: str) -> int:
        """Ask for a reset link; return the status."""
        return self._post(_FORGOT, email=email)[0]

    def follow(self) -> int:
        """Go where the last answer led; return the status."""
        parts = urlsplit(self.location)
        return self.look(f"{parts.path}?{parts.query}" if parts.query else parts.path)

    def close(self) -> None:
        """Close the browser."""
        self._connection.close()

    def _post(self, path: str, **form: str) -> tuple[int, str | None]:
        return self._send("POST", path, urlencode({"csrf_token": self._csrf, **form}))

    def _send(self, method: str, path: str, body: str = "") -> tuple[int, str | None]:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):  # an idle connection was closed
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        if answer.will_close or self._is_restless:
            self._connection.close()
        self.location, self.shown = answer.headers.get("Location", ""), text
        found = _TOKEN.search(text)
        self._csrf = found.group(1) if found else self._csrf
        return answer.status, answer.headers.get("Retry-After")
