"""What every campaign starts from: an installation with four workers, one for each database.

Starting one takes longer than most campaigns at their small size, so they share it: each looks only
at what it added itself.
"""

from collections.abc import Iterator

import pytest

from tests.campaigns.fleet import Fleet, running_fleet
from tests.support import databases
from tests.support.installation import write_installation


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)],
)
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Give the running product with four worker processes."""
    folder = tmp_path_factory.mktemp("fleet")
    installation = write_installation(
        folder,
        database_url=databases.fresh_url(request, folder),
        settings={"server": {"workers": 4, "threads": 8}},
    )
    with running_fleet(installation) as running:
        yield running
