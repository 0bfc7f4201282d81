"""Where the databases of tests lie: in memory, where there is enough of it."""

import shutil
from pathlib import Path

from tests.support.sizes import is_full_size

_FOLDER = Path("/dev/shm")  # noqa: S108 - only its children are used, and those have random names
_ENOUGH_BYTES = 4 * 1024**3


def database_folder() -> Path | None:
    """Return the folder in which to make databases, or None for the usual temporary one.

    Thousands of tests have a database each, and a disk would let them wait for copies that nobody
    keeps. Where times are asserted the disk stays.
    """
    if is_full_size() or not _FOLDER.is_dir():
        return None
    return _FOLDER if shutil.disk_usage(_FOLDER).free >= _ENOUGH_BYTES else None
