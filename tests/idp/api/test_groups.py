"""Groups over REST."""

from tests.idp.api.desk import Desk

GROUPS = "/realms/staff/groups"


def test_a_group_is_made_changed_and_removed(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    ada_id = desk.story.people["ada"]

    made = desk.post(GROUPS, owner, {"name": "Field", "description": "On the road"})
    group = f"{GROUPS}/{made.json['id']}"
    joined = desk.patch(group, owner, {"add": [ada_id]})
    renamed = desk.patch(group, owner, {"name": "Outside", "description": ""})
    in_groups = desk.get(ada, owner).json["groups"]
    left = desk.patch(group, owner, {"remove": [ada_id]})
    removed = desk.call("DELETE", group, owner)

    assert made.status == 201
    assert made.response.headers["Location"].endswith(group)
    assert joined.json["members"] == 1
    assert (renamed.json["name"], renamed.json["description"]) == ("Outside", None)
    assert in_groups == ["Outside"]
    assert left.json["members"] == 0
    assert removed.status == 204
    assert desk.get(group, owner).status == 404


def test_groups_are_paged_by_name(desk: Desk) -> None:
    owner = desk.owner()
    for name in ("beta", "Alpha", "gamma"):
        desk.post(GROUPS, owner, {"name": name})

    first = desk.get(f"{GROUPS}?limit=2", owner).json
    second = desk.get(f"{GROUPS}?limit=2&cursor={first['next_cursor']}", owner).json

    names = [group["name"] for group in first["items"] + second["items"]]
    assert names == ["Alpha", "beta", "gamma"]
    assert second["next_cursor"] is None


def test_what_a_group_cannot_be_is_said(desk: Desk) -> None:
    owner = desk.owner()
    desk.post(GROUPS, owner, {"name": "Field"})
    group = f"{GROUPS}/{desk.get(GROUPS, owner).json['items'][0]['id']}"

    taken = desk.post(GROUPS, owner, {"name": "FIELD"})
    bad = desk.post(GROUPS, owner, {"name": "a;b"})
    strangers = desk.patch(group, owner, {"add": ["nobody"]})
    kept = desk.patch(group, owner, {"name": ""})

    assert (taken.status, taken.code) == (409, "group.name_taken")
    assert (bad.status, bad.code) == (422, "group.invalid")
    assert (strangers.status, strangers.code) == (422, "group.invalid")
    assert kept.status == 422
