"""Wrong authorization requests: where the refusal goes, and that nothing else happens."""

from typing import Any
from urllib.parse import urlencode

import pytest

from idp.core.client_admin import remove_client
from idp.store.flow import AuthorizationRequestRow
from idp.store.tokens import AuthorizationCodeRow
from tests.support.story import CALLBACK, Answer, App, Story
from tests.support.world import PORTAL

VARIANTS = [
    f"{CALLBACK}/",
    f"{CALLBACK}/x",
    f"{CALLBACK}/../evil",
    f"{CALLBACK}/..;/evil",
    f"{CALLBACK}/..%2fevil",
    "https://web.example/cb%252f..",
    "HTTPS://web.example/cb",
    "https://WEB.example/cb",
    "https://web.example:443/cb",
    "https://web.example@evil.example/cb",
    "https://web.example.evil.example/cb",
    f"https://evil.example/?{CALLBACK}",
    "https://web.example\\@evil.example/cb",
    f"{CALLBACK}#f",
    f"{CALLBACK}?code=x",
    f"{CALLBACK}?a=1",
    f"\t{CALLBACK}",
    f"\n{CALLBACK}",
    f" {CALLBACK}",
    "https://web。example/cb",
    "javascript:alert(1)//",
    "data:text/html,x",
    "//web.example/cb",
    "http://web.example/cb",
    "",
    None,
    "https://webXexample/cb",
]


def is_page(answer: Answer) -> bool:
    return answer.status == 400 and not answer.location and 'data-page="error"' in answer.text


def test_only_the_exact_redirect_uri_is_answered(story: Story) -> None:
    app = story.app(redirect_uris=(CALLBACK, "https://web.example/other"))
    story.sign_in()

    for variant in VARIANTS:
        answer = story.authorize(app, redirect_uri=variant)
        assert is_page(answer), variant
        assert "<form" not in answer.text, variant
    assert story.world.count(AuthorizationCodeRow) == 0
    assert story.world.count(AuthorizationRequestRow) == 0


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "response type": ({"response_type": "token"}, "unsupported_response_type"),
    "no response type": ({"response_type": None}, "invalid_request"),
    "scope": ({"scope": "openid admin:users"}, "invalid_scope"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "prompt": ({"prompt": "create"}, "invalid_request"),
    "none and login": ({"prompt": "none login"}, "invalid_request"),
    "response mode": ({"response_mode": "fragment"}, "invalid_request"),
    "oversize state": ({"state": "s" * 4097}, "invalid_request"),
    "oversize nonce": ({"nonce": "n" * 1025}, "invalid_request"),
    "request": ({"request": "e30.e30."}, "request_not_supported"),
    "request_uri": ({"request_uri": "http://127.0.0.1:9/r"}, "request_uri_not_supported"),
    "registration": ({"registration": "{}"}, "registration_not_supported"),
    "max_age": ({"max_age": "-1"}, "invalid_request"),
    "claims": ({"claims": "{"}, "invalid_request"),
    "claims not an object": ({"claims": "[]"}, "invalid_request"),
    "claims deep": ({"claims": '{"id_token":' + "[" * 3000}, "invalid_request"),
    "claims shape": ({"claims": '{"id_token": {"email": 1}}'}, "invalid_request"),
    "acr": (
        {"claims": '{"id_token": {"acr": {"essential": true, "values": ["gold"]}}}'},
        "unmet_authentication_requirements",
    ),
}


def test_a_wrong_request_goes_back_with_error_state_and_issuer(story: Story) -> None:
    app = story.app()
    story.sign_in()

    for case, (changes, error) in WRONG.items():
        answer = story.authorize(app, **changes)
        assert answer.status == 303, case
        assert answer.location.startswith(f"{CALLBACK}?"), case
        assert answer.returned["error"] == error, case
        assert answer.returned["state"] == changes.get("state", "xyz"), case
        assert answer.returned["iss"] == "http://localhost:8080/realms/staff", case
        assert "code" not in answer.returned, case
        assert answer.response.headers["Cache-Control"] == "no-store", case
    assert story.world.count(AuthorizationCodeRow) == 0


def test_no_error_is_ever_sent_to_an_address_that_is_not_registered(story: Story) -> None:
    app = story.app()
    unknown: list[dict[str, Any]] = [{"client_id": None}, {"client_id": "nobody"}]

    for changes in [*unknown, *(wrong for wrong, _ in WRONG.values())]:
        answer = story.authorize(app, **changes, redirect_uri="https://evil.example/")
        assert is_page(answer), changes
        assert "evil.example" not in answer.text


CHALLENGES: list[dict[str, Any]] = [
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge_method": None},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": "s256"},
    {"code_challenge_method": "S512"},
    {"code_challenge": ""},
    {"code_challenge": "c" * 42},
    {"code_challenge": "c" * 129},
    {"code_challenge": "c" * 42 + "="},
    {"code_challenge": "c" * 42 + "\n"},
]


def test_every_client_needs_an_s256_challenge(story: Story) -> None:
    web, spa = story.app(), story.app("spa", application_type="spa")
    story.sign_in()

    for app in (web, spa):
        for changes in CHALLENGES:
            answer = story.authorize(app, **changes)
            assert answer.returned["error"] == "invalid_request", changes
            assert "code" not in answer.returned, changes


def test_a_confidential_client_may_be_registered_to_go_without_pkce(story: Story) -> None:
    app = story.app(pkce_required=False)
    story.sign_in()

    plain = story.authorize(app, code_challenge=None, code_challenge_method=None)

    assert story.redeem(app, plain.code, code_verifier=None).status == 200
    method_only = story.authorize(app, code_challenge=None)
    assert method_only.returned["error"] == "invalid_request"
    again = story.authorize(app, code_challenge=None, code_challenge_method=None)
    assert story.redeem(app, again.code).error == "invalid_grant"


def test_only_the_code_flow_is_offered(story: Story) -> None:
    app = story.app()
    story.sign_in()

    for kind in ("token", "id_token", "code token", "code id_token", "none", "", "CODE", " code"):
        answer = story.authorize(app, response_type=kind)
        assert answer.returned["error"] == "unsupported_response_type", kind
        assert "code" not in answer.returned, kind


def test_a_repeated_parameter_is_refused(story: Story) -> None:
    app = story.app()
    story.sign_in()

    for name in (*story.question(app), "prompt", "unheard_of"):
        if name in {"client_id", "redirect_uri"}:
            continue
        asked = [*story.question(app).items(), (name, "x"), (name, "x")]
        answer = story.get(f"/authorize?{urlencode(asked)}")
        assert answer.returned["error"] == "invalid_request", name
        assert answer.returned["iss"], name


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_two_clients_or_two_addresses_are_answered_by_a_page(story: Story, name: str) -> None:
    app = story.app()
    asked = [*story.question(app).items(), (name, story.question(app)[name])]

    assert is_page(story.get(f"/authorize?{urlencode(asked)}"))


@pytest.mark.parametrize(
    "query",
    ["client_id=%ff", "client_id=web%00", "&".join(f"p{n}=1" for n in range(101)), "a" * 20_000],
)
def test_parameters_that_cannot_be_read_get_a_page(story: Story, query: str) -> None:
    assert story.get(f"/authorize?{query}").status == 400


def test_a_client_without_the_code_grant_cannot_ask(story: Story) -> None:
    robot = story.app("robot", application_type="service")
    both = story.app("both", grant_types=("client_credentials",))

    assert is_page(story.authorize(robot, redirect_uri=CALLBACK))
    assert story.authorize(both).returned["error"] == "unauthorized_client"


def test_head_has_no_side_effect(story: Story) -> None:
    app = story.app()
    story.sign_in()
    query = urlencode(story.question(app))

    answer = story.send("HEAD", f"/authorize?{query}")

    stored = story.authorize(app, prompt="login").location.rpartition("/")[0]
    at_interaction = story.send("HEAD", stored)

    assert (answer.status, at_interaction.status) == (200, 200)
    assert not answer.location
    assert not at_interaction.location
    assert story.world.count(AuthorizationCodeRow) == 0


def test_what_was_removed_is_unknown(story: Story) -> None:
    app = story.app()
    with story.world.begin() as uow:
        remove_client(uow, app.client_id)

    assert is_page(story.authorize(app))


def test_the_portal_does_not_know_the_staffs_clients(story: Story) -> None:
    app = story.app()
    portal = App(app.client_id, app.secret, app.redirect_uri, realm=PORTAL)

    assert is_page(story.authorize(portal))
