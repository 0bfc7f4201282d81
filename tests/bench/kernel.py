"""The policy kernel by itself: one `evaluate`, and one `judge` with every offline rule."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from idp.adapters.common_passwords import CommonPasswordList
from idp.adapters.strength import ZxcvbnMeter
from policy.engine import evaluate, judge
from policy.model import PolicyVersion
from tests.policy.cases import DAY, NOW, a_candidate, a_policy, some_facts

_ROUNDS = 5
_PASSWORD = "Kereru 7 over the harbour " * 9
_WAVES = {"per_hour": 50, "quiet": "22:00/06:00", "zone": "Pacific/Auckland"}


def ten_rules(least: int, number: int, **more: Any) -> PolicyVersion:  # noqa: ANN401 - any setting
    """Return a policy with every rule, its word lists of ordinary size."""
    rules = {
        "length": {"min": least},
        "characters": {"digits": 1},
        "differs_from_current": {"min_distance": 4},
        "history": {"last": 5},
        "blocklist": {
            "words": [f"word{index}" for index in range(1000)],
            "patterns": [f"*exo{index}*" for index in range(100)],
        },
        "breached": {"source": "file"},
        "not_personal": {},
        "strength": {"min_score": 3},
        "max_age": {"days": 365, "warn_days": 14},
        "min_age": {"hours": 24},
    }
    return a_policy(rules, number=number, published_at=NOW, **more)


def microseconds(act: Callable[[], object], count: int) -> float:
    """Return the CPU microseconds of one `act`, the best of a few rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(count):
            act()
        best = min(best, (time.process_time() - began) * 1e6 / count)
    return best


def rows() -> Iterator[str]:
    """Measure and yield the lines of a Markdown table."""
    old, new = ten_rules(8, 1), ten_rules(12, 2)
    staged = ten_rules(12, 2, waves=_WAVES, grace="P7D")
    common, meter = CommonPasswordList(), ZxcvbnMeter()

    def judge_offline() -> None:
        facts = {
            "is_common": common.contains(_PASSWORD),
            "strength": meter.score(_PASSWORD, ("ada.lovelace", "Ada", "Lovelace")),
            "is_breached": False,
            "current_password": _PASSWORD[::-1],
        }
        judge(new, a_candidate(_PASSWORD, **facts))

    yield "| what | CPU µs | aim |"
    yield "|---|---|---|"
    for name, policy, judged, now in (
        ("evaluate, ten rules: accepted", new, new, NOW),
        ("evaluate, ten rules: marked", new, old, NOW),
        ("evaluate, ten rules: too old and marked", new, old, NOW + 999 * DAY),
        ("evaluate, ten rules: in grace", staged, old, NOW),
        ("evaluate, ten rules: waiting for a wave", staged, old, NOW + timedelta(days=8)),
    ):
        facts = some_facts(judged, marked_by=policy)
        took = microseconds(lambda p=policy, f=facts, n=now: evaluate(p, f, n), 5000)  # type: ignore[misc]
        yield f"| {name} | {took:.1f} | ≤ 20 |"
    took = microseconds(judge_offline, 20)
    yield f"| judge, every offline rule, {len(_PASSWORD)} characters | {took:.0f} | ≤ 10000 |"
