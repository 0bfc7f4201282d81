"""The key file and what is sealed with it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.adapters.secretbox import KeyFileBox, create_key_file, open_key_file
from idp.errors import ConfigError

BOX = KeyFileBox({b"\0\0\0\1": b"k" * 32})


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Give a new key file."""
    path = tmp_path / "secrets.key"
    create_key_file(path)
    return path


def key_line(path: Path) -> str:
    """Return the last line of a key file, which is its only key when it is new."""
    return path.read_text().splitlines()[-1]


# Sealing


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_was_sealed_can_be_opened(plaintext: bytes, purpose: str) -> None:
    assert BOX.decrypt(BOX.encrypt(plaintext, purpose=purpose), purpose=purpose) == plaintext


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    assert BOX.encrypt(b"key", purpose="signing") != BOX.encrypt(b"key", purpose="signing")


def test_another_purpose_does_not_open_it() -> None:
    sealed = BOX.encrypt(b"key", purpose="signing")

    with pytest.raises(ConfigError, match="another purpose"):
        BOX.decrypt(sealed, purpose="outbox")


def test_no_bit_can_be_altered() -> None:
    sealed = BOX.encrypt(b"key", purpose="signing")

    for position in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(ConfigError):
            BOX.decrypt(bytes(altered), purpose="signing")


def test_no_part_can_be_cut_off() -> None:
    sealed = BOX.encrypt(b"key", purpose="signing")

    for length in range(len(sealed)):
        with pytest.raises(ConfigError):
            BOX.decrypt(sealed[:length], purpose="signing")


def test_the_wrong_key_file_is_told_apart_from_damage(tmp_path: Path) -> None:
    create_key_file(tmp_path / "other.key")
    sealed = open_key_file(tmp_path / "other.key").encrypt(b"key", purpose="signing")

    with pytest.raises(ConfigError, match="which is not in the key file"):
        BOX.decrypt(sealed, purpose="signing")


# Authenticating


def test_a_mac_depends_on_key_purpose_and_message(key_file: Path) -> None:
    other = open_key_file(key_file)
    macs = {
        BOX.mac(b"family 1", purpose="refresh"),
        BOX.mac(b"family 2", purpose="refresh"),
        BOX.mac(b"family 1", purpose="reset code"),
        other.mac(b"family 1", purpose="refresh"),
    }

    assert {len(mac) for mac in macs} == {32}
    assert len(macs) == 4
    assert BOX.mac(b"family 1", purpose="refresh") in macs


# Changing the key


def test_after_a_change_the_old_key_opens_and_the_new_one_seals(
    key_file: Path, tmp_path: Path
) -> None:
    old = open_key_file(key_file)
    sealed = old.encrypt(b"key", purpose="signing")
    create_key_file(tmp_path / "new.key")
    new_line, old_line = key_line(tmp_path / "new.key"), key_line(key_file)
    key_file.write_text(f"{new_line}  # since today\n\n# until all is sealed anew\n{old_line}\n")

    both = open_key_file(key_file)

    assert both.decrypt(sealed, purpose="signing") == b"key"
    assert both.mac(b"x", purpose="refresh") != old.mac(b"x", purpose="refresh")
    assert both.macs(b"x", purpose="refresh") == (
        both.mac(b"x", purpose="refresh"),
        old.mac(b"x", purpose="refresh"),
    )
    key_file.write_text(new_line)
    alone = open_key_file(key_file)
    assert alone.decrypt(both.encrypt(b"new", purpose="signing"), purpose="signing") == b"new"
    with pytest.raises(ConfigError, match="which is not in the key file"):
        alone.decrypt(sealed, purpose="signing")


# The file


def test_a_new_key_file_is_for_its_user_only(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[0-9a-f]{8} [\w-]{43}", key_line(key_file))


def test_two_key_files_have_different_keys(key_file: Path, tmp_path: Path) -> None:
    create_key_file(tmp_path / "other.key")

    assert key_line(key_file) != key_line(tmp_path / "other.key")


def test_a_key_file_is_never_replaced(key_file: Path) -> None:
    before = key_file.read_bytes()

    with pytest.raises(ConfigError, match="never replaced"):
        create_key_file(key_file)

    assert key_file.read_bytes() == before


def test_a_key_file_in_no_folder_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        create_key_file(tmp_path / "missing" / "secrets.key")


def test_a_missing_key_file_stops_the_start_and_makes_no_new_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the key file is missing"):
        open_key_file(tmp_path / "secrets.key")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o777])
def test_a_key_file_that_others_can_read_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    with pytest.raises(ConfigError, match="run chmod 600 on it"):
        open_key_file(key_file)


def test_a_key_file_of_another_user_is_refused(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = key_file.stat().st_uid + 1
    monkeypatch.setattr("os.geteuid", lambda: somebody)

    with pytest.raises(ConfigError, match="belongs to another user"):
        open_key_file(key_file)


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        open_key_file(tmp_path)


def test_a_device_is_no_key_file() -> None:
    with pytest.raises(ConfigError, match="not a regular file"):
        open_key_file(Path("/dev/null"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no key"),
        (b"# only a comment\n", "holds no key"),
        (b"0123abcd too-short\n", "secrets.key:1: is not a line of a key file"),
        (b"\n0123abcd " + b"A" * 42 + b"!\n", "secrets.key:2: is not a line of a key file"),
        ((b"0123abcd " + b"A" * 43 + b"\n") * 2, "secrets.key:2: key 0123abcd stands there twice"),
        (b"\xff\xfe\x00", "is not a key file"),
        (b"#" * 70_000, "is too large"),
    ],
)
def test_a_damaged_key_file_is_refused_without_showing_it(
    key_file: Path, content: bytes, reason: str
) -> None:
    key_file.write_bytes(content)

    with pytest.raises(ConfigError, match=reason) as refused:
        open_key_file(key_file)

    assert "AAAA" not in str(refused.value)
