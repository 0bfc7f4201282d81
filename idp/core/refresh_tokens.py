"""Refresh tokens as strings: family, counter and a MAC, so that nothing usable is stored.

A string of another form, or with a wrong MAC, is told before the database is asked.
"""

import base64
import hmac
import re
import uuid
from dataclasses import dataclass

from idp.core.ports import SecretBox
from idp.ids import FamilyId, RawToken, RealmName

_FORM = re.compile(r"[A-Za-z0-9_-]{70}")
_ID_BYTES, _COUNTER_BYTES = 16, 4
_HEAD_BYTES = _ID_BYTES + _COUNTER_BYTES
_PURPOSE = "refresh-token"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a genuine refresh token says: which family, and its place in it."""

    family_id: FamilyId
    counter: int


def write_refresh_token(box: SecretBox, realm: RealmName, token: RefreshToken) -> RawToken:
    """Return the string of `token`; the same token always has the same string."""
    head = uuid.UUID(token.family_id).bytes + token.counter.to_bytes(_COUNTER_BYTES, "big")
    sealed = head + box.mac(_message(realm, head), purpose=_PURPOSE)
    return RawToken(base64.urlsafe_b64encode(sealed).rstrip(b"=").decode())


def read_refresh_token(box: SecretBox, realm: RealmName, raw: str) -> RefreshToken | None:
    """Return what `raw` says if this realm wrote it, else None."""
    if not _FORM.fullmatch(raw):
        return None
    sealed = base64.urlsafe_b64decode(raw + "==")
    head, mac = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
    known = box.macs(_message(realm, head), purpose=_PURPOSE)
    if not any(hmac.compare_digest(mac, good) for good in known):
        return None
    family_id = FamilyId(str(uuid.UUID(bytes=head[:_ID_BYTES])))
    return RefreshToken(family_id, int.from_bytes(head[_ID_BYTES:], "big"))


def _message(realm: RealmName, head: bytes) -> bytes:
    return realm.encode() + b"\0" + head
