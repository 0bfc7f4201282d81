"""Commands of `idp` inside the test's process, on a runtime that the test opened."""

from click.testing import CliRunner, Result

from idp import app
from idp.cli import idp
from idp.cli.base import CliContext, Parts
from idp.core.runtime import Runtime


def composition() -> Parts:
    """Return the composition root, as `idp.__main__` lends it to the commands."""
    app.start_quiet_log()
    return app


def run_command(runtime: Runtime | None, *arguments: str, stdin: str = "") -> Result:
    """Run `idp ARGUMENTS` and return what it answered (`exit_code`, `stdout`, `stderr`)."""
    context = CliContext(composition, lent_runtime=runtime)
    return CliRunner().invoke(idp, arguments, input=stdin, obj=context)
