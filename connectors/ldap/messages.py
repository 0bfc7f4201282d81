"""What is asked of a server and what it answers, without the library's types."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.ldap import ber
from connectors.ldap.controls import SYNC_INFO, Control
from connectors.ldap.values import Attributes

_URL = re.compile(r"ldaps?://[^\s'\"]+")


@dataclass(frozen=True, slots=True)
class Found:
    """One entry as it came: nothing decoded, names of attributes in small letters."""

    dn: str
    attributes: Attributes
    controls: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said. Referral objects among the entries are left out.

    Attributes:
        controls: values by OID, as they came.
        messages: values of intermediate sync messages.
        value: of an extended answer.
        referrals: servers that it names instead; they are never followed.
    """

    code: int
    message: str = ""
    controls: Mapping[str, bytes] = field(default_factory=dict)
    entries: tuple[Found, ...] = ()
    messages: tuple[bytes, ...] = ()
    value: bytes = b""
    referrals: tuple[str, ...] = ()


def is_cut(attribute: str) -> bool:
    """Tell whether the name of an attribute says that its list of values is cut."""
    return ";range=" in attribute


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a modification; `operation` is add, delete or replace."""

    operation: str
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search request; `scope` is base, one or subtree."""

    base: str
    filter: str = "(objectClass=*)"
    scope: str = "subtree"
    attributes: tuple[str, ...] = ("1.1",)
    size_limit: int = 0
    controls: tuple[Control, ...] = ()


def read_answer(result: Mapping[str, Any], responses: Sequence[Mapping[str, Any]]) -> Answer:
    """Return the answer that the library's dictionaries are: the result, and what came before.

    Of an entry the dictionary holds what `read_entry` made of it, as `found`; its controls are
    what `read_control` made of each.
    """
    return Answer(
        code=result["result"],
        message=result.get("message") or "",
        controls=result.get("controls") or {},
        entries=tuple(each["found"] for each in responses if each["type"] == "searchResEntry"),
        messages=tuple(
            each.get("responseValue") or b""
            for each in responses
            if each["type"] == "intermediateResponse" and each.get("responseName") == SYNC_INFO
        ),
        value=result.get("responseValue") or b"",
        referrals=tuple(_URL.findall(" ".join(map(str, result.get("referrals") or ())))),
    )


def read_entry(decoded: Sequence[Any], controls: Mapping[str, bytes]) -> Found:
    """Return the entry that the library's elements are, each of which ends with its value.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: they are none.

    Spec: RFC 4511 4.5.2.
    """
    dn, attributes = decoded[0][-1], decoded[1][-1]
    return Found(
        dn=dn.decode("utf-8", "replace"),
        attributes=dict(map(_read_attribute, attributes)),
        controls=controls,
    )


def read_control(decoded: Sequence[Any]) -> tuple[str, bytes]:
    """Return OID and value of the control that the library's elements are; without a value, b"".

    Nothing in the value is read: what the library makes of some may be as large as a number in it.

    Raises:
        AttributeError, LookupError, TypeError: they are none.

    Spec: RFC 4511 4.1.11.
    """
    oid = decoded[0][-1].decode("utf-8", "replace")
    value = next((part[-1] for part in decoded[1:] if part[2] == ber.OCTET_STRING), b"")
    if not isinstance(value, bytes):
        reason = "a control's value that is no octet string"
        raise TypeError(reason)
    return oid, value


def _read_attribute(element: Sequence[Any]) -> tuple[str, tuple[bytes, ...]]:
    name, values = element[-1]
    found = tuple([value[-1] for value in values[-1]])
    if not {*map(type, found)} <= {bytes}:
        reason = "a value that is no octet string"
        raise TypeError(reason)
    return name[-1].decode("utf-8", "replace").lower(), found
