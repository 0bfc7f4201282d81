"""How large a campaign is: a twentieth in `make test`, as stated in `make soak`."""

import os

_FRACTION = 20


def is_full_size() -> bool:
    """Tell whether this run has the stated sizes; only then may a time be asserted."""
    return os.environ.get("IDP_TEST_SIZE") == "full"


def campaign_size(stated: int) -> int:
    """Return how many of the `stated` number this run does; at least one."""
    if is_full_size():
        return stated
    return max(1, stated // _FRACTION)
