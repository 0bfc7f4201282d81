"""`idp doctor`: looks at everything an installation rests on and says how to mend it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click
import requests
import sqlalchemy as sa

from connectors.port import ConnectorError, DirectoryUnavailable
from idp.cli.base import CliContext, json_option
from idp.cli.output import printable, printable_lines
from idp.config import Connector
from idp.core.readiness import check_readiness
from idp.core.roles import ADMIN_REALM
from idp.core.runtime import Runtime
from idp.core.work import HOST
from idp.errors import ConfigError, Unavailable

_CLOCK_TOLERANCE = timedelta(seconds=2)
_DIRECTORY_CLOCK_TOLERANCE = timedelta(seconds=60)
_CERTIFICATE_SOON = timedelta(days=21)
_TIMEOUT_S = 3
_MISDIRECTED = 421


@dataclass(frozen=True, slots=True)
class Result:
    """What one look found. `problem` is None when all is well; `hint` may come with either."""

    name: str
    problem: str | None = None
    hint: str | None = None


@click.command()
@json_option
@click.pass_obj
def doctor(context: CliContext, *, as_json: bool) -> None:
    """Check the installation: each line says OK, or what is wrong and how to mend it."""
    results = list(_examine(context))
    is_well = all(result.problem is None for result in results)
    if as_json:
        context.print_json({"is_well": is_well, "results": results})
    else:
        for result in results:
            _print(result)
    sys.exit(0 if is_well else 1)


def _print(result: Result) -> None:
    state = "OK     " if result.problem is None else "PROBLEM"
    told = f"{result.name}: {result.problem}" if result.problem else result.name
    click.echo(f"{state} {printable_lines(told)}")
    for line in (result.hint or "").splitlines():
        click.echo(f"        {printable(line)}")


def _examine(context: CliContext) -> Iterator[Result]:
    try:
        config = context.config
    except ConfigError as error:
        yield Result("configuration", str(error))
        return
    yield Result("configuration")
    try:
        runtime = context.lent_runtime or context.parts().assemble(config)
    except ConfigError as error:
        yield _not_assembled(error)
        return
    try:
        yield Result("key file", hint=f"keep a copy of {config.secrets.key_file} elsewhere")
        for check in check_readiness(runtime):
            yield Result(check.title, check.problem, check.remedy)
        yield from _check_clock(runtime)
        problem = context.parts().check_mail(config)
        yield Result(
            "mail", problem, "check mail.url; mail waits in the outbox" if problem else None
        )
        yield from _check_directories(runtime)
        yield _check_proxy(runtime)
        yield _check_cookies(runtime)
    finally:
        if context.lent_runtime is None:
            runtime.database.close()


def _not_assembled(error: ConfigError) -> Result:
    """Tell why the parts could not be put together: a directory's settings, or the key file."""
    if error.path.startswith("connectors."):
        name = error.path.split(".")[1]
        hint = "mend the setting; nothing starts before that"
        return Result(f"directory {name}", str(error), hint)
    return Result("key file", str(error))


def _check_directories(runtime: Runtime) -> Iterator[Result]:
    """Ask each directory, as a run would; what is kept in the clear is hinted at."""
    for name, connector in runtime.config.connectors.items():
        title = f"directory {name}"
        hints = list(_hints(name, connector))
        try:
            report = runtime.directories.source(name).check()
        except DirectoryUnavailable as error:
            hint = "check that it runs, its url, and what lies between; nobody is changed meanwhile"
            yield Result(title, f"it does not answer: {error.reason}", "\n".join([hint, *hints]))
            continue
        except ConnectorError as error:
            hint = f"mend [connectors.{name}], then: idp directory check --connector {name}"
            yield Result(title, error.reason, "\n".join([hint, *hints]))
            continue
        hints += [f"warning: {warning}" for warning in report.warnings]
        if report.clock_ahead is not None and abs(report.clock_ahead) > _DIRECTORY_CLOCK_TOLERANCE:
            off = report.clock_ahead.total_seconds()
            hints.append(f"its clock is {off:+.0f} s from ours: run NTP on both")
        ends = report.certificate_expires_at
        if ends is not None and ends - runtime.clock.now() < _CERTIFICATE_SOON:
            hints.append(f"its certificate expires at {ends:%Y-%m-%d %H:%M}Z: renew it")
        yield Result(title, hint="\n".join(hints) or None)


def _hints(name: str, connector: Connector) -> Iterator[str]:
    password = connector.settings.reveal().get("bind_password")
    if isinstance(password, str) and not password.startswith("sealed:"):
        yield (
            f"connectors.{name}.bind_password stands there in the clear;"
            " `idp directory seal` prints what may stand there instead"
        )


def _check_clock(runtime: Runtime) -> Iterator[Result]:
    """Compare the database's clock with this machine's; one file has no clock of its own."""
    if runtime.database.is_sqlite:
        return
    try:
        with runtime.begin(ADMIN_REALM, write=False, actor=HOST) as uow:
            theirs = uow.db.scalar(sa.select(sa.func.clock_timestamp()))
    except Unavailable:
        return
    ours = runtime.clock.now()
    off = abs(ours - theirs) if isinstance(theirs, datetime) else timedelta(0)
    if off <= _CLOCK_TOLERANCE:
        yield Result("clock")
        return
    problem = f"differs from the database's by {off.total_seconds():.0f} s"
    yield Result("clock", problem, f"run NTP on both; here it is {ours.astimezone(UTC):%H:%M:%S}Z")


def _check_proxy(runtime: Runtime) -> Result:
    server = runtime.config.server
    prefix = server.path_prefix
    if not prefix:
        return Result("public address", hint=server.public_url)
    return Result(
        "public address",
        hint=(
            f"{server.public_url}\nthe proxy must pass these to {server.listen} unchanged:\n"
            f"  {prefix}/\n"
            f"  /.well-known/oauth-authorization-server{prefix}/\n"
            "and, for password managers, /.well-known/change-password"
        ),
    )


def _check_cookies(runtime: Runtime) -> Result:
    """Ask the running server through its public address, as a browser would."""
    name = "cookies behind the proxy"
    url = runtime.config.server.public_url
    try:
        alive = requests.get(f"{url}/healthz", timeout=_TIMEOUT_S, allow_redirects=False)
        page = f"{runtime.config.issuer(ADMIN_REALM)}/sign-in"
        answer = requests.get(page, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.exceptions.SSLError:
        return Result(name, hint=f"not looked at: this machine does not trust the TLS of {url}")
    except requests.RequestException:
        return Result(name, hint=f"not looked at: nothing answers at {url} from here")
    if answer.status_code == _MISDIRECTED:
        hint = "let the proxy pass the Host header on (nginx: proxy_set_header Host $http_host)"
        return Result(name, "the proxy changes the Host header", hint)
    if not alive.ok or "alive" not in alive.text:
        return Result(name, f"{url} answers, but it is not this server", "check server.public_url")
    wrong = [
        text for text in _cookies(answer) if "__Host-" not in text or "secure" not in text.lower()
    ]
    if wrong:
        hint = "the proxy must not rewrite Set-Cookie"
        return Result(name, "cookies arrive without their protection", hint)
    return Result(name)


def _cookies(answer: requests.Response) -> list[str]:
    raw = answer.raw.headers
    found: list[str] = raw.getlist("Set-Cookie") if hasattr(raw, "getlist") else []
    return found
