"""Users over REST: the verbs of an administrator."""

import pytest

from idp.core.consents import grant_consent
from idp.ids import ClientId
from tests.idp.api.desk import USERS, Desk
from tests.support.world import PASSWORD, PORTAL

OTHER = "quite another phrase"


def test_an_owner_creates_reads_and_lists_users(desk: Desk) -> None:
    owner = desk.owner()
    body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}

    made = desk.post(USERS, owner, body)

    assert made.status == 201, made.text
    assert made.json["username"] == "ada"
    assert made.json["password"]["set_by"] == "admin"
    address = made.response.headers["Location"]
    assert address == f"http://localhost:8080/admin/api/v1{USERS}/{made.json['id']}"
    read = desk.get(f"{USERS}/{made.json['id']}", owner)
    assert read.json == made.json
    assert read.etag == made.etag
    listed = desk.get(f"{USERS}?search=ada", owner)
    assert [user["id"] for user in listed.json["items"]] == [made.json["id"]]
    assert listed.json["next_cursor"] is None


def test_everything_that_an_import_takes_can_be_said(desk: Desk) -> None:
    owner = desk.owner()
    desk.post("/realms/staff/groups", owner, {"name": "Field"})
    body = {
        "username": "ada",
        "email": "ada@example.com",
        "email_verified": True,
        "given_name": "Ada",
        "family_name": "Rata",
        "name": "Ada Rata",
        "phone_number": "+64 21 123 456",
        "locale": "en-NZ",
        "zoneinfo": "Pacific/Auckland",
        "status": "locked",
        "groups": ["Field"],
        "external_id": "E-1",
        "claims": {"nickname": "ad"},
    }

    made = desk.post(USERS, owner, body)

    assert made.status == 201, made.text
    assert {name: made.json[name] for name in body} == body
    assert made.json["password"] is None


def test_an_audit_event_names_the_administrator_and_the_request(desk: Desk) -> None:
    owner = desk.owner()

    made = desk.post(USERS, owner, {"username": "ada"})

    event = next(event for event in desk.story.world.events() if event.code == "user.created")
    assert event.subject_id == made.json["id"]
    assert (event.actor_kind, event.actor_id) == ("user", desk.story.people["olga"])
    assert event.request_id == made.response.headers["X-Request-Id"]
    assert event.address == "127.0.0.1"


def test_a_service_acts_in_its_own_name(desk: Desk) -> None:
    made = desk.post(USERS, desk.service("admin:users"), {"username": "ada"})

    event = next(event for event in desk.story.world.events() if event.code == "user.created")
    assert made.status == 201
    assert (event.actor_kind, event.actor_id) == ("client", "service-1")


def test_a_new_portal_user_must_meet_the_policy_and_is_named_by_e_mail(desk: Desk) -> None:
    owner = desk.owner()
    users = "/realms/portal/users"

    short = desk.post(users, owner, {"email": "pat@example.com", "password": "12345"})
    made = desk.post(users, owner, {"email": "pat@example.com", "password": PASSWORD})

    assert (short.status, short.code) == (422, "password.rejected")
    assert short.json["params"]["findings"] == [
        {"code": "password.too_short", "params": {"min": 8}}
    ]
    assert made.json["username"] == "pat@example.com"
    assert desk.story.world.user(made.json["id"], realm=PORTAL).username == "pat@example.com"


def test_a_temporary_password_is_to_be_changed(desk: Desk) -> None:
    body = {"username": "ada", "password": PASSWORD, "must_change": True}

    made = desk.post(USERS, desk.owner(), body)

    assert made.json["password"]["must_change"] is True
    assert made.json["password"]["temporary_until"] == "2026-11-05T09:00:00Z"


def test_a_taken_name_is_a_conflict(desk: Desk) -> None:
    owner = desk.owner()
    desk.post(USERS, owner, {"username": "ada"})

    again = desk.post(USERS, owner, {"username": " ADA "})

    assert (again.status, again.code) == (409, "user.username_taken")


def test_every_problem_of_a_user_is_told_at_once(desk: Desk) -> None:
    body = {"username": "a\u202eda", "email": "nowhere", "claims": {"evil": 1}}

    refused = desk.post(USERS, desk.owner(), body)

    assert (refused.status, refused.code) == (422, "user.invalid")
    fields = {problem["field"] for problem in refused.json["params"]["problems"]}
    assert fields == {"username", "email", "claims"}


def test_an_unknown_group_is_a_problem_of_the_body(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    made = desk.post(USERS, owner, {"username": "x", "groups": ["Nobody"]})
    changed = desk.patch(ada, owner, {"groups": ["Nobody"]}, if_match="*")

    for refused in (made, changed):
        assert (refused.status, refused.code) == (422, "user.invalid")
        assert refused.json["params"]["problems"][0]["field"] == "groups"


def test_a_change_says_which_version_it_was_made_of(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    etag = desk.get(ada, owner).etag

    blind = desk.patch(ada, owner, {"name": "Ada"})
    first = desk.patch(ada, owner, {"name": "Ada"}, if_match=etag)
    second = desk.patch(ada, owner, {"name": "Eve"}, if_match=etag)
    strange = desk.patch(ada, owner, {"name": "Eve"}, if_match="W/anything")
    forced = desk.patch(ada, owner, {"name": None}, if_match="*")

    assert (blind.status, blind.code) == (428, "precondition_required")
    assert first.status == 200
    assert first.json["name"] == "Ada"
    assert first.etag != etag
    assert second.status == 412
    assert strange.status == 412
    assert forced.json["name"] is None


def test_another_e_mail_is_told_to_the_old_address(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    changed = desk.patch(ada, owner, {"email": "new@example.com"}, if_match="*")

    assert changed.json["email_verified"] is False
    assert desk.story.world.outbox()[-1]["to"] == "ada@example.com"


def test_a_user_is_locked_unlocked_removed_and_brought_back(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    told = [
        desk.post(f"{ada}/{verb}", owner).json["status"]
        for verb in ("lock", "unlock", "deactivate", "reactivate")
    ]

    assert told == ["locked", "active", "inactive", "active"]


def test_the_last_owner_stays(desk: Desk) -> None:
    owner = desk.owner()
    olga = f"{USERS}/{desk.story.people['olga']}"

    for verb in ("lock", "deactivate"):
        refused = desk.post(f"{olga}/{verb}", owner)
        assert (refused.status, refused.code) == (409, "admin.last_owner")


def test_a_password_set_by_an_administrator_is_temporary_unless_said_otherwise(
    desk: Desk,
) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    temporary = desk.post(f"{ada}/set-password", owner, {"password": OTHER})
    lasting = desk.post(
        f"{ada}/set-password", owner, {"password": f"{OTHER} 2", "require_change": False}
    )

    assert temporary.json["password"]["must_change"] is True
    assert lasting.json["password"]["must_change"] is False
    assert lasting.json["password"]["temporary_until"] is None


def test_a_password_that_the_policy_refuses_is_not_repeated(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    for secret in ("Zq7Zq7", "Zq7\u0000Zq7Zq7Zq7", "Zq7" * 3000):
        refused = desk.post(f"{ada}/set-password", owner, {"password": secret})
        assert 400 <= refused.status < 500
        assert "Zq7" not in refused.text


def test_a_change_can_be_required(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    desk.story.world.begin_session(desk.story.people["ada"])

    kept = desk.post(f"{ada}/require-change", owner)
    sessions = desk.get(f"{ada}/sessions", owner).json["items"]
    desk.post(f"{ada}/require-change", owner, {"end_sessions": True})

    assert kept.json["password"]["must_change"] is True
    assert len(sessions) == 1
    assert desk.get(f"{ada}/sessions", owner).json["items"] == []


def test_a_reset_link_is_mailed(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    sent = desk.post(f"{ada}/send-reset", owner)

    assert (sent.status, sent.text) == (204, "")
    assert desk.story.world.outbox()[-1]["to"] == "ada@example.com"
    desk.patch(ada, owner, {"email": None}, if_match="*")
    refused = desk.post(f"{ada}/send-reset", owner)
    assert (refused.status, refused.code) == (409, "user.no_email")


def test_sessions_are_listed_and_ended(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    for _ in range(3):
        desk.story.world.begin_session(desk.story.people["ada"])

    page = desk.get(f"{ada}/sessions?limit=2", owner).json
    rest = desk.get(f"{ada}/sessions?limit=2&cursor={page['next_cursor']}", owner).json
    one = page["items"][0]["id"]
    ended = desk.call("DELETE", f"{ada}/sessions/{one}", owner)
    again = desk.call("DELETE", f"{ada}/sessions/{one}", owner)
    all_ended = desk.post(f"{ada}/end-sessions", owner)

    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    assert (ended.status, again.status) == (204, 404)
    assert all_ended.json == {"ended": 2}
    assert desk.get(f"{ada}/sessions", owner).json["items"] == []


def test_consents_are_listed_and_taken_back(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    app = desk.story.app("asking", consent_required=True)
    user_id = desk.story.people["ada"]
    with desk.story.world.begin() as uow:
        grant_consent(uow, user_id, ClientId(app.client_id), ["openid"])

    listed = desk.get(f"{ada}/consents", owner).json["items"]
    revoked = desk.call("DELETE", f"{ada}/consents/asking", owner)
    again = desk.call("DELETE", f"{ada}/consents/asking", owner)

    assert [(one["client_id"], one["scopes"]) for one in listed] == [("asking", ["openid"])]
    assert (revoked.status, again.status) == (204, 404)


@pytest.mark.parametrize("part", ["", "/sessions", "/consents"])
def test_a_user_of_the_other_realm_is_not_found(desk: Desk, part: str) -> None:
    owner = desk.owner()
    pat = desk.person("pat", realm=PORTAL)

    assert desk.get(f"{pat}{part}", owner).status == 200
    assert desk.get(f"{pat}{part}".replace("portal", "staff"), owner).status == 404


def test_pages_of_users_follow_each_other_and_keep_their_filter(desk: Desk) -> None:
    owner = desk.owner()
    for name in ("ada", "bob", "cy", "dee"):
        desk.person(name)
    desk.post(f"{USERS}/{desk.story.people['cy']}/lock", owner)

    names: list[str] = []
    cursor = ""
    while True:
        page = desk.get(f"{USERS}?limit=2&status=active{cursor}", owner).json
        names += [user["username"] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert names == ["ada", "bob", "dee", "olga"]
    assert desk.get(f"{USERS}?limit=201", owner).status == 422
    assert desk.get(f"{USERS}?limit=0", owner).status == 422
    assert desk.get(f"{USERS}?cursor=%2A", owner).code == "list.bad_cursor"
    assert desk.get(f"{USERS}?group=Nobody", owner).status == 404
