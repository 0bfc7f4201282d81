"""Processes that die at any moment: nothing lost, nothing doubled (catalogue X-01, X-11, C-14)."""

import random  # noqa: TID251 - when a process dies is no secret
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from idp.store.tokens import TokenFamilyRow
from tests.campaigns.browsers import Person
from tests.campaigns.fleet import (
    CALLBACK,
    CHALLENGE,
    NO_ANSWER,
    PASSWORD,
    Caller,
    Fleet,
    Reply,
    kill,
    start,
)
from tests.support.sizes import campaign_size
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_KILLS = 200
_CODES_PER_KILL = 20
_CLIENTS = 8
_WORKERS = 4
OK, SEE_OTHER, TOO_MANY = 200, 303, 429
FORGOT = "/realms/staff/forgot-password"


def test_workers_killed_during_redemptions(fleet: Fleet) -> None:
    kills = campaign_size(_KILLS)
    families = fleet.count(TokenFamilyRow)
    codes = fleet.issue_codes(kills * _CODES_PER_KILL)
    given: dict[str, list[Reply]] = {}

    def redeem_share(share: list[str]) -> None:
        caller = Caller(fleet.installation.port)
        for code in share:
            given[code] = _with_one_retry(partial(caller.redeem, code))
        caller.close()

    _while_workers_die(
        fleet, kills, [partial(redeem_share, codes[number::_CLIENTS]) for number in range(_CLIENTS)]
    )

    finals = Counter((replies[-1].status, replies[-1].error) for replies in given.values())
    allowed = {(200, None), (400, "invalid_grant"), (NO_ANSWER.status, None)}
    assert set(finals) <= allowed
    assert all(sum(reply.status == 200 for reply in replies) <= 1 for replies in given.values())
    answered = sum(any(reply.status == 200 for reply in replies) for replies in given.values())
    assert answered <= fleet.count(TokenFamilyRow) - families <= len(codes)
    assert finals[200, None] > len(codes) // 2
    assert len(fleet.refresh_tokens(1)) == 1


def test_workers_killed_during_refreshes(fleet: Fleet) -> None:
    kills = campaign_size(_KILLS)
    newest: dict[int, str] = dict(enumerate(fleet.refresh_tokens(_CLIENTS)))
    finals: Counter[int] = Counter()

    def refresh_on(number: int) -> None:
        caller = Caller(fleet.installation.port)
        for _ in range(kills * _CODES_PER_KILL // _CLIENTS):
            reply = _with_one_retry(partial(caller.refresh, newest[number]))[-1]
            finals[reply.status] += 1
            newest[number] = reply.body.get("refresh_token", newest[number])
        caller.close()

    _while_workers_die(fleet, kills, [partial(refresh_on, number) for number in newest])

    assert set(finals) <= {200, NO_ANSWER.status}
    caller = Caller(fleet.installation.port)
    assert {caller.refresh(token).status for token in newest.values()} == {200}
    caller.close()


def _while_workers_die(fleet: Fleet, kills: int, acts: list[Callable[[], None]]) -> None:
    """Let each act run in a thread of its own while workers are killed; then four work again."""
    is_over = threading.Event()
    killer = threading.Thread(target=_kill_now_and_then, args=(fleet, kills, is_over))
    clients = [threading.Thread(target=act) for act in acts]
    for thread in (*clients, killer):
        thread.start()
    for client in clients:
        client.join()
    is_over.set()
    killer.join()
    wait_until(lambda: len(fleet.web_workers()) == _WORKERS, what="four workers again")


def _with_one_retry(ask: Callable[[], Reply]) -> list[Reply]:
    replies = [ask()]
    if replies[0] == NO_ANSWER:
        replies.append(ask())
    return replies


def _kill_now_and_then(fleet: Fleet, kills: int, is_over: threading.Event) -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(kills):
        if is_over.wait(chance.uniform(0.05, 0.5)):
            return
        workers = fleet.web_workers()
        if workers:
            kill(chance.choice(workers))


def test_tokens_after_everything_was_killed(fleet: Fleet) -> None:
    live, revoked, rotated = fleet.refresh_tokens(3)
    caller = Caller(fleet.installation.port)
    used_code, fresh_code = fleet.issue_codes(2)
    assert caller.redeem(used_code).status == OK
    assert caller.post("/revoke", token=revoked).status == OK
    successor = caller.refresh(rotated).body["refresh_token"]
    caller.close()

    _kill_everything(fleet)

    caller = Caller(fleet.installation.port)
    assert caller.refresh(live).status == OK
    assert caller.refresh(revoked).error == "invalid_grant"
    assert caller.refresh(successor).status == OK
    assert caller.redeem(fresh_code).status == OK
    assert caller.redeem(used_code).error == "invalid_grant"
    caller.close()


def test_people_after_everything_was_killed(fleet: Fleet) -> None:
    signed_in, guesser = Person(fleet.installation.port), Person(fleet.installation.port)
    name = fleet.add_person()
    signed_in.look()
    assert signed_in.sign_in(name, PASSWORD)[0] == SEE_OTHER
    guesser.look()
    while guesser.sign_in("somebody", "a wrong password")[0] != TOO_MANY:
        pass
    guesser.look(FORGOT)
    assert guesser.forget(f"{name}@example.com") == OK

    _kill_everything(fleet)

    assert signed_in.look("/realms/staff/account") == OK
    guesser.look()
    assert guesser.sign_in("somebody", "a wrong password")[0] == TOO_MANY
    wait_until(lambda: len(fleet.mails_to(name)) > 0, what="the mail", seconds=60)
    assert len(fleet.mails_to(name)) == 1
    for browser in (signed_in, guesser):
        browser.close()


def _kill_everything(fleet: Fleet) -> None:
    fleet.server.kill()
    fleet.server = start(fleet.installation)


def test_each_step_of_a_sign_in_on_another_worker(fleet: Fleet) -> None:
    name = fleet.add_person()
    question = urlencode(
        {
            "client_id": "web",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": "the state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
    )
    for _ in range(campaign_size(100)):
        person = Person(fleet.installation.port, is_restless=True)
        assert person.look(f"/realms/staff/authorize?{question}") == SEE_OTHER
        screen = urlsplit(person.location).path
        assert person.follow() == OK
        assert person.sign_in(name, PASSWORD, path=screen)[0] == SEE_OTHER
        assert person.follow() == SEE_OTHER
        back = dict(parse_qsl(urlsplit(person.location).query))
        assert back["state"] == "the state"
        caller = Caller(fleet.installation.port)
        assert caller.redeem(back["code"]).status == OK
        caller.close()
