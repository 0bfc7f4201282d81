"""How large a campaign is: a twentieth in `make test`, as stated in `make soak`."""

import os

_FRACTION = 20


def campaign_size(stated: int) -> int:
    """Return how many of the `stated` number this run does; at least one."""
    if os.environ.get("IDP_TEST_SIZE") == "full":
        return stated
    return max(1, stated // _FRACTION)
