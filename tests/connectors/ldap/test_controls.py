"""Controls as they are sent, and read from what servers really send."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap import controls
from connectors.ldap.ber import BerError
from connectors.ldap.controls import (
    EntryState,
    PolicyAnswer,
    PolicyError,
    SyncDone,
    SyncInfo,
)

ID = UUID("355d4f42-7da9-1041-87a5-01e8f123744e")
COOKIE = b"rid=000,csn=x"


def test_paging_is_critical() -> None:
    assert controls.paging(500, b"ab") == (
        controls.PAGING, True, bytes.fromhex("3008 0202 01f4 0402 6162")
    )  # fmt: skip


def test_the_cookie_of_a_page_is_read() -> None:
    assert controls.read_paging(bytes.fromhex("3007 0201 00 0402 6162")) == b"ab"
    assert controls.read_paging(bytes.fromhex("3005 0201 00 0400")) == b""


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "3000",
        "3003 0201 00",
        "3002 0400",
        "3007 0201 00 0202 7fff",
        "3008 0201 00 0400 0201 00",
    ],
)
def test_a_broken_page_is_refused(broken: str) -> None:
    with pytest.raises(BerError):
        controls.read_paging(bytes.fromhex(broken))


def test_synchronisation_is_critical_and_only_refreshes() -> None:
    assert controls.synchronise(b"ab") == (
        controls.SYNC_REQUEST, True, bytes.fromhex("3007 0a0101 0402 6162")
    )  # fmt: skip


def test_a_password_change_names_only_what_is_given() -> None:
    assert controls.password_modify("cn=a", b"new") == bytes.fromhex(
        "300b 8004 636e3d61 8203 6e6577"
    )
    assert controls.password_modify("cn=a", b"new", b"old") == bytes.fromhex(
        "3010 8004 636e3d61 8103 6f6c64 8203 6e6577"
    )
    assert controls.password_modify("cn=a", None) == bytes.fromhex("3006 8004 636e3d61")


@pytest.mark.parametrize("state", EntryState)
def test_a_state_is_read(state: EntryState) -> None:
    value = b"\x30\x15\x0a\x01" + bytes([state]) + b"\x04\x10" + ID.bytes

    assert controls.read_sync_state(value) == (state, str(ID))


@pytest.mark.parametrize(
    ("value", "done"),
    [
        ("3003 0101 ff", SyncDone(None, deletes_told=True)),
        ("3000", SyncDone()),
        ("3005 0400 0101 ff", SyncDone(b"", deletes_told=True)),
        ("3004 0402 6162", SyncDone(b"ab")),
    ],
)
def test_an_end_is_read(value: str, done: SyncDone) -> None:
    assert controls.read_sync_done(bytes.fromhex(value)) == done


def test_messages_are_read() -> None:
    ids = b"\x31\x12\x04\x10" + ID.bytes
    told = frozenset({str(ID)})

    assert controls.read_sync_info(b"\x80\x02ab") == SyncInfo(b"ab")
    assert controls.read_sync_info(b"\xa1\x04\x04\x02ab") == SyncInfo(b"ab")
    assert controls.read_sync_info(b"\xa2\x00") == SyncInfo()
    assert controls.read_sync_info(b"\xa3\x14" + ids) == SyncInfo(None, told)
    assert controls.read_sync_info(b"\xa3\x17\x01\x01\xff" + ids) == SyncInfo(
        None, told, ids_are_gone=True
    )


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("3000", PolicyAnswer()),
        ("3003 8101 02", PolicyAnswer(error=PolicyError.CHANGE_AFTER_RESET)),
        ("3084 00000003 8101 01", PolicyAnswer(error=PolicyError.LOCKED)),
        ("3005 a003 8101 04", PolicyAnswer(grace_left=4)),
        ("3005 a003 8001 3c", PolicyAnswer(expires_in=timedelta(minutes=1))),
        ("3008 a003 8101 00 8101 00", PolicyAnswer(error=PolicyError.EXPIRED, grace_left=0)),
        ("3003 8101 63", PolicyAnswer()),
        ("3003 8201 63", PolicyAnswer()),
    ],
)
def test_a_policys_answer_is_read(value: str, answer: PolicyAnswer) -> None:
    assert controls.read_policy_answer(bytes.fromhex(value)) == answer


READERS = (
    controls.read_paging,
    controls.read_sync_state,
    controls.read_sync_done,
    controls.read_sync_info,
    controls.read_policy_answer,
)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@given(data=st.binary(max_size=48))
def test_any_bytes_are_read_or_refused(read: object, data: bytes) -> None:
    assert callable(read)
    try:
        read(data)
    except BerError:
        return


@pytest.mark.parametrize(
    "broken",
    [b"", b"\x30\x00", b"\x30\x03\x0a\x01\x00", b"\x30\x15\x0a\x01\x09\x04\x10" + ID.bytes,
     b"\x30\x06\x0a\x01\x00\x04\x01a"],
)  # fmt: skip
def test_a_broken_state_is_refused(broken: bytes) -> None:
    with pytest.raises(BerError):
        controls.read_sync_state(broken)


@pytest.mark.parametrize("broken", [b"", b"\x30\x00", b"\xa3\x04\x31\x02\x04\x00"])
def test_a_broken_message_is_refused(broken: bytes) -> None:
    with pytest.raises(BerError):
        controls.read_sync_info(broken)
