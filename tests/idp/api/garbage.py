"""What nobody means: values for members, bodies, parameters, paths and headers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.support.sizes import campaign_size

DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    1e308,
    "",
    " ",
    "x",
    "x" * 100_000,
    "\u0000",
    "\u202eevil\u2066",
    "\u0301" * 2000,
    "\ud800",
    "\U0001f600" * 50,
    "' OR 1=1 --",
    "../../etc",
    "${jndi:ldap://x}",
    "=cmd|' /C calc'!A1",
    "<script>alert(1)</script>",
    "2026-99-99",
    "P99999999999D",
    [],
    [None],
    ["x", "x"],
    ["\u0000"],
    [[]],
    list(range(5000)),
    {},
    {"": ""},
    {"__class__": {"__init__": 1}},
    {"all": True},
    {"rules": {"length": {"min": 10**30}}},
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
    DEEP,
)
TEXTS: tuple[str, ...] = (
    "",
    "%00",
    "%ff%fe",
    "%ED%A0%80",
    "-1",
    "1e9",
    "99999999999999999999",
    "%2e%2e%2f",
    "a" * 5000,
    "%F0%9F%98%80",
    "%27%20OR%201=1",
    "null",
    "e30",
    "W10",
    "WyIiXQ",
    "WzFd",
    "WyJcdTAwMDAiXQ",
    "2026-11-02T09:00:00Z",
    "9999-12-31T23:59:59%2B00:00",
    "0001-01-01T00:00:00-23:59",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
)
HEADERS: tuple[str, ...] = ("", "*", '""', "W/", '"v"', "'", "\xff", "x" * 5000, '"v1","v2"')

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from([value for value in VALUES if isinstance(value, str)]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
"""Any JSON value."""


def bodies_with(names: Sequence[str], good: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield bodies in which one member is garbage, and bodies that are garbage as a whole.

    Where a campaign is not run whole, each member meets another part of the values.
    """
    step = 5 if campaign_size(len(VALUES)) < len(VALUES) else 1
    for start, name in enumerate(names):
        for value in VALUES[start % step :: step]:
            yield json.dumps({**good, name: value}).encode()
    for value in VALUES[::step]:
        yield json.dumps(value).encode()
    yield json.dumps({**good, "\u0000": 1}).encode()
    yield b"\xff"
    yield b"{" * 10_000
