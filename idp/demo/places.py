"""Where the parts of the demo are: one folder, and neighbouring ports of the loopback interface."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
PARTS = ("server", "professional", "mobile", "portal", "mail")
"""What listens, in the order of the ports."""


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of one running demo.

    The server is at `localhost` and the apps are at `127.0.0.1`: cookies ignore ports, and so
    each side has its own, as in a real installation.
    """

    data: Path
    ports: Mapping[str, int]

    @property
    def public_url(self) -> str:
        """Give the address of the server."""
        return f"http://localhost:{self.ports['server']}"

    @property
    def config(self) -> Path:
        """Give the configuration of the server."""
        return self.data / "config.toml"

    @property
    def mail(self) -> Path:
        """Give the folder that mails are written to."""
        return self.data / "mail"

    @property
    def report(self) -> Path:
        """Give the file that tells programs where everything is."""
        return self.data / "demo.json"

    def issuer(self, realm: str) -> str:
        """Return the issuer identifier of a realm."""
        return f"{self.public_url}/realms/{realm}"

    def url(self, part: str) -> str:
        """Return the address of an app or of the mail page, without a slash at its end."""
        return f"http://{LOOPBACK}:{self.ports[part]}"
