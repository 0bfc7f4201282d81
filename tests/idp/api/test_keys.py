"""Signing keys over REST."""

from tests.idp.api.desk import Desk

KEYS = "/realms/portal/keys"


def test_only_the_public_side_of_a_key_is_shown(desk: Desk) -> None:
    listed = desk.get(KEYS, desk.owner())

    assert {key["alg"] for key in listed.json["items"]} == {"ES256", "RS256", "EdDSA"}
    assert {key["state"] for key in listed.json["items"]} == {"active"}
    assert set(listed.json["items"][0]) == {
        "kid",
        "alg",
        "state",
        "created_at",
        "active_at",
        "ends_at",
    }


def test_keys_are_rotated_and_retired(desk: Desk) -> None:
    owner = desk.owner()
    old = desk.get(KEYS, owner).json["items"][0]["kid"]

    rotated = desk.post(f"{KEYS}/rotate", owner)
    too_early = desk.post(f"{KEYS}/{old}/retire", owner)
    again = desk.post(f"{KEYS}/rotate", owner)
    dropped = desk.post(f"{KEYS}/rotate", owner, {"emergency": True})
    retired = desk.post(f"{KEYS}/{old}/retire", owner)
    unknown = desk.post(f"{KEYS}/nothing/retire", owner)

    assert sorted(key["state"] for key in rotated.json["items"]) == ["active"] * 3 + ["next"] * 3
    assert (too_early.status, too_early.code) == (409, "key.in_use")
    assert (again.status, again.code) == (409, "keys.rotation_under_way")
    assert dropped.status == 200
    assert retired.json["state"] == "retired"
    assert unknown.status == 404


def test_a_rotation_sent_twice_under_one_key_happens_once(desk: Desk) -> None:
    owner = desk.owner()

    first = desk.post(f"{KEYS}/rotate", owner, idempotency_key="r-1")
    second = desk.post(f"{KEYS}/rotate", owner, idempotency_key="r-1")

    assert first.json == second.json
