"""Client secrets: made here, shown once, kept as a keyed HMAC."""

from idp.core.ports import SecretBox
from idp.ids import RawToken, RealmName, new_raw_token

_PURPOSE = "client-secret"


def new_secret() -> RawToken:
    """Return a fresh secret of 256 bits that needs no encoding anywhere."""
    return new_raw_token()


def secret_mac(box: SecretBox, realm: RealmName, client_id: str, secret: str) -> str:
    """Return what is stored of a secret (hex); it is bound to its client and realm."""
    return box.mac(_message(realm, client_id, secret), purpose=_PURPOSE).hex()


def secret_macs(box: SecretBox, realm: RealmName, client_id: str, secret: str) -> list[str]:
    """Return every stored form that `secret` may have, one for each key of the key file."""
    message = _message(realm, client_id, secret)
    return [mac.hex() for mac in box.macs(message, purpose=_PURPOSE)]


def _message(realm: RealmName, client_id: str, secret: str) -> bytes:
    return f"{realm}\0{client_id}\0{secret}".encode()
