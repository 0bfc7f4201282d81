"""The kinds of value a setting can have, each with the one way it is read and written."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, InstanceOf, StringConstraints, ValidationInfo

from idp.durations import format_duration, parse_duration

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LIMIT_FORM = re.compile(r"(?P<count>[1-9]\d{0,8})/(?P<per>P\w+)", re.ASCII)
_SQLITE = "sqlite:///"
_DATABASE_SCHEMES = ("sqlite:///", "postgresql+psycopg://")
_PASSWORD_IN_URL = re.compile(r"(?P<user>//[^/@:]*):.*@|(?P<key>[?&]\w*password=)[^&]*")


class SecretUrl:
    """A URL that may hold a password; it is printed without one, `reveal` gives the whole.

    No dataclass: pydantic would write the fields of one into `model_dump`.
    """

    __slots__ = ("_whole",)

    def __init__(self, whole: str) -> None:
        self._whole = whole

    def reveal(self) -> str:
        """Return the URL with its password."""
        return self._whole

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and other._whole == self._whole

    def __hash__(self) -> int:
        return hash(self._whole)

    def __str__(self) -> str:
        return _PASSWORD_IN_URL.sub(_mask, self._whole)

    def __repr__(self) -> str:
        return f"SecretUrl({str(self)!r})"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` times within `per`."""

    count: int
    per: timedelta

    def __str__(self) -> str:
        return f"{self.count}/{format_duration(self.per)}"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether `host` names this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _mask(found: re.Match[str]) -> str:
    return f"{found['user']}:***@" if found["user"] is not None else f"{found['key']}***"


def _text(value: object) -> str:
    if not isinstance(value, str):
        reason = "must be text"
        raise ValueError(reason)  # noqa: TRY004 - pydantic collects ValueError only
    return value


def _split_url(text: str) -> SplitResult:
    """Return the parts of a URL, with the port looked at; the reason never repeats the text."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        reason = "is not a valid URL"
        raise ValueError(reason) from None
    return parts


def _read_duration(value: object) -> timedelta:
    return parse_duration(_text(value))


def _read_limit(value: object) -> Limit | None:
    if value == "off":
        return None
    found = _LIMIT_FORM.fullmatch(value) if isinstance(value, str) else None
    per = parse_duration(found["per"]) if found else timedelta(0)
    if found is None or not per:
        reason = 'must be COUNT/DURATION such as "10/PT15M", or "off"'
        raise ValueError(reason)
    return Limit(int(found["count"]), per)


def _read_address(value: object) -> Address:
    parts = _split_url(f"//{_text(value)}")
    if not parts.hostname or parts.port is None or str(value).count("@") or parts.path:
        reason = 'must be HOST:PORT such as "127.0.0.1:8080" or "[::]:8080"'
        raise ValueError(reason)
    return Address(parts.hostname, parts.port)


def _read_public_url(value: object) -> str:
    parts = _split_url(_text(value))
    text = str(value)
    reason = ""
    if not text.startswith(("https://", "http://")) or not parts.hostname:
        reason = 'must be an address such as "https://id.example.co.nz"'
    elif any(mark in text for mark in "?#@\\") or " " in text:
        reason = "must not carry a user, a query, a fragment or blanks"
    elif not text.isprintable() or not text.isascii():
        reason = "must be plain ASCII (a host name of other letters in its xn-- form)"
    elif parts.scheme == "http" and not is_loopback(parts.hostname):
        reason = "must be https; http is accepted only on a loopback host such as 127.0.0.1"
    if reason:
        raise ValueError(reason)
    return text.rstrip("/")


def _read_service_url(value: object) -> str:
    parts = _split_url(_text(value))
    text = str(value)
    is_private = parts.scheme == "http" and is_loopback(parts.hostname or "")
    reason = ""
    if not parts.hostname or not (parts.scheme == "https" or is_private):
        reason = "must be an https address; http is accepted only on a loopback host"
    elif not text.endswith("/") or any(mark in text for mark in "?#@\\ ") or not text.isascii():
        reason = 'must end with "/" and carry no user, query, fragment or blanks'
    if reason:
        raise ValueError(reason)
    return text


def _read_database_url(value: object, info: ValidationInfo) -> SecretUrl:
    text = _text(value)
    if not text.startswith(_DATABASE_SCHEMES):
        reason = f"must begin with {' or '.join(_DATABASE_SCHEMES)}"
        raise ValueError(reason)
    if text.startswith(_SQLITE):
        path, *query = text.removeprefix(_SQLITE).split("?", 1)
        if not path or path == ":memory:":
            reason = "must name a file: every worker opens the database by itself"
            raise ValueError(reason)
        text = "?".join([f"{_SQLITE}{_anchored(path, info)}", *query])
    else:
        _split_url(text)
    return SecretUrl(text)


def _read_mail_url(value: object, info: ValidationInfo) -> SecretUrl:
    text = _text(value)
    parts = _split_url(text)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return SecretUrl(f"file:{_anchored(parts.path, info)}")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        reason = "must be smtp://HOST:PORT, smtps://HOST:PORT or file:DIR"
        raise ValueError(reason)
    return SecretUrl(text)


def _read_sender(value: object) -> str:
    text = _text(value)
    address = parseaddr(text)[1]
    if not text.isprintable() or not all(address.rpartition("@")):
        reason = 'must be a mail address such as "TimeTrak <no-reply@example.co.nz>"'
        raise ValueError(reason)
    return text


def _read_path(value: object, info: ValidationInfo) -> Path:
    text = _text(value)
    if not text or "\0" in text:
        reason = "must name a file"
        raise ValueError(reason)
    return _anchored(text, info)


def _anchored(path: str, info: ValidationInfo) -> Path:
    """Return `path` relative to the folder of the configuration file, where one is known."""
    context = info.context if isinstance(info.context, Mapping) else {}
    return Path(context.get("folder", ".")) / path


def _read_network(value: object) -> Network:
    try:
        return ipaddress.ip_network(_text(value))
    except ValueError:
        reason = 'must be an address range such as "10.1.0.0/16"'
        raise ValueError(reason) from None


Duration = Annotated[timedelta, BeforeValidator(_read_duration)]
RateLimit = Annotated[InstanceOf[Limit] | None, BeforeValidator(_read_limit)]
ListenAddress = Annotated[InstanceOf[Address], BeforeValidator(_read_address)]
PublicUrl = Annotated[str, BeforeValidator(_read_public_url)]
ServiceUrl = Annotated[str, BeforeValidator(_read_service_url)]
DatabaseUrl = Annotated[InstanceOf[SecretUrl], BeforeValidator(_read_database_url)]
MailUrl = Annotated[InstanceOf[SecretUrl], BeforeValidator(_read_mail_url)]
Sender = Annotated[str, BeforeValidator(_read_sender)]
FilePath = Annotated[Path, BeforeValidator(_read_path)]
NetworkRange = Annotated[
    InstanceOf[ipaddress.IPv4Network] | InstanceOf[ipaddress.IPv6Network],
    BeforeValidator(_read_network),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
