"""What the tests stand on: real servers on the loopback interface, and how they are started."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The top of the tree."""

HOW_TO_INSTALL = "run tests/support/install.sh as root, or `make test`, which does"


class MissingPartError(RuntimeError):
    """A program that the tests need is not on this machine; the tests fail, they never skip."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not installed: {HOW_TO_INSTALL}")
