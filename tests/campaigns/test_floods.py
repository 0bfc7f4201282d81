"""Too much at once: memory stays bounded, and everybody else is still served (Q-01, Q-02)."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.browsers import Person
from tests.campaigns.fleet import PASSWORD, Caller, Fleet, running_fleet
from tests.support import databases
from tests.support.installation import write_installation
from tests.support.sizes import campaign_size

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_MEMORY_KIB = 19_456
_CONCURRENT = 2
_ALLOWANCE_KIB = 96 * 1024
"""Room for threads, forms and fragmentation in each worker, beside the hashes."""


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)],
)
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Give two workers that hash as in production, and do not brake addresses."""
    folder = tmp_path_factory.mktemp("busy")
    settings: dict[str, dict[str, object]] = {
        "server": {"workers": 2, "threads": 16},
        "hashing": {"memory_kib": _MEMORY_KIB, "time_cost": 2, "max_concurrent": _CONCURRENT},
        "limits": {"sign_in_per_account": "off", "sign_in_per_address": "off"},
    }
    installation = write_installation(
        folder, database_url=databases.fresh_url(request, folder), settings=settings
    )
    with running_fleet(installation) as running:
        yield running


def test_five_hundred_sign_ins_at_once(busy: Fleet) -> None:
    port = busy.installation.port
    token = busy.refresh_tokens(1)[0]
    people = [Person(port) for _ in range(campaign_size(500))]
    assert {person.look() for person in people} == {200}
    before = {pid: _resident(pid, "VmRSS") for pid in busy.web_workers()}
    outcomes: list[tuple[int, str | None]] = []

    def sign_in(number: int, person: Person) -> None:
        name = "ada" if number % 2 else f"nobody-{number}"
        outcomes.append(person.sign_in(name, PASSWORD))

    threads = [
        threading.Thread(target=sign_in, args=(number, person))
        for number, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    caller = Caller(port)
    meanwhile = caller.refresh(token)
    for thread in threads:
        thread.join()

    statuses = Counter(status for status, _ in outcomes)
    assert len(outcomes) == len(people)
    assert set(statuses) <= {303, 401, 429, 503}
    assert all(retry for status, retry in outcomes if status in {429, 503})
    assert meanwhile.status == 200
    for pid, base in before.items():
        assert _resident(pid, "VmHWM") <= base + _CONCURRENT * _MEMORY_KIB + _ALLOWANCE_KIB
    assert caller.refresh(meanwhile.body["refresh_token"]).status == 200
    caller.close()
    last = people[0]
    last.look()
    assert last.sign_in("ada", PASSWORD)[0] == 303
    for person in people:
        person.close()


def test_huge_passwords_are_refused_without_being_hashed(busy: Fleet) -> None:
    for size in (5 * 1024, 60 * 1024, 1024 * 1024):
        answers = set()
        for name in ("ada", "nobody"):
            person = Person(busy.installation.port)
            person.look()
            answers.add(person.sign_in(name, "x" * size)[0])
            person.close()
        assert answers <= {400, 413}
        assert len(answers) == 1


def _resident(pid: int, name: str) -> int:
    """Return a figure of a process in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
