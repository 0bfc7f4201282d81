"""Cursors and entity tags: what was given out comes back, anything else is refused."""

import base64

import pytest

from idp.api.etags import check_if_match, etag_of, expected_version
from idp.api.paging import (
    read_cursor,
    read_id_cursor,
    read_moment_cursor,
    read_number_cursor,
    write_cursor,
)
from idp.errors import IdpError, InvalidInput

ID = "01a19b7c-a680-71ed-a000-10f1856031c3"
MOMENT = "2026-11-02T09:00:00+00:00"


def _raw(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_comes_back_whole() -> None:
    moment, event_id = read_moment_cursor(write_cursor(MOMENT, ID))

    assert read_cursor(write_cursor("é", 7), str, int) == ["é", 7]
    assert read_id_cursor(write_cursor(ID)) == ID
    assert read_number_cursor(write_cursor(7)) == 7
    assert (moment.isoformat(), event_id) == (MOMENT, ID)
    assert read_id_cursor(None) is None
    assert read_number_cursor(None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "é",
        "*",
        _raw("{"),
        _raw("{}"),
        _raw("7"),
        _raw("[]"),
        _raw('["a", "b", "c"]'),
        _raw('["\\u0000"]'),
        _raw('["\\ud800"]'),
        _raw("[true]"),
        _raw("[-1]"),
        _raw("[99999999999999]"),
        _raw("[" * 50_000),
        _raw(f'["yesterday", "{ID}"]'),
        _raw(f'["2026-11-02T09:00:00", "{ID}"]'),
        _raw(f'["0001-01-01T00:00:00+14:00", "{ID}"]'),
        _raw(f'["9999-12-31T23:59:59-14:00", "{ID}"]'),
        _raw(f'["{MOMENT}", "nobody"]'),
        _raw('["nobody"]'),
    ],
)
def test_a_cursor_that_was_never_given_is_refused(cursor: str) -> None:
    for read in (read_id_cursor, read_number_cursor, read_moment_cursor):
        with pytest.raises(InvalidInput) as refused:
            read(cursor)
        assert refused.value.code == "list.bad_cursor"


def test_a_version_is_its_own_tag() -> None:
    tag = etag_of(3)

    assert expected_version(tag) == 3
    assert expected_version(f" {tag} ") == 3
    assert expected_version("*") is None
    for header in (None, "*", tag, f'"v2", {tag}'):
        check_if_match(header, 3)


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 428), ("", 412), ("3", 412), ('W/"v3"', 412), ('"v3', 412), ('"v12345678901"', 412)],
)
def test_a_change_without_a_good_tag_is_refused(header: str | None, status: int) -> None:
    with pytest.raises(IdpError) as refused:
        expected_version(header)

    assert refused.value.status == status


def test_another_version_is_refused_where_a_tag_is_only_taken() -> None:
    for header in ('"v4"', "", 'W/"v3"'):
        with pytest.raises(IdpError) as refused:
            check_if_match(header, 3)
        assert refused.value.status == 412
