"""OpenLDAP 2.4 and newer, with the password policy overlay where passwords have rules."""

from datetime import datetime

from connectors.ldap.dialect import (
    AccountState,
    CursorKind,
    Dialect,
    IdAttribute,
    PasswordWriting,
    read_uuid,
    says_no_more,
    write_uuid,
)
from connectors.ldap.values import Attributes, first, is_true, read_time

_NEVER_UNLOCKED = b"000001010000Z"


def _read_state(attributes: Attributes, now: datetime) -> AccountState:
    locked = first(attributes, "pwdAccountLockedTime")
    set_at = first(attributes, "pwdChangedTime")
    wants_new = is_true(first(attributes, "pwdReset"))
    return AccountState(
        is_enabled=locked != _NEVER_UNLOCKED,
        is_locked=locked not in {None, _NEVER_UNLOCKED},
        must_change=wants_new or first(attributes, "shadowLastChange") == b"0",
        password_set_at=read_time(set_at) if set_at else None,
    )


OPENLDAP = Dialect(
    vendor="openldap",
    ids=(IdAttribute(name="entryUUID", read=read_uuid, write=write_uuid),),
    state_attributes=("pwdAccountLockedTime", "pwdReset", "pwdChangedTime", "shadowLastChange"),
    read_state=_read_state,
    cursor=CursorKind.SYNC,
    people_filter="(objectClass=inetOrgPerson)",
    login_attribute="uid",
    group_filter="(objectClass=groupOfNames)",
    read_refusal=says_no_more,
    password_writing=PasswordWriting.EXTENDED,
    read_objection=says_no_more,
    password_attribute="userPassword",  # noqa: S106 - the name of an attribute
    must_change_mark=("pwdReset", b"TRUE"),
    may_hash_clear_text=True,
)
