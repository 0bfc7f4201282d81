"""Who may do what: every operation of the document, asked for by everybody there is (A-01)."""

import pytest

from idp.core.roles import AdminRole, revoke_role
from idp.core.scopes import ADMIN_SCOPES
from idp.core.users import deactivate_user, lock_user, require_change
from idp.ids import UserId
from tests.idp.api.desk import EVERY_SCOPE, Desk, Reply
from tests.idp.api.operations import Operation, list_operations
from tests.support.story import CALLBACK
from tests.support.world import PORTAL

OPERATIONS = list_operations()


def _ask(desk: Desk, operation: Operation, token: str | None) -> Reply:
    body: dict[str, object] | None = {} if operation.method in ("POST", "PATCH") else None
    return desk.call(operation.method, operation.address(), token, json=body)


def _statuses(desk: Desk, token: str | None) -> dict[str, int]:
    return {operation.name: _ask(desk, operation, token).status for operation in OPERATIONS}


def _everybody_is(status: int) -> dict[str, int]:
    return dict.fromkeys((operation.name for operation in OPERATIONS), status)


def _let_in(statuses: dict[str, int]) -> set[str]:
    assert not {status for status in statuses.values() if status >= 500}
    return {name for name, status in statuses.items() if status not in (401, 403)}


def test_nobody_is_let_in_without_a_token(desk: Desk) -> None:
    assert _statuses(desk, None) == _everybody_is(401)


def test_a_person_without_a_role_is_let_in_nowhere(desk: Desk) -> None:
    desk.story.person("bob")
    token = desk.tokens_of("bob")["access_token"]

    assert _statuses(desk, token) == _everybody_is(403)


def test_an_access_token_for_userinfo_is_not_for_administration(desk: Desk) -> None:
    desk.administrator("olga")
    token = desk.tokens_of("olga", scope="")["access_token"]

    assert _statuses(desk, token) == _everybody_is(401)


def test_a_portal_token_is_let_in_nowhere(desk: Desk) -> None:
    story = desk.story
    app = story.app("portal-app", realm=PORTAL, redirect_uris=(CALLBACK,))
    story.sign_in("pat", realm=PORTAL)
    token = story.tokens(app)["access_token"]

    assert _statuses(desk, token) == _everybody_is(401)


def test_an_expired_token_is_let_in_nowhere(desk: Desk) -> None:
    token = desk.owner()
    desk.story.world.advance(minutes=6)

    assert _statuses(desk, token) == _everybody_is(401)


def test_an_id_token_is_no_access_token(desk: Desk) -> None:
    desk.administrator("olga")
    token = desk.tokens_of("olga")["id_token"]

    assert _statuses(desk, token) == _everybody_is(401)


def test_a_refresh_token_is_no_access_token(desk: Desk) -> None:
    desk.administrator("olga")
    token = desk.tokens_of("olga")["refresh_token"]

    assert _statuses(desk, token) == _everybody_is(401)


def test_an_owner_is_let_in_everywhere(desk: Desk) -> None:
    statuses = _statuses(desk, desk.owner())

    assert _let_in(statuses) == {operation.name for operation in OPERATIONS}


def test_an_auditor_may_look_at_everything_and_change_nothing(desk: Desk) -> None:
    statuses = _statuses(desk, desk.auditor())

    reading = {operation.name for operation in OPERATIONS if "auditor" in operation.roles}
    assert reading == {operation.name for operation in OPERATIONS if operation.method == "GET"}
    assert _let_in(statuses) == reading
    assert {statuses[name] for name in statuses.keys() - reading} == {403}


@pytest.mark.parametrize("scope", ADMIN_SCOPES)
def test_a_service_is_let_in_where_its_scope_is_taken(desk: Desk, scope: str) -> None:
    statuses = _statuses(desk, desk.service(scope))

    taken = {operation.name for operation in OPERATIONS if scope in operation.scopes}
    assert _let_in(statuses) == taken
    assert {statuses[name] for name in statuses.keys() - taken} <= {403}


def test_a_service_without_an_administration_scope_is_let_in_nowhere(desk: Desk) -> None:
    assert _statuses(desk, desk.service("reports")) == _everybody_is(401)


def test_every_operation_takes_a_scope_and_a_role() -> None:
    assert all(operation.scopes <= set(ADMIN_SCOPES) for operation in OPERATIONS)
    assert all(operation.scopes and operation.roles for operation in OPERATIONS)


@pytest.mark.parametrize("deed", ["deactivate", "lock", "revoke role", "end sessions", "set"])
def test_an_administrator_loses_access_at_the_next_request(desk: Desk, deed: str) -> None:
    token = desk.owner()
    desk.administrator("second")
    user_id = desk.story.people["olga"]
    assert desk.get("/realms/staff/users", token).status == 200

    with desk.story.world.begin() as uow:
        match deed:
            case "deactivate":
                deactivate_user(uow, user_id)
            case "lock":
                lock_user(uow, user_id)
            case "revoke role":
                revoke_role(uow, user_id, AdminRole.OWNER)
            case "end sessions":
                require_change(uow, user_id, end_sessions=True)
            case _:
                require_change(uow, user_id)

    assert _statuses(desk, token) == _everybody_is(401)


def test_a_service_loses_a_scope_at_the_next_request(desk: Desk) -> None:
    owner, token = desk.owner(), desk.service("admin:read", "admin:users")
    address = "/realms/staff/clients/service-1"
    etag = desk.get(address, owner).etag
    desk.patch(address, owner, {"scope": "admin:read"}, if_match=etag)

    assert desk.get("/realms/staff/users", token).status == 200
    assert desk.post("/realms/staff/users", token, {"username": "x"}).status == 403


def test_a_removed_service_is_let_in_nowhere(desk: Desk) -> None:
    owner, token = desk.owner(), desk.service(*ADMIN_SCOPES)

    assert desk.call("DELETE", "/realms/staff/clients/service-1", owner).status == 204

    assert _statuses(desk, token) == _everybody_is(401)


def test_a_token_is_taken_from_the_header_only(desk: Desk) -> None:
    token = desk.owner()
    address = "/realms/staff/users"

    assert desk.get(f"{address}?access_token={token}").status == 401
    assert desk.call("GET", address, headers={"Authorization": f"Basic {token}"}).status == 401
    doubled = {"Authorization": f"Bearer {token},Bearer {token}"}
    assert desk.call("GET", address, headers=doubled).status == 401
    cookies = {"Cookie": f"__Host-idp-staff-session={token}; access_token={token}"}
    assert desk.call("GET", address, headers=cookies).status == 401


def test_a_refusal_says_what_is_needed(desk: Desk) -> None:
    address = "/realms/staff/users"

    nobody = desk.get(address)
    wrong = desk.get(address, "e30.e30.AAAAAAAAAAAAAAAAAAAAAAAA")
    short = desk.get(address, desk.service("admin:audit"))

    challenges = [answer.response.headers["WWW-Authenticate"] for answer in (nobody, wrong, short)]
    assert challenges[0] == 'Bearer realm="administration"'
    assert 'error="invalid_token"' in challenges[1]
    assert 'error="insufficient_scope", scope="admin:read admin:users"' in challenges[2]
    assert [answer.code for answer in (nobody, wrong, short)] == [
        "token.missing",
        "token.invalid",
        "admin.scope_missing",
    ]


def test_a_forbidden_deed_leaves_a_trace(desk: Desk) -> None:
    auditor = desk.auditor()

    desk.post("/realms/staff/users", auditor, {"username": "x"})

    event = desk.story.world.events()[-1]
    assert event.code == "admin.refused"
    assert event.actor_id == desk.story.people["aude"]
    assert event.client_id == "console"
    assert event.params["operation"] == "create_user"
    assert event.params["reason"] == "admin.read_only"


def test_unknown_addresses_and_the_framework_s_own_pages_do_not_exist(desk: Desk) -> None:
    owner = desk.owner()

    for address in ("", "/", "/docs", "/redoc", "/openapi.yaml", "/static/x", "/realms/staff"):
        assert desk.get(address, owner).status == 404, address
    assert desk.get("/realms/nowhere/users", owner).code == "realm.not_found"
    assert desk.call("OPTIONS", "/realms/staff/users").status == 405


def test_a_client_cannot_become_an_administrator(desk: Desk) -> None:
    desk.administrator("olga")
    desk.administrator("second")
    weak, strong = desk.service("admin:users"), desk.service("admin:users", "admin:system")
    olga = f"/realms/staff/users/{desk.story.people['olga']}"
    body = {"password": "quite another phrase"}
    etag = desk.get(olga, weak).etag

    refusals = [
        desk.post(f"{olga}/set-password", weak, body),
        desk.post(f"{olga}/send-reset", weak),
        desk.post(f"{olga}/lock", weak),
        desk.post(f"{olga}/end-sessions", weak),
        desk.patch(olga, weak, {"email": "me@example.com"}, if_match=etag),
    ]

    assert {refusal.code for refusal in refusals} == {"admin.subject_is_administrator"}
    assert {refusal.status for refusal in refusals} == {403}
    assert desk.post(f"{olga}/set-password", strong, body).status == 200


def test_nobody_hands_out_scopes_beyond_their_own(desk: Desk) -> None:
    clients = "/realms/staff/clients"
    caller = desk.service("admin:clients", "admin:read")
    bigger = {"client_id": "big", "application_type": "service", "scope": "admin:users"}
    equal = {"client_id": "same", "application_type": "service", "scope": "admin:clients"}

    assert desk.post(clients, caller, bigger).code == "admin.scope_not_held"
    made = desk.post(clients, caller, equal)
    assert made.status == 201, made.text
    grown = desk.patch(
        f"{clients}/same", caller, {"scope": "admin:clients admin:users"}, if_match=made.etag
    )
    assert grown.code == "admin.scope_not_held"
    assert desk.get(f"{clients}/same", caller).json["scope"] == "admin:clients"
    desk.service("admin:users")
    stolen = desk.post(f"{clients}/service-2/rotate-secret", caller)
    assert stolen.code == "admin.scope_not_held"


def test_an_owner_s_token_does_no_more_than_its_scopes(desk: Desk) -> None:
    desk.administrator("olga")
    token = desk.tokens_of("olga", scope="admin:read")["access_token"]

    assert desk.get("/realms/staff/users", token).status == 200
    assert desk.post("/realms/staff/users", token, {"username": "x"}).status == 403
    assert EVERY_SCOPE.startswith("admin:read")


def test_a_stolen_session_cookie_does_nothing_here(desk: Desk) -> None:
    desk.administrator("olga")
    _, secret = desk.story.world.begin_session(UserId(desk.story.people["olga"]))
    headers = {"Cookie": f"__Host-idp-staff-session={secret}"}

    assert desk.call("GET", "/realms/staff/users", headers=headers).status == 401
