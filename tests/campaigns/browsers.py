"""People at the sign-in page, many at once, each with a browser of their own."""

import http.client
import re
from urllib.parse import urlencode

from tests.support.ports import LOOPBACK

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_SIGN_IN = "/realms/staff/sign-in"


class Person:
    """One browser: its cookies and the form it last saw."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=120)
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    def look(self) -> int:
        """Open the sign-in page; return the status."""
        status, _, text = self._send("GET", _SIGN_IN)
        found = _TOKEN.search(text)
        self._csrf = found.group(1) if found else ""
        return status

    def sign_in(self, username: str, password: str) -> tuple[int, str | None]:
        """Post the form; return the status and `Retry-After`."""
        form = {"csrf_token": self._csrf, "username": username, "password": password}
        status, retry_after, _ = self._send("POST", _SIGN_IN, urlencode(form))
        return status, retry_after

    def close(self) -> None:
        """Close the browser."""
        self._connection.close()

    def _send(self, method: str, path: str, body: str = "") -> tuple[int, str | None, str]:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        if answer.will_close:
            self._connection.close()
        return answer.status, answer.headers.get("Retry-After"), text
