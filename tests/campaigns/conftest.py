"""What every campaign starts from: a set-up installation with four workers, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.fleet import Fleet, running_fleet
from tests.conftest import StartIdp
from tests.support.installation import write_installation


@pytest.fixture
def fleet(database_url: str, tmp_path: Path, start: StartIdp) -> Iterator[Fleet]:
    """Give the running product with four worker processes."""
    installation = write_installation(
        tmp_path, database_url=database_url, settings={"server": {"workers": 4, "threads": 8}}
    )
    with running_fleet(installation, start) as running:
        yield running
