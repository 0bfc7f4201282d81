"""Strangers cannot tell by the clock who has an account (catalogue L-07, R-02)."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.campaigns.browsers import Person
from tests.campaigns.fleet import Fleet, running_fleet
from tests.support.installation import write_installation
from tests.support.record import record
from tests.support.sizes import campaign_size, is_full_size

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_SAMPLES = 2_000
_WARM_UP = 20
_APART_MS = 2.0
_LEAST_AUC = 0.45
OK, REFUSED = 200, 401


@pytest.fixture
def quiet(database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    """Give one worker that hashes as in production and brakes nobody."""
    settings: dict[str, dict[str, object]] = {
        "server": {"workers": 1, "threads": 4},
        "hashing": {"memory_kib": 19_456, "time_cost": 2},
        "limits": {
            "sign_in_per_account": "off",
            "sign_in_per_address": "off",
            "reset_per_account": "off",
            "reset_per_address": "off",
        },
    }
    installation = write_installation(tmp_path, database_url=database_url, settings=settings)
    with running_fleet(installation) as running:
        yield running


def test_a_wrong_password_takes_as_long_for_nobody(quiet: Fleet) -> None:
    person = Person(quiet.installation.port)
    person.look()

    def guess(name: str) -> None:
        assert person.sign_in(name, "not the password at all")[0] == REFUSED

    _compare("sign-in", guess)
    person.close()


def test_a_forgotten_password_takes_as_long_for_nobody(quiet: Fleet) -> None:
    person = Person(quiet.installation.port)
    person.look("/realms/staff/forgot-password")

    def ask(name: str) -> None:
        assert person.forget(f"{name}@example.com") == OK

    _compare("recovery", ask)
    person.close()


def _compare(what: str, act: Callable[[str], None]) -> None:
    """Time `act` for a known and an unknown name in turn; assert only at full size."""
    samples: dict[str, list[float]] = {"ada": [], "nobody": []}
    for number in range(_WARM_UP + campaign_size(_SAMPLES)):
        for name, times in samples.items():
            began = time.perf_counter()
            act(name)
            if number >= _WARM_UP:
                times.append(time.perf_counter() - began)
    known, unknown = sorted(samples["ada"]), sorted(samples["nobody"])
    apart = abs(known[len(known) // 2] - unknown[len(unknown) // 2]) * 1000
    auc = _auc(known, unknown)
    record(f"{what} of known and unknown names: medians {apart:.2f} ms apart, AUC {auc:.3f}")
    if is_full_size():
        assert apart <= _APART_MS
        assert _LEAST_AUC <= auc <= 1 - _LEAST_AUC


def _auc(one: list[float], other: list[float]) -> float:
    """Return how often a sample of `one` is the larger (0.5: no difference; Mann-Whitney)."""
    larger, below = 0.0, 0
    for value in one:
        while below < len(other) and other[below] < value:
            below += 1
        larger += below
    return larger / (len(one) * len(other))
