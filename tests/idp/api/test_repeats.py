"""A request under a key of its own is done once, however often and fast it is sent (B-03)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from idp.core.idempotency import KeyedRequest, claim_key
from idp.ids import RealmName, hash_token
from idp.jobs.runner import Runner
from idp.store.plans import PlanRow
from idp.store.users import UserRow
from tests.idp.api.desk import USERS, Desk, Reply
from tests.idp.api.operations import list_operations
from tests.support.world import PASSWORD

PLANS = "/realms/staff/plans"
AT_ONCE = 6
RESET = {"kind": "password.reset", "params": {"mode": "require_change", "select": {"all": True}}}


def _at_once(send: Callable[[int], Reply], count: int = AT_ONCE) -> list[Reply]:
    barrier = Barrier(count)

    def wait_and_send(number: int) -> Reply:
        barrier.wait()
        return send(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_send, range(count)))


def test_every_act_that_would_hurt_twice_takes_a_key() -> None:
    taking = {
        operation.name
        for operation in list_operations()
        if any(place["name"] == "Idempotency-Key" for place in operation.spec["parameters"])
    }

    assert {
        "create_user",
        "set_password",
        "send_reset",
        "create_plan",
        "apply_plan",
        "undo_plan",
        "apply_plan_in_realm",
        "undo_plan_in_realm",
    } <= taking


def test_a_repeat_gets_the_first_answer(desk: Desk) -> None:
    owner = desk.owner()
    body = {"username": "ada", "password": PASSWORD}

    first = desk.post(USERS, owner, body, idempotency_key="k-1")
    second = desk.post(USERS, owner, body, idempotency_key="k-1")
    without = desk.post(USERS, owner, body)

    assert (first.status, second.status, without.status) == (201, 201, 409)
    assert second.json == first.json
    assert second.etag == first.etag
    assert second.response.headers["Location"] == first.response.headers["Location"]
    assert "Idempotent-Replayed" not in first.response.headers
    assert second.response.headers["Idempotent-Replayed"] == "true"


def test_an_answer_without_a_body_is_repeated_too(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    answers = [desk.post(f"{ada}/send-reset", owner, idempotency_key="k-1") for _ in range(2)]

    assert [answer.status for answer in answers] == [204, 204]
    assert len(desk.story.world.outbox()) == 1


def test_a_key_of_another_request_is_refused(desk: Desk) -> None:
    owner = desk.owner()
    desk.post(USERS, owner, {"username": "ada"}, idempotency_key="k-1")

    other = desk.post(USERS, owner, {"username": "bob"}, idempotency_key="k-1")
    elsewhere = desk.post("/realms/portal/users", owner, {"username": "ada"}, idempotency_key="k-1")

    assert (other.status, other.code) == (422, "idempotency.key_reused")
    assert (elsewhere.status, elsewhere.code) == (422, "idempotency.key_reused")
    assert desk.get(f"{USERS}?search=bob", owner).json["items"] == []


def test_keys_of_different_callers_are_different_keys(desk: Desk) -> None:
    owner, service = desk.owner(), desk.service("admin:users")

    first = desk.post(USERS, owner, {"username": "ada"}, idempotency_key="k-1")
    second = desk.post(USERS, service, {"username": "bob"}, idempotency_key="k-1")

    assert (first.status, second.status) == (201, 201)


def test_a_refused_request_may_be_tried_again_under_its_key(desk: Desk) -> None:
    owner = desk.owner()

    refused = desk.post(USERS, owner, {"username": ""}, idempotency_key="k-1")
    made = desk.post(USERS, owner, {"username": "ada"}, idempotency_key="k-1")

    assert (refused.status, made.status) == (422, 201)


def test_an_answer_is_kept_for_a_day(desk: Desk) -> None:
    desk.administrator("olga")
    desk.post(USERS, desk.owner(), {"username": "ada"}, idempotency_key="k-1")

    desk.story.world.advance(hours=25)
    late = desk.post(USERS, desk.owner(), {"username": "bob"}, idempotency_key="k-1")

    assert late.status == 201


@pytest.mark.parametrize("key", [" ", "x" * 300, "caf\u00e9"])
def test_a_key_has_a_form(desk: Desk, key: str) -> None:
    refused = desk.post(USERS, desk.owner(), {"username": "ada"}, idempotency_key=key)

    assert (refused.status, refused.code) == (422, "idempotency.bad_key")


def test_neither_the_password_nor_a_digest_that_can_be_searched_is_kept(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    secret = "quite another phrase"
    desk.post(f"{ada}/set-password", owner, {"password": secret}, idempotency_key="k-1")

    with desk.story.world.begin() as uow:
        [row] = uow.db.connection().exec_driver_sql("SELECT * FROM idempotency_keys").all()

    assert secret not in str(row)
    assert hash_token("k-1") in str(row)


def test_one_user_is_made_of_many_requests_at_once(desk: Desk) -> None:
    owner = desk.owner()
    body = {"username": "ada", "password": PASSWORD}

    answers = _at_once(lambda _: desk.post(USERS, owner, body, idempotency_key="k-1"))

    assert [answer.status for answer in answers] == [201] * AT_ONCE
    assert len({answer.json["id"] for answer in answers}) == 1
    assert desk.story.world.count(UserRow) == 2
    assert desk.story.world.event_codes().count("user.created") == 1


def test_one_plan_and_one_job_are_made_of_many_requests_at_once(desk: Desk) -> None:
    owner = desk.owner()
    desk.person("ada")

    plans = _at_once(lambda _: desk.post(PLANS, owner, RESET, idempotency_key="k-1"))
    plan = plans[0].json
    apply, body = f"/plans/{plan['id']}/apply", {"fingerprint": plan["fingerprint"]}
    started = _at_once(lambda _: desk.post(apply, owner, body, idempotency_key="k-2"))
    Runner(desk.story.world.runtime).run_once()

    assert [answer.status for answer in plans] == [201] * AT_ONCE
    assert len({answer.json["id"] for answer in plans}) == 1
    assert [answer.status for answer in started] == [202] * AT_ONCE
    assert len({answer.json["job_id"] for answer in started}) == 1
    assert desk.story.world.count(PlanRow) == 1
    jobs = desk.get("/realms/staff/jobs", owner).json["items"]
    assert [job["kind"] for job in jobs].count("password.reset") == 1
    assert desk.story.world.event_codes().count("reset.user_reset") == 1


def test_without_a_key_the_second_is_told_that_it_is_late(desk: Desk) -> None:
    owner = desk.owner()
    desk.person("ada")
    plan = desk.post(PLANS, owner, RESET).json
    body = {"fingerprint": plan["fingerprint"]}

    started = _at_once(lambda _: desk.post(f"/plans/{plan['id']}/apply", owner, body))

    assert sorted(answer.status for answer in started) == [202] + [409] * (AT_ONCE - 1)


def test_who_waits_too_long_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = desk.owner()
    keyed = KeyedRequest(
        actor_id=f"user:{desk.story.people['olga']}",
        key_hash=hash_token("k-1"),
        content=f'POST\n{USERS}\n{{"username": "ada"}}'.encode(),
    )
    claim_key(desk.story.world.runtime, RealmName("staff"), keyed)
    monkeypatch.setattr("idp.api.repeats._PATIENCE_S", 0.0)

    refused = desk.post(USERS, owner, {"username": "ada"}, idempotency_key="k-1")
    desk.story.world.advance(minutes=2)
    taken_over = desk.post(USERS, owner, {"username": "ada"}, idempotency_key="k-1")

    assert (refused.status, refused.code) == (409, "idempotency.under_way")
    assert taken_over.status == 201


def test_of_many_changes_to_one_version_one_wins(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    etag = desk.get(ada, owner).etag

    answers = _at_once(
        lambda number: desk.patch(ada, owner, {"name": f"Ada {number}"}, if_match=etag)
    )

    assert sorted(answer.status for answer in answers) == [200] + [412] * (AT_ONCE - 1)
    [winner] = [answer.json["name"] for answer in answers if answer.status == 200]
    assert desk.get(ada, owner).json["name"] == winner
    assert desk.story.world.event_codes().count("user.changed") == 1


def test_of_many_changes_to_one_version_of_a_client_one_wins(desk: Desk) -> None:
    owner = desk.owner()
    made = desk.post(
        "/realms/staff/clients",
        owner,
        {"client_id": "shop", "redirect_uris": ["https://shop.example/cb"]},
    )
    shop = "/realms/staff/clients/shop"

    answers = _at_once(
        lambda number: desk.patch(shop, owner, {"client_name": f"S{number}"}, if_match=made.etag)
    )

    assert sorted(answer.status for answer in answers) == [200] + [412] * (AT_ONCE - 1)


def test_of_many_publications_at_once_one_wins(desk: Desk) -> None:
    owner = desk.owner()
    plans = [
        desk.post(
            PLANS,
            owner,
            {
                "kind": "policy.publish",
                "params": {
                    "policy": {"rules": {"length": {"min": least, "max": 99}}},
                    "base_version": 1,
                },
            },
        ).json
        for least in range(9, 9 + AT_ONCE)
    ]

    answers = _at_once(
        lambda number: desk.post(
            f"/plans/{plans[number]['id']}/apply",
            owner,
            {"fingerprint": plans[number]["fingerprint"]},
        )
    )

    assert sorted(answer.status for answer in answers) == [202] + [409] * (AT_ONCE - 1)
    assert desk.get("/realms/staff/policy", owner).json["number"] == 2


def test_one_name_is_given_once(desk: Desk) -> None:
    owner = desk.owner()
    names = ("ada", "Ada", "ADA ", "\uff41da", " ada", "aDa")

    answers = _at_once(lambda number: desk.post(USERS, owner, {"username": names[number]}))

    assert sorted(answer.status for answer in answers) == [201] + [409] * (AT_ONCE - 1)
