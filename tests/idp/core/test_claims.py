"""The further standard claims about a person."""

import pytest

from idp.core.claims import find_bad_claims, parse_claims


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"nickname": "Ada", "birthdate": "0000-12-31", "phone_number_verified": True},
        {"website": "https://example.co.nz/a?b#c", "birthdate": "1990"},
        {"address": {"formatted": "1 Queen St\r\nAuckland", "country": "NZ"}},
    ],
)
def test_standard_claims_are_kept(claims: dict[str, object]) -> None:
    assert find_bad_claims(claims) is None


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": "somebody else"}, "'sub' is not a further"),
        ({"email": "a@example.com"}, "'email' is not a further"),
        ({"roles": ["owner"]}, "'roles' is not a further"),
        ({"nickname": ""}, "nickname: must be text"),
        ({"nickname": 7}, "nickname: must be text"),
        ({"nickname": "a\0"}, "nickname: must not contain"),
        ({"website": "javascript:alert(1)"}, "website: must be an http"),
        ({"picture": "https://user@example.com/"}, "picture: must be an http"),
        ({"birthdate": "31.12.1990"}, "birthdate: must be a date"),
        ({"phone_number_verified": "yes"}, "phone_number_verified: must be true"),
        ({"address": "1 Queen St"}, "address: must be an object"),
        ({"address": {"planet": "Earth"}}, "address: must be an object"),
        ({"address": {"country": 64}}, "address: country must be text"),
        ({"address": dict.fromkeys(("formatted", "region"), "ā" * 1024)}, "longer than"),
    ],
)
def test_anything_else_is_refused(claims: dict[str, object], reason: str) -> None:
    assert reason in (find_bad_claims(claims) or "")


def test_a_json_object_is_read() -> None:
    assert parse_claims('{"address": {"country": "NZ"}}') == {"address": {"country": "NZ"}}


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a":' * 100_000]
)
def test_other_texts_are_not(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the reason differs
        parse_claims(text)
