"""Groups that give administrator roles, over REST: who may change them, and what follows."""

from idp.core.roles import AdminRole, revoke_role
from tests.idp.api.desk import USERS, Desk
from tests.idp.api.test_groups import GROUPS


def group_of(desk: Desk, owner: str, *logins: str, roles: tuple[str, ...] = ()) -> str:
    """Make a group with these people that gives these roles; return its path."""
    made = desk.post(GROUPS, owner, {"name": "Admins"})
    group = f"{GROUPS}/{made.json['id']}"
    members = [desk.story.people[login] for login in logins]
    changed = desk.patch(group, owner, {"add": members, "roles": list(roles)})
    assert (changed.status, changed.json["roles"]) == (200, list(roles))
    return group


def test_a_member_administers_until_the_next_request_after_leaving(desk: Desk) -> None:
    owner = desk.owner()
    desk.story.person("ada")
    group = group_of(desk, owner, "ada", roles=("auditor",))
    token = desk.tokens_of("ada")["access_token"]
    me = desk.get(f"{USERS}/{desk.story.people['ada']}", token)

    desk.patch(group, owner, {"remove": [desk.story.people["ada"]]})

    assert (me.status, me.json["roles"]) == (200, ["auditor"])
    assert desk.get(GROUPS, token).status == 401
    assert desk.get(GROUPS, desk.tokens_of("ada")["access_token"]).code == "admin.role_missing"


def test_an_auditor_by_group_changes_nothing(desk: Desk) -> None:
    owner = desk.owner()
    desk.story.person("ada")
    group = group_of(desk, owner, "ada", roles=("auditor",))
    token = desk.tokens_of("ada")["access_token"]

    assert desk.patch(group, token, {"roles": ["owner"]}).code == "admin.read_only"


def test_a_service_of_users_makes_no_administrator(desk: Desk) -> None:
    owner, eve = desk.owner(), desk.person("eve")
    desk.story.person("ada")
    group = group_of(desk, owner, "ada", roles=("owner",))
    service = desk.service("admin:users", "admin:read")
    etag = desk.get(eve, service).etag
    eve_id = desk.story.people["eve"]

    refused = [
        desk.patch(group, service, {"add": [eve_id]}),
        desk.patch(group, service, {"name": "Others"}),
        desk.patch(group, service, {"roles": []}),
        desk.call("DELETE", group, service),
        desk.patch(eve, service, {"groups": ["Admins"]}, if_match=etag),
        desk.post(USERS, service, {"username": "mallory", "groups": ["Admins"]}),
    ]
    other = desk.post(GROUPS, service, {"name": "Others"}).json["id"]
    refused.append(desk.patch(f"{GROUPS}/{other}", service, {"roles": ["auditor"]}))
    of_member = desk.post(f"{USERS}/{desk.story.people['ada']}/lock", service)

    assert {reply.code for reply in refused} == {"admin.group_gives_role"}
    assert {reply.status for reply in refused} == {403}
    assert of_member.code == "admin.subject_is_administrator"
    assert "admin.refused" in desk.story.event_codes()
    system = desk.service("admin:users", "admin:system")
    assert desk.patch(group, system, {"add": [eve_id]}).json["members"] == 2


def test_the_last_owner_stays(desk: Desk) -> None:
    owner = desk.owner()
    group = group_of(desk, owner, "olga", roles=("owner",))
    path = f"{USERS}/{desk.story.people['olga']}"
    with desk.story.world.begin() as uow:
        revoke_role(uow, desk.story.people["olga"], AdminRole.OWNER)

    replies = [
        desk.patch(group, owner, {"remove": [desk.story.people["olga"]]}),
        desk.patch(group, owner, {"roles": []}),
        desk.call("DELETE", group, owner),
        desk.post(f"{path}/deactivate", owner),
    ]

    assert {(reply.status, reply.code) for reply in replies} == {(409, "admin.last_owner")}


def test_roles_are_given_by_who_signed_in_lately(desk: Desk) -> None:
    owner = desk.owner()
    group = group_of(desk, owner)
    fresh = desk.tokens_of("olga")
    desk.story.world.advance(minutes=16)
    later = desk.story.refresh(desk.console, fresh["refresh_token"]).json["access_token"]

    assert desk.patch(group, later, {"description": "Who may"}).status == 200
    assert desk.patch(group, later, {"roles": ["owner"]}).code == "token.sign_in_too_old"


def test_a_place_in_a_group_that_gives_a_role_takes_a_recent_sign_in_too(desk: Desk) -> None:
    owner, eve = desk.owner(), desk.person("eve")
    eve_id = desk.story.people["eve"]
    group = group_of(desk, owner, roles=("owner",))
    fresh = desk.tokens_of("olga")
    desk.story.world.advance(minutes=16)
    later = desk.story.refresh(desk.console, fresh["refresh_token"]).json["access_token"]

    refused = [
        desk.patch(group, later, {"add": [eve_id]}),
        desk.patch(eve, later, {"groups": ["Admins"]}, if_match=desk.get(eve, later).etag),
        desk.post(USERS, later, {"username": "mallory", "groups": ["Admins"]}),
        desk.call("DELETE", group, later),
    ]

    assert {(reply.status, reply.code) for reply in refused} == {(401, "token.sign_in_too_old")}
    assert 'max_age="900"' in refused[0].response.headers["WWW-Authenticate"]
    assert desk.get(group, later).json["members"] == 0
    again = desk.tokens_of("olga")["access_token"]
    assert desk.patch(group, again, {"add": [eve_id]}).json["members"] == 1


def test_to_act_on_an_administrator_takes_a_recent_sign_in(desk: Desk) -> None:
    owner, eve = desk.owner(), desk.person("eve")
    desk.story.person("ada")
    group_of(desk, owner, "ada", roles=("auditor",))
    ada = f"{USERS}/{desk.story.people['ada']}"
    fresh = desk.tokens_of("olga")
    desk.story.world.advance(minutes=16)
    later = desk.story.refresh(desk.console, fresh["refresh_token"]).json["access_token"]
    password = {"password": "an entirely new sentence", "require_change": False}

    refused = [
        desk.post(f"{ada}/set-password", later, password),
        desk.post(f"{ada}/lock", later),
        desk.post(f"{ada}/send-reset", later),
    ]

    assert {reply.code for reply in refused} == {"token.sign_in_too_old"}
    assert desk.post(f"{eve}/set-password", later, password).status == 200
    assert desk.post(f"{ada}/lock", desk.tokens_of("olga")["access_token"]).status == 200
