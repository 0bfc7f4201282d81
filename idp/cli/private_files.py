"""Files that hold people's names and addresses: only their owner may read them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from idp.cli.refusals import Refusal


def open_private(path: Path, *, shown: Path | None = None, encoding: str = "utf-8") -> IO[str]:
    """Open a new file in place of whatever was there; `shown` is what a refusal names."""
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        message = f"{shown or path} cannot be written: {error.strerror}"
        raise Refusal(message) from error
    return os.fdopen(descriptor, "w", encoding=encoding, newline="")


@contextmanager
def replacing(file: Path, *, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """Give a stream whose text becomes `file` when the block ends; after a failure it stays."""
    part = file.with_name(f".{file.name}.part")
    try:
        with open_private(part, shown=file, encoding=encoding) as stream:
            yield stream
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
