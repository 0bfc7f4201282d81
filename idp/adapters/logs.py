"""The log: one line for each event on standard error, without secrets or control characters.

A line is JSON or text, at most 2 KB, and written at once. Whatever came from outside is escaped,
so no value can begin a line of its own.

Spec: OWASP ASVS 16.2.5, 16.4.1.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from idp.clock import SystemClock
from idp.core.events import Event
from idp.core.work import UnitOfWork

MAX_LINE_BYTES = 2048
_MAX_VALUE = 400
_MAX_TRACEBACK = 1200
_HIDDEN = "***"
_SECRET_NAMES = re.compile(
    r"(?:.*_)?(?:password|passwd|secret|token|authorization|cookie|code_verifier|otp|hash|phc)",
    re.IGNORECASE,
)
_QUIET = {
    "alembic": logging.WARNING,
    "authlib": logging.WARNING,  # its debug lines hold tokens
    "requests_oauthlib": logging.WARNING,
    "sqlalchemy": logging.WARNING,  # its info lines hold parameters
    "urllib3": logging.WARNING,
    "werkzeug": logging.WARNING,
}
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_ONE_TIME = re.compile(r"(?<=/)(reset-password|not-me|setup|action|interaction)/[^/]+")
_LONG_PART = re.compile(r"(?<=/)(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/|$))[^/]{22,}")
_clock = SystemClock()
_audit = structlog.get_logger("idp.audit")

Format = Literal["json", "text"]
Fields = MutableMapping[str, Any]


def start_log(level: str, style: Format, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's log to `stream` (else standard error)."""
    render = _RENDERERS[style]
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, _add_origin, _complete(render)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *names: _LineWriter(stream, names[0] if names else "idp"),
        cache_logger_on_first_use=False,
    )
    handler = _LineHandler(stream)
    handler.setFormatter(_LineFormatter(render))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[level])
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, _LEVELS[level]))


def mask_target(target: str) -> str:
    """Return a request target as a log may hold it: no query, no one-time token, no secret id."""
    path, mark, _ = target.partition("?")
    path = _ONE_TIME.sub(rf"\1/{_HIDDEN}", path)
    return _LONG_PART.sub(_HIDDEN, path) + (f"?{_HIDDEN}" if mark else "")


def log_event(uow: UnitOfWork, event: Event) -> None:
    """Tell the log about an audit event after its commit (an observer of the runtime)."""
    _audit.info(
        event.code.value,
        realm=uow.realm,
        actor=uow.actor.id or uow.actor.kind,
        subject=event.subject_id,
        client=event.client_id,
        address=uow.trace.address,
        request_id=uow.trace.request_id,
        **{f"params_{name}": value for name, value in event.params.items()},
    )


class _LineWriter:
    """What structlog calls last: writes a finished line in one go."""

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self._stream = stream
        self.name = name

    def msg(self, line: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(f"{line}\n")
        stream.flush()

    debug = info = warning = error = critical = msg


class _LineHandler(logging.Handler):
    """Writes the standard library's records through the same door."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._writer = _LineWriter(stream, "logging")

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._writer.msg(self.format(record))


class _LineFormatter(logging.Formatter):
    """Gives records of the standard library the same form."""

    def __init__(self, render: Callable[[Fields], str]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        fields: Fields = {"level": record.levelname.lower(), "event": record.getMessage()}
        fields["logger"] = record.name
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        return _finish(fields, self._render)


def _add_origin(logger: Any, _method: str, fields: Fields) -> Fields:  # noqa: ANN401 - structlog's signature
    fields["logger"] = logger.name
    return fields


def _complete(render: Callable[[Fields], str]) -> Callable[[Any, str, Fields], str]:
    return lambda _logger, _method, fields: _finish(fields, render)


def _finish(fields: Fields, render: Callable[[Fields], str]) -> str:
    """Return the line of `fields`: leading facts first, secrets hidden, values and whole cut."""
    trace = _traceback_of(fields.pop("exc_info", None))
    line: Fields = {
        "at": _clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": fields.pop("level", "info"),
        "event": _bounded(fields.pop("event", "")),
    }
    for name, value in fields.items():
        if value is not None:
            line[name] = _HIDDEN if _SECRET_NAMES.fullmatch(name) else _bounded(value)
    if trace:
        line["traceback"] = trace
    return _cut(line, render)


def _cut(line: Fields, render: Callable[[Fields], str]) -> str:
    text = render(line)
    while len(text.encode()) > MAX_LINE_BYTES:
        longest = max(line, key=lambda name: len(str(line[name])))
        kept = str(line[longest])
        # The end of a traceback says most; of anything else the beginning does.
        half = len(kept) // 2
        line[longest] = kept[half:] if longest == "traceback" else kept[:half]
        line["cut"] = True
        text = render(line)
    return text


def _bounded(value: object) -> object:
    match value:
        case bool() | int() | float():
            return value
        case Mapping():
            return {
                str(key): _HIDDEN if _SECRET_NAMES.fullmatch(str(key)) else _bounded(item)
                for key, item in value.items()
            }
        case _:
            return str(value)[:_MAX_VALUE]


def _traceback_of(cause: object) -> str:
    match cause:
        case BaseException():
            lines = traceback.format_exception(cause)
        case (type(), BaseException() as error, _):
            lines = traceback.format_exception(error)
        case True:
            lines = [traceback.format_exc()]
        case _:
            return ""
    return "".join(lines)[-_MAX_TRACEBACK:]


def _as_json(line: Fields) -> str:
    return json.dumps(line, ensure_ascii=True, default=str)


def _as_text(line: Fields) -> str:
    head = f"{line['at']} {line['level']:<8}{_escaped(line['event'])}"
    rest = (
        f"{name}={_quoted(value)}"
        for name, value in line.items()
        if name not in {"at", "level", "event"}
    )
    return " ".join([head, *rest])


def _quoted(value: object) -> str:
    text = _escaped(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r'[\s"=]', text) else text


def _escaped(value: object) -> str:
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape", "backslashreplace").decode()
        for mark in str(value)
    )


_RENDERERS: Mapping[Format, Callable[[Fields], str]] = {"json": _as_json, "text": _as_text}
