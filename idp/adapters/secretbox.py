"""The key file, and the box that seals and authenticates with its keys.

The file is text: one key per line as `ID KEY` (8 hexadecimal digits, 32 bytes in base64url), `#`
begins a comment. The first key seals and authenticates; every key opens, so a new key goes on top
and an old one stays until nothing sealed with it is left.
"""

import base64
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.errors import ConfigError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 4
_FORMAT = b"\x01"
_HEAD_BYTES = len(_FORMAT) + _ID_BYTES
_MAX_FILE_BYTES = 64 * 1024
_LINE_FORM = re.compile(r"(?P<id>[0-9a-f]{8}) +(?P<key>[A-Za-z0-9_-]{43})=?")
_HEAD = """\
# TimeTrak IdP key file. Whoever has it and the database has the signing keys: keep it to the
# server's own user (mode 0600), and keep a copy apart from the backups of the database.
# One key per line; the first is in use, the others still open what they sealed.
"""


class KeyFileBox:
    """Seals, opens and authenticates bytes; every purpose has keys of its own (HKDF-SHA-256).

    Sealed bytes are `01`, key id (4), nonce (12), AES-256-GCM ciphertext and tag; what stands
    before the nonce and the purpose are authenticated too.

    Spec: RFC 5869; NIST SP 800-38D.
    """

    def __init__(self, keys: Mapping[bytes, bytes]) -> None:
        """Take the keys by id; the first one is current."""
        self._keys = dict(keys)
        self._current = next(iter(self._keys))
        self._derived: dict[tuple[bytes, str], bytes] = {}

    def encrypt(self, plaintext: bytes, *, purpose: str) -> bytes:
        """Return `plaintext` sealed for `purpose` with the current key."""
        head = _FORMAT + self._current
        nonce = secrets.token_bytes(_NONCE_BYTES)
        key = self._derive(self._current, f"seal {purpose}")
        return head + nonce + AESGCM(key).encrypt(nonce, plaintext, head + purpose.encode())

    def decrypt(self, sealed: bytes, *, purpose: str) -> bytes:
        """Return what `encrypt` sealed for the same purpose.

        Raises:
            ConfigError: it was sealed with a key that the file does not hold, for another
                purpose, or was altered.
        """
        place = f"sealed for {purpose}"
        head, nonce = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        key_id = head[len(_FORMAT) :]
        if not head.startswith(_FORMAT) or len(nonce) != _NONCE_BYTES:
            raise ConfigError(place, "is not something this product sealed")
        if key_id not in self._keys:
            reason = f"was sealed with key {key_id.hex()}, which is not in the key file"
            raise ConfigError(place, reason)
        box = AESGCM(self._derive(key_id, f"seal {purpose}"))
        try:
            return box.decrypt(nonce, sealed[_HEAD_BYTES + _NONCE_BYTES :], head + purpose.encode())
        except InvalidTag as error:
            reason = "was altered, or sealed for another purpose or with another key"
            raise ConfigError(place, reason) from error

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """Return a 32-byte HMAC-SHA-256 of `message` under the current key for `purpose`."""
        return self._mac_with(self._current, message, purpose)

    def macs(self, message: bytes, *, purpose: str) -> tuple[bytes, ...]:
        """Return the `mac` under every key, the current one first: what may still be accepted."""
        return tuple(self._mac_with(key_id, message, purpose) for key_id in self._keys)

    def _mac_with(self, key_id: bytes, message: bytes, purpose: str) -> bytes:
        return hmac.digest(self._derive(key_id, f"mac {purpose}"), message, "sha256")

    def _derive(self, key_id: bytes, use: str) -> bytes:
        found = self._derived.get((key_id, use))
        if found is None:
            info = f"timetrak-idp {use}".encode()
            hkdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info)
            found = self._derived[key_id, use] = hkdf.derive(self._keys[key_id])
        return found


def create_key_file(path: Path) -> None:
    """Write a new key file with one key, readable by this user only.

    Raises:
        ConfigError: the file exists (it is never replaced) or cannot be written.
    """
    key = base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode().rstrip("=")
    text = f"{_HEAD}{secrets.token_hex(_ID_BYTES)} {key}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(str(path), "exists already; a key file is never replaced") from error
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def open_key_file(path: Path) -> KeyFileBox:
    """Return the box of an existing key file. It never makes new keys.

    Raises:
        ConfigError: the file is missing, readable or owned by others, or not a key file.
    """
    return KeyFileBox(_read_keys(path, _read_private(path)))


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            _refuse_shared(path, os.fstat(file.fileno()))
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise ConfigError(str(path), "is too large for a key file")
        return content.decode()
    except FileNotFoundError as error:
        reason = "the key file is missing; restore it, or run `idp init` for a new installation"
        raise ConfigError(str(path), reason) from error
    except OSError as error:
        raise ConfigError(str(path), f"the key file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "is not a key file") from error


def _refuse_shared(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(str(path), "is not a regular file")
    if found.st_uid != os.geteuid():
        raise ConfigError(str(path), "the key file belongs to another user; chown it to this one")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(str(path), f"the key file has mode {mode:04o}; run chmod 600 on it")


def _read_keys(path: Path, text: str) -> dict[bytes, bytes]:
    keys: dict[bytes, bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{path}:{number}"
        content = line.partition("#")[0].strip()
        if not content:
            continue
        found = _LINE_FORM.fullmatch(content)
        if found is None:
            raise ConfigError(place, "is not a line of a key file (ID KEY)")
        key_id = bytes.fromhex(found["id"])
        if key_id in keys:
            raise ConfigError(place, f"key {found['id']} stands there twice")
        keys[key_id] = base64.urlsafe_b64decode(found["key"] + "=")
    if not keys:
        raise ConfigError(str(path), "holds no key")
    return keys
