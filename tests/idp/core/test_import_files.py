"""CSV files as people send them: what can be read is read, what cannot costs one row."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.import_files import COLUMNS, BadRow, SourceRow, UserFile
from idp.core.spreadsheets import guard_cell, unguard_cell
from idp.errors import InvalidInput


def rows_of(content: bytes | str) -> list[SourceRow | BadRow]:
    raw = content.encode() if isinstance(content, str) else content
    return list(UserFile(io.BufferedReader(io.BytesIO(raw))).rows())


def good(content: bytes | str) -> list[dict[str, str]]:
    return [dict(row.cells) for row in rows_of(content) if isinstance(row, SourceRow)]


def bad(content: bytes | str) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in rows_of(content) if isinstance(row, BadRow)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_line_end_and_common_encodings_are_read(end: str, encoding: str) -> None:
    text = end.join(["username,given_name", "ada,M\u0101ia", "", '"bob","Bob, Jr"', ""])

    assert good(text.encode(encoding)) == [
        {"username": "ada", "given_name": "M\u0101ia"},
        {"username": "bob", "given_name": "Bob, Jr"},
    ]


def test_columns_may_stand_in_any_order_and_case() -> None:
    assert good("EMAIL, Username\na@example.com, ada \n") == [
        {"email": "a@example.com", "username": "ada"}
    ]


def test_all_columns_of_the_contract_are_known() -> None:
    assert good(",".join(COLUMNS) + "\n" + "," * (len(COLUMNS) - 1)) != []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "header row"),
        ("\n", "header row"),
        (",,\n", "header row"),
        ("user_name\nada\n", 'did you mean "username"?'),
        ("username,shoe size\n", "there are: username"),
        ("username;email\n", "separated by commas"),
        ("username,email,email\n", "twice"),
        ("given_name\nAda\n", "there must be a column username"),
        ('"username\nada\n', "header"),
        ("x" * 70_000, "header"),
        ("username\0\nada\n", "no column"),
    ],
)
def test_a_header_that_is_not_understood_stops_the_import(content: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rows_of(content)
    assert reason in str(refused.value.params["reason"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bad", "has 1 cells; the header has 2"),
        ("bad,b,c", "has 3 cells"),
        ('"bad,b', "expected after"),
        ('"bad"x,b', "expected after"),
        ("bad," + "b" * 1_000_000, "longer than"),
        ('bad,"two\nlines"', "line break"),
    ],
)
def test_a_row_that_cannot_be_read_costs_that_row_only(line: str, reason: str) -> None:
    content = f'username,name\nada,A\n{line}\nbob,"B"\ncleo,C\n'

    assert {row["username"] for row in good(content)} >= {"ada", "bob", "cleo"}
    assert len(good(content)) == 3
    refused = bad(content)
    assert refused[0][0] == 3
    assert reason in refused[0][1]


def test_an_open_quotation_mark_at_the_end_costs_one_row() -> None:
    content = 'username,name\nada,A\n"bob,B\ncleo,C\ndora,D'

    assert [row["username"] for row in good(content)] == ["ada", "cleo", "dora"]
    assert [line for line, _ in bad(content)] == [3]


def test_an_open_quotation_mark_does_not_swallow_a_long_file() -> None:
    rows = [f"user{number},N" for number in range(1000)]
    rows[10] = '"user10,N'
    rows[500] = 'user500,"N'

    content = "username,name\n" + "\n".join(rows)

    assert len(good(content)) == 998
    assert [line for line, _ in bad(content)] == [12, 502]


def test_bytes_that_are_no_text_cost_one_row() -> None:
    content = b"username,name\nada,A\nbob,M\xe4ori\ncleo,C\n"

    assert [row["username"] for row in good(content)] == ["ada", "cleo"]
    ((line, reason),) = bad(content)
    assert line == 3
    assert "UTF-8" in reason


def test_claims_may_stand_on_several_lines() -> None:
    content = 'username,claims\nada,"{""nickname"":\n ""A""}"\nbob,\n'

    assert [row["username"] for row in good(content)] == ["ada", "bob"]


def test_cells_that_were_made_safe_for_a_spreadsheet_read_back() -> None:
    (row,) = good("username,phone_number,password\nada,'+64 21 1,'=secret\n")

    assert row["phone_number"] == "+64 21 1"
    assert row["password"] == "'=secret"


@given(st.text())
def test_guarding_a_cell_can_be_undone(text: str) -> None:
    guarded = guard_cell(text)

    assert unguard_cell(guarded) == text
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(junk: bytes) -> None:
    rows = rows_of(b"username,name\n" + junk + b"\nada,A\n")

    assert all(row.line >= 2 for row in rows)


def test_memory_stays_the_same_for_a_long_file() -> None:
    def lines() -> Iterator[bytes]:
        yield b"username,name\n"
        for number in range(30_000):
            yield f"user{number},{'n' * 50}\n".encode()
        yield b'open,"'
        for _ in range(3_000):
            yield b"x" * 1_000

    stream = io.BufferedReader(_Streamed(lines()))  # type: ignore[type-var]
    tracemalloc.start()
    count = sum(1 for _ in UserFile(stream).rows())  # type: ignore[arg-type, misc]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 30_001
    assert peak < 4 * 1024 * 1024


class _Streamed(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
