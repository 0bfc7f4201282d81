"""Registered clients over REST."""

import pytest

from tests.idp.api.desk import Desk

CLIENTS = "/realms/staff/clients"
WEB = {"client_id": "shop", "redirect_uris": ["https://shop.example/cb"]}


def test_a_secret_is_shown_once(desk: Desk) -> None:
    owner = desk.owner()

    made = desk.post(CLIENTS, owner, WEB)

    secret = made.json["client_secret"]
    assert made.status == 201
    assert len(secret) >= 43
    read = desk.get(f"{CLIENTS}/shop", owner)
    listed = desk.get(CLIENTS, owner)
    assert "client_secret" not in read.json
    assert secret not in read.text + listed.text
    assert "secret_mac" not in made.text
    assert made.json["scope"].startswith("openid")
    assert made.json["pkce"] == "required"


def test_an_app_is_for_members_of_groups_until_it_is_for_everybody(desk: Desk) -> None:
    owner = desk.owner()
    desk.post("/realms/staff/groups", owner, {"name": "Office"})
    shop = f"{CLIENTS}/shop"

    made = desk.post(CLIENTS, owner, {**WEB, "allowed_groups": ["office"]})
    named = desk.patch(shop, owner, {"client_name": "Shop"}, if_match=made.etag)
    for_nobody = desk.patch(shop, owner, {"allowed_groups": []}, if_match=named.etag)
    unknown = desk.patch(shop, owner, {"allowed_groups": ["Offcie"]}, if_match=for_nobody.etag)
    for_all = desk.patch(shop, owner, {"allowed_groups": None}, if_match=for_nobody.etag)

    assert made.json["allowed_groups"] == named.json["allowed_groups"] == ["Office"]
    assert for_nobody.json["allowed_groups"] == []
    assert (unknown.status, unknown.json["code"]) == (422, "client.invalid")
    assert for_all.json["allowed_groups"] is None
    assert desk.get(shop, owner).json["allowed_groups"] is None


def test_a_secret_of_one_s_own_is_not_repeated(desk: Desk) -> None:
    owner = desk.owner()

    made = desk.post(CLIENTS, owner, {**WEB, "client_secret": "Zq7-a-good-secret"})
    rotated = desk.post(f"{CLIENTS}/shop/rotate-secret", owner, {"client_secret": "Zq7-another"})
    refused = desk.post(f"{CLIENTS}/shop/rotate-secret", owner, {"client_secret": "Zq7"})

    assert [made.status, rotated.status, refused.status] == [201, 200, 422]
    assert made.json["client_secret"] is None
    assert "Zq7" not in made.text + rotated.text + refused.text


def test_a_rotated_secret_is_another_one(desk: Desk) -> None:
    owner = desk.owner()
    made = desk.post(CLIENTS, owner, WEB)

    rotated = desk.post(f"{CLIENTS}/shop/rotate-secret", owner)
    late = desk.post(f"{CLIENTS}/shop/rotate-secret", owner, if_match=made.etag)

    assert rotated.json["client_secret"] not in (None, made.json["client_secret"])
    assert late.status == 412


def test_a_change_says_which_version_it_was_made_of(desk: Desk) -> None:
    owner = desk.owner()
    etag = desk.post(CLIENTS, owner, {**WEB, "tos_uri": "https://shop.example/tos"}).etag
    shop = f"{CLIENTS}/shop"

    blind = desk.patch(shop, owner, {"client_name": "Shop"})
    first = desk.patch(
        shop,
        owner,
        {
            "client_name": "Shop",
            "initiate_login_uri": "https://shop.example/in",
            "client_uri": "https://shop.example",
        },
        if_match=etag,
    )
    second = desk.patch(shop, owner, {"client_name": "Store"}, if_match=etag)
    taken_away = desk.patch(shop, owner, {"initiate_login_uri": None}, if_match=first.etag)
    late = desk.call("DELETE", shop, owner, headers={"If-Match": etag})
    removed = desk.call("DELETE", shop, owner)

    assert (blind.status, second.status, late.status) == (428, 412, 412)
    assert first.json["client_name"] == "Shop"
    assert first.json["tos_uri"] == "https://shop.example/tos"
    assert first.json["client_uri"] == "https://shop.example"
    assert first.json["client_secret"] is None
    assert taken_away.json["initiate_login_uri"] is None
    assert removed.status == 204
    assert desk.get(shop, owner).status == 404


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://shop.example/cb#x",
        "https://*.example/cb",
        "https://a@shop.example/cb",
        "http://shop.example/cb",
        "http://localhost:80@evil.example/",
        "https://shop.example/" + "x" * 100_000,
    ],
)
def test_a_dangerous_address_is_a_problem_of_its_field(desk: Desk, uri: str) -> None:
    refused = desk.post(CLIENTS, desk.owner(), {**WEB, "redirect_uris": [uri]})

    assert (refused.status, refused.code) == (422, "client.invalid")
    assert refused.json["params"]["problems"][0]["field"] == "redirect_uris"
    assert len(refused.text) < 2000


def test_a_taken_id_is_a_conflict(desk: Desk) -> None:
    owner = desk.owner()
    desk.post(CLIENTS, owner, WEB)

    again = desk.post(CLIENTS, owner, WEB)

    assert (again.status, again.code) == (409, "client.exists")


def test_clients_are_paged(desk: Desk) -> None:
    owner = desk.owner()
    for name in ("a", "b"):
        desk.post(CLIENTS, owner, {**WEB, "client_id": name})

    first = desk.get(f"{CLIENTS}?limit=2", owner).json
    second = desk.get(f"{CLIENTS}?limit=2&cursor={first['next_cursor']}", owner).json

    found = [client["client_id"] for client in first["items"] + second["items"]]
    assert found == ["a", "b", "console"]
    assert second["next_cursor"] is None


def test_a_client_that_administers_takes_a_recent_sign_in(desk: Desk) -> None:
    desk.owner()
    fresh = desk.tokens_of("olga")
    robot = {"client_id": "robot", "application_type": "service", "scope": "admin:users"}
    made = desk.post(CLIENTS, fresh["access_token"], robot)
    desk.story.world.advance(minutes=16)
    later = desk.story.refresh(desk.console, fresh["refresh_token"]).json["access_token"]

    refused = [
        desk.post(CLIENTS, later, {**robot, "client_id": "other"}),
        desk.post(f"{CLIENTS}/robot/rotate-secret", later),
        desk.patch(f"{CLIENTS}/robot", later, {"client_name": "R"}, if_match=made.etag),
        desk.call("DELETE", f"{CLIENTS}/robot", later),
    ]
    plain = desk.post(CLIENTS, later, WEB)
    raised = desk.patch(f"{CLIENTS}/shop", later, {"scope": "admin:read"}, if_match=plain.etag)

    assert {reply.code for reply in (*refused, raised)} == {"token.sign_in_too_old"}
    assert (made.status, plain.status) == (201, 201)
