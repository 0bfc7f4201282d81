"""Keys of requests: claimed once, answered once, given back, taken over."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from idp.core.idempotency import (
    Claimed,
    KeptAnswer,
    KeyedRequest,
    KeyReused,
    UnderWay,
    claim_key,
    drop_claim,
    finish_claim,
)
from idp.ids import hash_token
from tests.support.world import PORTAL, STAFF, World

ANSWER = KeptAnswer(201, {"id": "1"}, {"ETag": '"v1"'})


def _request(content: bytes = b"a", actor_id: str = "user:1") -> KeyedRequest:
    return KeyedRequest(actor_id=actor_id, key_hash=hash_token("k"), content=content)


def test_the_first_claims_the_key_and_the_next_waits(world: World) -> None:
    assert claim_key(world.runtime, STAFF, _request()) == Claimed()
    assert claim_key(world.runtime, STAFF, _request()) == UnderWay()


def test_an_answer_is_given_to_every_repeat_and_to_no_other_request(world: World) -> None:
    claim_key(world.runtime, STAFF, _request())
    finish_claim(world.runtime, STAFF, _request(), ANSWER)

    assert claim_key(world.runtime, STAFF, _request()) == ANSWER
    assert claim_key(world.runtime, STAFF, _request(b"b")) == KeyReused()
    assert claim_key(world.runtime, STAFF, _request(actor_id="user:2")) == Claimed()
    assert claim_key(world.runtime, PORTAL, _request()) == Claimed()


def test_an_answer_is_kept_for_a_day(world: World) -> None:
    claim_key(world.runtime, STAFF, _request())
    finish_claim(world.runtime, STAFF, _request(), ANSWER)

    world.advance(hours=23)
    assert claim_key(world.runtime, STAFF, _request()) == ANSWER
    world.advance(hours=2)
    assert claim_key(world.runtime, STAFF, _request(b"b")) == Claimed()


def test_a_refused_request_gives_its_key_back(world: World) -> None:
    claim_key(world.runtime, STAFF, _request())
    drop_claim(world.runtime, STAFF, _request())

    assert claim_key(world.runtime, STAFF, _request(b"b")) == Claimed()


def test_an_answer_is_not_given_back(world: World) -> None:
    claim_key(world.runtime, STAFF, _request())
    finish_claim(world.runtime, STAFF, _request(), ANSWER)
    drop_claim(world.runtime, STAFF, _request())

    assert claim_key(world.runtime, STAFF, _request()) == ANSWER


def test_the_claim_of_one_who_died_is_taken_over(world: World) -> None:
    claim_key(world.runtime, STAFF, _request())
    world.advance(seconds=61)

    assert claim_key(world.runtime, STAFF, _request()) == Claimed()
    assert claim_key(world.runtime, STAFF, _request()) == UnderWay()


def test_an_answer_for_a_claim_that_was_cleaned_up_is_dropped(world: World) -> None:
    finish_claim(world.runtime, STAFF, _request(), ANSWER)

    assert claim_key(world.runtime, STAFF, _request()) == Claimed()


def test_of_many_at_once_one_claims_the_key(world: World) -> None:
    barrier = Barrier(8)

    def claim(_number: int) -> object:
        barrier.wait()
        return claim_key(world.runtime, STAFF, _request())

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(claim, range(8)))

    assert claims.count(Claimed()) == 1
    assert claims.count(UnderWay()) == 7
