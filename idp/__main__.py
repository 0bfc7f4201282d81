"""The program `idp`, also run as `python -m idp`."""

from idp.cli import idp
from idp.cli.base import CliContext, Parts


def main() -> None:
    """Run the command line and end the process with its exit status."""
    idp.main(prog_name="idp", obj=CliContext(_composition_root))


def _composition_root() -> Parts:
    from idp import app  # noqa: PLC0415 - `idp --help` must not wait for all of it

    app.start_quiet_log()
    return app


if __name__ == "__main__":
    main()
