"""The log: one line for each event, no secret, no control character."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from idp.adapters.logs import MAX_LINE_BYTES, Format, log_event, mask_target, start_log
from idp.clock import FakeClock
from idp.core.events import Event, EventCode
from tests.support.world import STAFF, make_world, trace_from

NASTY = 'x\r\n{"level": "info"}\x1b[2J\x85\u2028"end\U000e0041'
TOKEN = "Zq" * 21 + "Z"

Lines = Callable[[Format], io.StringIO]


@pytest.fixture
def log_to() -> Iterator[Lines]:
    """Give a way to send the log to a text; the standard library's loggers are put back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def begin(style: Format, least: str = "debug") -> io.StringIO:
        stream = io.StringIO()
        start_log(least, style, stream)
        return stream

    yield begin
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("style", ["json", "text"])
def test_nothing_from_outside_begins_a_line(log_to: Lines, style: Format) -> None:
    stream = log_to(style)

    structlog.get_logger("idp.test").warning(NASTY, agent=NASTY, nested={"name": NASTY})
    logging.getLogger("elsewhere").warning("%s", NASTY)

    text = stream.getvalue()
    assert text.count("\n") == 2
    assert all(line.isprintable() for line in text.removesuffix("\n").split("\n"))


def test_a_json_line_can_be_read_back(log_to: Lines) -> None:
    stream = log_to("json")

    structlog.get_logger("idp.test").info("happened", agent=NASTY, count=3, ok=True, left=None)

    line = json.loads(stream.getvalue())
    assert line["event"] == "happened"
    assert line["agent"] == NASTY
    assert (line["count"], line["ok"], line["logger"]) == (3, True, "idp.test")
    assert line["at"].endswith("Z")
    assert "left" not in line


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_line_is_cut(log_to: Lines, style: Format) -> None:
    stream = log_to(style)

    structlog.get_logger("idp.test").info(
        "é" * 5000, agent="x" * 1_000_000, nested={str(n): "y" * 400 for n in range(50)}
    )

    line = stream.getvalue()
    assert len(line.encode()) <= MAX_LINE_BYTES + 1
    assert "cut" in line


def test_of_a_traceback_the_end_is_kept(log_to: Lines) -> None:
    stream = log_to("json")

    def fail(depth: int) -> None:
        if depth == 0:
            raise ZeroDivisionError("at the bottom")
        fail(depth - 1)

    for log in (structlog.get_logger("idp.test"), logging.getLogger("elsewhere")):
        try:
            fail(40)
        except ZeroDivisionError as error:
            log.error("bug", exc_info=error)  # noqa: TRY400 - how http.errors calls it
    structlog.get_logger("idp.test").error("no bug", exc_info=False)

    for line in stream.getvalue().splitlines()[:2]:
        assert json.loads(line)["traceback"].rstrip().endswith("ZeroDivisionError: at the bottom")
        assert len(line) <= MAX_LINE_BYTES


@pytest.mark.parametrize(
    "name", ["password", "new_password", "client_secret", "access_token", "Authorization", "cookie"]
)
def test_a_secret_is_hidden_by_its_name(log_to: Lines, name: str) -> None:
    stream = log_to("json")

    structlog.get_logger("idp.test").info("form", **{name: TOKEN}, form={name: TOKEN})

    assert TOKEN not in stream.getvalue()


def test_loggers_that_tell_too_much_stay_quiet(log_to: Lines) -> None:
    stream = log_to("json")

    logging.getLogger("authlib.oauth2").debug("token %s", TOKEN)
    logging.getLogger("sqlalchemy.engine").info("parameters %s", TOKEN)

    assert stream.getvalue() == ""


def test_the_level_holds(log_to: Callable[[str, str], io.StringIO]) -> None:
    stream = log_to("text", "error")

    structlog.get_logger("idp.test").warning("not this")
    logging.getLogger("elsewhere").warning("nor this")
    structlog.get_logger().error("this", why="a b")

    assert stream.getvalue().count("\n") == 1
    assert 'why="a b"' in stream.getvalue()


@pytest.mark.parametrize(
    ("target", "masked"),
    [
        ("/realms/staff/sign-in", "/realms/staff/sign-in"),
        ("/realms/staff/authorize?code=1&state=2", "/realms/staff/authorize?***"),
        (f"/realms/staff/reset-password/{TOKEN}", "/realms/staff/reset-password/***"),
        ("/realms/staff/setup/short", "/realms/staff/setup/***"),
        (
            f"/id/realms/staff/interaction/{TOKEN}/sign-in",
            "/id/realms/staff/interaction/***/sign-in",
        ),
        (f"/{TOKEN}", "/***"),
        (
            "/admin/api/v1/realms/staff/users/01998a2b-7c3d-7e4f-8a5b-6c7d8e9f0a1b/lock",
            "/admin/api/v1/realms/staff/users/01998a2b-7c3d-7e4f-8a5b-6c7d8e9f0a1b/lock",
        ),
    ],
)
def test_an_address_is_logged_without_its_secret(target: str, masked: str) -> None:
    assert mask_target(target) == masked


def test_audit_events_reach_the_log_after_their_commit(log_to: Lines, database_url: str) -> None:
    world = make_world(database_url, FakeClock())
    world.runtime.observers = (log_event,)
    stream = log_to("json")

    with world.runtime.begin(STAFF, trace=trace_from("192.0.2.7")) as uow:
        params: dict[str, object] = {"reason": "wrong_password", "password": TOKEN}
        uow.record(Event(code=EventCode.USER_SIGN_IN_REFUSED, subject_id="u1", params=params))
        assert stream.getvalue() == ""
    world.runtime.database.close()

    line = json.loads(stream.getvalue())
    assert line["event"] == "user.sign_in_refused"
    assert (line["realm"], line["subject"], line["address"]) == ("staff", "u1", "192.0.2.7")
    assert line["params_reason"] == "wrong_password"
    assert TOKEN not in stream.getvalue()
