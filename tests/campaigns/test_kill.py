"""Processes that die at any moment: nothing lost, nothing doubled (catalogue X-01, X-11)."""

import random  # noqa: TID251 - when a process dies is no secret
import threading
from collections import Counter

import pytest

from idp.store.tokens import TokenFamilyRow
from tests.campaigns.fleet import NO_ANSWER, Caller, Fleet, Reply, kill
from tests.conftest import StartIdp
from tests.support.sizes import campaign_size
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_KILLS = 200
_CODES_PER_KILL = 20
_CLIENTS = 8


def test_workers_killed_during_redemptions(fleet: Fleet) -> None:
    kills = campaign_size(_KILLS)
    codes = fleet.issue_codes(kills * _CODES_PER_KILL)
    given: dict[str, list[Reply]] = {}
    is_over = threading.Event()

    def redeem_share(share: list[str]) -> None:
        caller = Caller(fleet.installation.port)
        for code in share:
            given[code] = _with_one_retry(caller, code)
        caller.close()

    clients = [
        threading.Thread(target=redeem_share, args=(codes[number::_CLIENTS],))
        for number in range(_CLIENTS)
    ]
    killer = threading.Thread(target=_kill_now_and_then, args=(fleet, kills, is_over))
    for thread in (*clients, killer):
        thread.start()
    for client in clients:
        client.join()
    is_over.set()
    killer.join()

    finals = Counter((replies[-1].status, replies[-1].error) for replies in given.values())
    allowed = {(200, None), (400, "invalid_grant"), (NO_ANSWER.status, None)}
    assert set(finals) <= allowed
    assert all(sum(reply.status == 200 for reply in replies) <= 1 for replies in given.values())
    answered = sum(any(reply.status == 200 for reply in replies) for replies in given.values())
    assert answered <= fleet.count(TokenFamilyRow) <= len(codes)
    assert finals[200, None] > len(codes) // 2
    wait_until(lambda: len(fleet.web_workers()) == 4, what="four workers again")
    assert len(fleet.refresh_tokens(1)) == 1


def _with_one_retry(caller: Caller, code: str) -> list[Reply]:
    replies = [caller.redeem(code)]
    if replies[0] == NO_ANSWER:
        replies.append(caller.redeem(code))
    return replies


def _kill_now_and_then(fleet: Fleet, kills: int, is_over: threading.Event) -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(kills):
        if is_over.wait(chance.uniform(0.05, 0.5)):
            return
        workers = fleet.web_workers()
        if workers:
            kill(chance.choice(workers))


def test_everything_killed_and_started_again(fleet: Fleet, start: StartIdp) -> None:
    live, revoked, rotated = fleet.refresh_tokens(3)
    caller = Caller(fleet.installation.port)
    used_code, fresh_code = fleet.issue_codes(2)
    assert caller.redeem(used_code).status == 200
    assert caller.post("/revoke", token=revoked).status == 200
    successor = caller.refresh(rotated).body["refresh_token"]
    caller.close()

    fleet.server.kill()
    config = str(fleet.installation.config)
    start("serve", "--config", config, ready=f"{fleet.installation.url}/readyz")

    caller = Caller(fleet.installation.port)
    assert caller.refresh(live).status == 200
    assert caller.refresh(revoked).error == "invalid_grant"
    assert caller.refresh(successor).status == 200
    assert caller.redeem(fresh_code).status == 200
    assert caller.redeem(used_code).error == "invalid_grant"
    caller.close()
