"""FreeIPA: a 389 Directory Server with accounts, expiry and locks of its own.

Spec: FreeIPA's schema, access rules and sign-in plug-ins (ipa-pwd-extop, ipa-lockout,
ipa-graceperiod).
"""

from dataclasses import replace
from datetime import datetime

from connectors.ldap.dialect import AccountState, CursorKind, IdAttribute, read_uuid, write_uuid
from connectors.ldap.ds389 import DS389, is_switched_off
from connectors.ldap.values import Attributes, first, read_time
from connectors.verdicts import Verdict

_INVALID_CREDENTIALS = 49
_PRINCIPAL = "krbPrincipalName"
"""Every account has one, and whoever may read it may read all the others that tell its state."""
_ACCOUNT_ENDS = "krbPrincipalExpiration"
_PASSWORD_ENDS = "krbPasswordExpiration"  # noqa: S105 - the name of an attribute
_PASSWORD_SET = "krbLastPwdChange"  # noqa: S105 - likewise


def _read_state(attributes: Attributes, now: datetime) -> AccountState:
    if first(attributes, _PRINCIPAL) is None:
        reason = f"it does not tell its {_PRINCIPAL}, nor then whether it is disabled or over"
        raise ValueError(reason)
    set_at = first(attributes, _PASSWORD_SET)
    return AccountState(
        is_enabled=not is_switched_off(attributes) and not _is_over(attributes, _ACCOUNT_ENDS, now),
        must_change=_is_over(attributes, _PASSWORD_ENDS, now),
        password_set_at=read_time(set_at) if set_at else None,
    )


def _is_over(attributes: Attributes, name: str, now: datetime) -> bool:
    """Tell whether a time has come; one that cannot be read has."""
    value = first(attributes, name)
    if value is None:
        return False
    at = read_time(value)
    return at is None or at <= now


def _shows_mark(attributes: Attributes) -> bool:
    """Tell whether a password ended when it was set: it was set by somebody else."""
    ends, set_at = (first(attributes, name) for name in (_PASSWORD_ENDS, _PASSWORD_SET))
    if ends is None or set_at is None:
        return False
    end, start = read_time(ends), read_time(set_at)
    return end is not None and start is not None and end <= start


def _read_refusal(code: int, message: str) -> Verdict | None:
    """Tell why somebody is refused: an expiry is told to whoever asks, and proves no password."""
    told = DS389.read_refusal(code, message)
    return Verdict.WRONG if told is None and code == _INVALID_CREDENTIALS else told


FREEIPA = replace(
    DS389,
    vendor="freeipa",
    # Of `nsUniqueId`, an ordinary account may read only its own.
    ids=(IdAttribute(name="ipaUniqueID", read=read_uuid, write=write_uuid),),
    state_attributes=(_PRINCIPAL, "nsAccountLock", _ACCOUNT_ENDS, _PASSWORD_ENDS, _PASSWORD_SET),
    read_state=_read_state,
    # The times of changes are passed on between its servers, so they may lie before a cursor.
    cursor=CursorKind.ENTRY_USN,
    read_refusal=_read_refusal,
    must_change_mark=(_PASSWORD_ENDS, b"19700101000000Z"),
    shows_mark=_shows_mark,
)
