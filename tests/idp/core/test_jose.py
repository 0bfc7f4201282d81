"""Signed tokens: small properties that the protocol stands on."""

import string

from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.adapters.secretbox import KeyFileBox
from idp.core.jose import Signer, fits, peek, verify
from idp.core.refresh_tokens import RefreshToken, read_refresh_token, write_refresh_token
from idp.ids import FamilyId, RealmName, new_id

KEY = ECKey.generate_key("P-256")
BOX = KeyFileBox({b"\x00\x00\x00\x01": b"k" * 32})
STAFF, PORTAL = RealmName("staff"), RealmName("portal")


def test_what_is_signed_is_read_back() -> None:
    token = Signer("k1", "ES256", KEY).sign({"sub": "é"}, typ="JWT")

    found = verify(token, lambda _: KEY, typ="jwt", algorithms=("ES256",))

    assert found == {"sub": "é"}
    assert peek(token) == found


def test_a_key_is_used_only_for_what_it_fits() -> None:
    assert fits(KEY, "ES256")
    assert not fits(KEY, "EdDSA")
    assert not fits(ECKey.generate_key("P-384"), "ES256")
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - must be refused
    assert not fits(RSAKey(small, small), "RS256")
    assert not fits(RSAKey.generate_key(2048, {"alg": "RS256"}), "PS256")
    assert not fits(RSAKey.generate_key(2048, {"use": "enc"}), "RS256")
    assert fits(OKPKey.generate_key("Ed25519"), "EdDSA")


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_readers(text: str) -> None:
    assert verify(text, lambda _: KEY, typ=None, algorithms=("ES256",)) is None
    assert peek(text) is None or "." in text
    assert read_refresh_token(BOX, STAFF, text) is None


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=70, max_size=70))
def test_no_text_of_the_right_form_is_a_refresh_token(text: str) -> None:
    assert read_refresh_token(BOX, STAFF, text) is None


@given(st.integers(0, 2**32 - 1))
def test_a_refresh_token_says_its_family_and_place_in_its_realm_only(counter: int) -> None:
    token = RefreshToken(FamilyId(new_id(0)), counter)

    raw = write_refresh_token(BOX, STAFF, token)

    assert read_refresh_token(BOX, STAFF, raw) == token
    assert read_refresh_token(BOX, PORTAL, raw) is None
    assert write_refresh_token(BOX, STAFF, token) == raw
