"""What is wrong with a policy document, and where."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class PolicyError(ValueError):
    """A policy document that cannot be used: where (dotted path) and why, for people."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@contextmanager
def errors_under(prefix: str) -> Iterator[None]:
    """Let a `PolicyError` from inside name its place from further up the document."""
    try:
        yield
    except PolicyError as error:
        path = ".".join(filter(None, (prefix, error.path)))
        raise PolicyError(path, error.reason) from error


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return what to do about an unknown name: the one probably meant, or all there are."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"valid names: {', '.join(names)}" if names else "nothing can be set here"
