"""Turns the database's "there is one already" into a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from idp.errors import Conflict


@contextmanager
def one_of_a_kind(code: str, **params: object) -> Iterator[None]:
    """Refuse as `Conflict` what the block writes against a constraint; flush inside the block.

    Of several who write the same at the same time, the database lets one through. The unit of
    work is over after a refusal.

    Raises:
        Conflict: `code`.
    """
    try:
        yield
    except IntegrityError as error:
        raise Conflict(code, detail=str(error.orig), **params) from error
