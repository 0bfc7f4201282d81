"""What the use cases need from the outside; `idp.adapters` provides it."""

from collections.abc import Iterable
from email.message import EmailMessage
from typing import Protocol

from connectors.port import DirectorySource


class Hasher(Protocol):
    """Hashes and verifies passwords; every call takes tens of milliseconds of one core.

    Passwords are NFC strings within the length cap. Each method may raise
    `Unavailable("hashing.busy")` when too many are already waiting.
    """

    def hash(self, password: str) -> str:
        """Return a new PHC string with a salt of its own."""
        ...

    def verify(self, stored: str, password: str) -> bool:
        """Tell whether `password` is the one that `stored` was made from (any known format)."""
        ...

    def verify_nothing(self, password: str) -> None:
        """Do the work of `verify` for an account that does not exist."""
        ...

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether `stored` is of a legacy format or of other than the present parameters."""
        ...

    def accepts_import(self, stored: str) -> bool:
        """Tell whether `stored` is a hash that `verify` understands and can afford."""
        ...


class SecretBox(Protocol):
    """Encrypts what must be read again and authenticates what must not, with the key file."""

    def encrypt(self, plaintext: bytes, *, purpose: str) -> bytes:
        """Return `plaintext` sealed for `purpose`."""
        ...

    def decrypt(self, sealed: bytes, *, purpose: str) -> bytes:
        """Return what `encrypt` sealed for the same purpose, or raise `ConfigError`."""
        ...

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """Return a 32-byte HMAC-SHA-256 of `message` under a key of its own for `purpose`."""
        ...

    def macs(self, message: bytes, *, purpose: str) -> tuple[bytes, ...]:
        """Return the `mac` under every key, the current one first: what may still be accepted."""
        ...


class CommonPasswords(Protocol):
    """The list of passwords that everybody tries first."""

    def contains(self, password: str) -> bool:
        """Tell whether `password` is on the list (exact match after normalisation)."""
        ...


class StrengthMeter(Protocol):
    """Estimates how many guesses a password takes."""

    def score(self, password: str, words: Iterable[str]) -> int:
        """Return 0 (guessed at once) to 4; `words` are guessed before all others."""
        ...


class BreachedPasswords(Protocol):
    """The passwords that leaked elsewhere; None when this cannot be told just now."""

    def ask_service(self, password: str) -> bool | None:
        """Ask a service on the network; may take seconds, so hold no transaction."""
        ...

    def look_in_file(self, password: str) -> bool | None:
        """Look in the file that the configuration names."""
        ...


class Directories(Protocol):
    """The directories that own accounts."""

    def source(self, name: str) -> DirectorySource:
        """Return the directory that the configuration knows by that name."""
        ...

    def close(self) -> None:
        """Close every connection of this process."""
        ...


class Pause(Protocol):
    """Holds an answer back, so that the time it takes tells nothing; hold nothing meanwhile."""

    def seconds(self) -> float:
        """Return what a clock shows that is never set; only differences mean something."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after that time."""
        ...


class MailTemporary(Exception):  # noqa: N818 - an outcome of a delivery, retried
    """The message was not taken now; trying again later may help."""


class MailRefused(Exception):  # noqa: N818 - an outcome of a delivery, final
    """The message will never be taken (a 5xx answer)."""


class Mailer(Protocol):
    """Delivers mail."""

    def send(self, message: EmailMessage) -> None:
        """Hand `message` to the next server, or raise `MailTemporary` or `MailRefused`."""
        ...
