"""Active Directory, Microsoft's and Samba's.

Spec: MS-ADTS 2.2.16 (userAccountControl), 3.1.1.3.1.5 (passwords), 5.1.1 (sign-in).
"""

import re
from datetime import datetime

from connectors.ldap.dialect import (
    AccountState,
    CursorKind,
    Dialect,
    IdAttribute,
    PasswordWriting,
    read_guid,
    write_guid,
)
from connectors.ldap.values import Attributes, first, read_file_time, read_integer
from connectors.verdicts import Verdict, WriteVerdict

_DISABLED = 0x2
_LOCKED = 0x10
_NEVER_EXPIRES = 0x10000
_TOO_OLD = 0x800000

_DATA = re.compile(r"\bdata ([0-9a-f]+)", re.IGNORECASE)
_REFUSALS = {
    0x525: Verdict.UNKNOWN,
    0x52E: Verdict.WRONG,
    0x52F: Verdict.REFUSED,
    0x530: Verdict.REFUSED,
    0x531: Verdict.REFUSED,
    0x532: Verdict.EXPIRED,
    0x533: Verdict.DISABLED,
    0x569: Verdict.REFUSED,
    0x701: Verdict.DISABLED,
    0x773: Verdict.MUST_CHANGE,
    0x775: Verdict.LOCKED,
}
"""Windows errors behind code 49: no such account, wrong password, restricted, outside of its hours,
not from here, too old, disabled, no right to sign in, account expired, must change, locked."""

_ERROR = re.compile(r"\s*([0-9a-f]{8})\b", re.IGNORECASE)
_OLD_WRONG = 0x56
_BREAKS_A_RULE = 0x52D
_RULES = (
    ("too short", WriteVerdict.TOO_SHORT),
    ("too young", WriteVerdict.TOO_YOUNG),
    ("in history", WriteVerdict.IN_HISTORY),
)
"""Samba names the rule. Microsoft's servers do not; `TOO_SIMPLE` then stands for any of them."""


def _read_state(attributes: Attributes, now: datetime) -> AccountState:
    control = read_integer(first(attributes, "userAccountControl"))
    if control is None:
        reason = "it does not tell its userAccountControl"
        raise ValueError(reason)
    computed = read_integer(first(attributes, "msDS-User-Account-Control-Computed")) or 0
    expires_at = read_file_time(first(attributes, "accountExpires"))
    last_set = first(attributes, "pwdLastSet")
    return AccountState(
        is_enabled=not control & _DISABLED and (expires_at is None or expires_at > now),
        is_locked=bool(computed & _LOCKED),
        must_change=bool(computed & _TOO_OLD)
        or (last_set == b"0" and not control & _NEVER_EXPIRES),
        password_set_at=read_file_time(last_set),
    )


def _read_refusal(_code: int, message: str) -> Verdict | None:
    data = _DATA.search(message)
    return _REFUSALS.get(int(data[1], 16)) if data else None


def _read_reason(message: str) -> str | None:
    data = _DATA.search(message)
    return f"data {data[1].lower()}" if data else None


def _read_objection(_code: int, message: str) -> WriteVerdict | None:
    found = _ERROR.match(message)
    error = int(found[1], 16) if found else 0
    if error == _OLD_WRONG:
        return WriteVerdict.OLD_WRONG
    if error != _BREAKS_A_RULE:
        return None
    named = (verdict for words, verdict in _RULES if words in message)
    return next(named, WriteVerdict.TOO_SIMPLE)


ACTIVE_DIRECTORY = Dialect(
    vendor="active-directory",
    ids=(IdAttribute(name="objectGUID", read=read_guid, write=write_guid),),
    state_attributes=(
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "accountExpires",
        "pwdLastSet",
    ),
    read_state=_read_state,
    cursor=CursorKind.USN,
    people_filter="(&(objectCategory=person)(objectClass=user))",
    login_attribute="sAMAccountName",
    group_filter="(objectClass=group)",
    read_refusal=_read_refusal,
    read_reason=_read_reason,
    password_writing=PasswordWriting.UNICODE,
    read_objection=_read_objection,
    password_attribute="unicodePwd",  # noqa: S106 - the name of an attribute
    must_change_mark=("pwdLastSet", b"0"),
)
