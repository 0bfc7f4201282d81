"""Registering clients: what is refused, what is kept, what a change or a removal means."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp.core.client_admin import (
    create_client,
    get_client,
    list_clients,
    remove_client,
    rotate_client_secret,
    update_client,
)
from idp.core.client_metadata import read_metadata, write_metadata
from idp.core.client_proofs import ClientRefused, SecretProof, find_proved_client
from idp.core.client_registration import Registration
from idp.core.clients import Client, find_client
from idp.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from idp.ids import RealmName
from idp.store.clients import ConsentRow
from tests.support.world import PORTAL, STAFF, World

GOOD = Registration(client_id="web", redirect_uris=("https://web.example/cb",))
RSA = RSAKey.generate_key(2048)


def create(world: World, registration: Registration, realm: RealmName = STAFF) -> str | None:
    with world.begin(realm) as uow:
        return create_client(uow, registration).secret


def fields_of(act: Callable[[], object]) -> list[str]:
    """Return which members a refusal names."""
    with pytest.raises(InvalidInput) as refusal:
        act()
    assert refusal.value.code == "client.invalid"
    problems: Any = refusal.value.params["problems"]
    assert all(problem["reason"] for problem in problems)
    return [problem["field"] for problem in problems]


def refused(world: World, wanted: Registration, realm: RealmName = STAFF) -> list[str]:
    """Return which members of a registration are refused."""
    return fields_of(lambda: create(world, wanted, realm))


def changed(**members: Any) -> Registration:  # noqa: ANN401 - members of Registration
    return replace(GOOD, **members)


BAD_URIS = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "https://web.example/cb#f",
    "https://web.example/*",
    "https://*.example/cb",
    "https://user@web.example/cb",
    "https://web.example\\@evil.example/cb",
    "http://web.example/cb",
    "http://localhost:80@evil.example/cb",
    "https:///cb",
    "https://",
    "//web.example/cb",
    "/cb",
    "web.example/cb",
    "https://web.example/a/../b",
    "https://web.example/ cb",
    "https://web。example/cb",
    "https://web.example:port/cb",
    "https://web.example/" + "x" * 100_000,
    "com.example.app:/cb",
    "",
]


def test_dangerous_redirect_addresses_are_refused(world: World) -> None:
    for uri in BAD_URIS:
        for member in ("redirect_uris", "post_logout_redirect_uris"):
            assert set(refused(world, changed(**{member: (uri,)}))) == {member}, uri
    for uri in (*BAD_URIS[:-2], "com.example.app:/cb"):
        for member in ("backchannel_logout_uri", "initiate_login_uri"):
            assert set(refused(world, changed(**{member: uri}))) == {member}, uri


def test_an_app_may_have_a_scheme_of_its_own_but_not_a_browsers(world: World) -> None:
    native = replace(GOOD, application_type="native")

    for number, uri in enumerate(("com.timetrak.mobile:/cb", "timetrak://cb")):
        create(world, replace(native, client_id=f"m{number}", redirect_uris=(uri,)))
    for uri in ("javascript://x/%0aalert(1)", "data://x", "intent://x", "blob://x", "app:cb"):
        wanted = replace(native, redirect_uris=(uri,))
        assert refused(world, wanted) == ["redirect_uris"], uri


def test_this_machine_may_be_reached_by_http(world: World) -> None:
    uris = ("http://127.0.0.1:8000/cb", "http://[::1]/cb", "http://localhost:8000/cb")

    create(world, replace(GOOD, redirect_uris=uris))

    with world.begin() as uow:
        assert get_client(uow, "web").registration.redirect_uris == uris


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "id with blanks": ({"client_id": "we b"}, "client_id"),
    "no id": ({"client_id": ""}, "client_id"),
    "long id": ({"client_id": "x" * 129}, "client_id"),
    "odd name": ({"client_name": "a\nb"}, "client_name"),
    "long name": ({"client_name": "a" * 257}, "client_name"),
    "type": ({"application_type": "tv"}, "application_type"),
    "method": ({"token_endpoint_auth_method": "magic"}, "token_endpoint_auth_method"),
    "alg none": ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
    "alg HS256": ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
    "alg RS1": ({"id_token_signed_response_alg": "RS1"}, "id_token_signed_response_alg"),
    "password grant": ({"grant_types": ("password",)}, "grant_types"),
    "implicit grant": ({"grant_types": ("authorization_code", "implicit")}, "grant_types"),
    "later grant": (
        {"grant_types": ("urn:ietf:params:oauth:grant-type:device_code",)},
        "grant_types",
    ),
    "refresh alone": ({"grant_types": ("refresh_token",)}, "grant_types"),
    "grant twice": ({"grant_types": ("authorization_code",) * 2}, "grant_types"),
    "no address": ({"redirect_uris": ()}, "redirect_uris"),
    "address twice": ({"redirect_uris": ("https://web.example/cb",) * 2}, "redirect_uris"),
    "too many": (
        {"redirect_uris": tuple(f"https://web.example/{n}" for n in range(51))},
        "redirect_uris",
    ),
    "public without pkce": (
        {"application_type": "native", "pkce_required": False},
        "pkce_required",
    ),
    "public introspects": ({"application_type": "spa", "may_introspect": True}, "may_introspect"),
    "page with a secret": (
        {"application_type": "spa", "token_endpoint_auth_method": "client_secret_post"},
        "token_endpoint_auth_method",
    ),
    "public service": (
        {
            "application_type": "service",
            "token_endpoint_auth_method": "none",
            "redirect_uris": (),
        },
        "token_endpoint_auth_method",
    ),
    "service signs in": (
        {"application_type": "service", "grant_types": ("authorization_code",)},
        "grant_types",
    ),
    "service is openid": (
        {"application_type": "service", "scopes": ("openid",), "redirect_uris": ()},
        "scope",
    ),
    "keys missing": ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
    "keys empty": ({"jwks": {"keys": []}}, "jwks"),
    "private keys": ({"jwks": {"keys": [RSA.as_dict(private=True)]}}, "jwks"),
    "weak key": ({"jwks": {"keys": [{"kty": "RSA", "n": "A" * 171, "e": "AQAB"}]}}, "jwks"),
    "odd curve": (
        {"jwks": {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]}},
        "jwks",
    ),
    "symmetric key": ({"jwks": {"keys": [OctKey.generate_key().as_dict()]}}, "jwks"),
    "no key at all": ({"jwks": {"keys": [{"kty": "RSA"}]}}, "jwks"),
    "short secret": ({"secret": "1234567"}, "secret"),
    "odd secret": ({"secret": "1234567\n8"}, "secret"),
    "secret of a public client": (
        {"application_type": "native", "secret": "12345678"},
        "secret",
    ),
    "origin of a web app": ({"spa_origins": ("https://web.example",)}, "spa_origins"),
    "origin with a path": (
        {"application_type": "spa", "spa_origins": ("https://web.example/",)},
        "spa_origins",
    ),
    "origin in capitals": (
        {"application_type": "spa", "spa_origins": ("https://WEB.example",)},
        "spa_origins",
    ),
    "origin null": ({"application_type": "spa", "spa_origins": ("null",)}, "spa_origins"),
    "scope": ({"scopes": ('a"b',)}, "scope"),
    "scope twice": ({"scopes": ("openid", "openid")}, "scope"),
    "scope too long": ({"scopes": tuple(f"scope{n:03}" for n in range(300))}, "scope"),
    "unknown admin scope": ({"scopes": ("admin:everything",)}, "scope"),
}


def test_what_cannot_be_is_refused_with_the_name_of_the_member(world: World) -> None:
    for case, (changes, member) in WRONG.items():
        assert refused(world, changed(**changes)) == [member], case
    with world.begin() as uow:
        assert list_clients(uow) == []


def test_every_problem_is_told_at_once(world: World) -> None:
    wanted = replace(GOOD, client_id="we b", redirect_uris=("javascript:x", "http://x.example"))

    assert refused(world, wanted) == [
        "client_id",
        "redirect_uris",
        "redirect_uris",
    ]


def test_administration_scopes_exist_in_staff_only(world: World) -> None:
    wanted = Registration(client_id="ops", application_type="service", scopes=("admin:read",))

    create(world, wanted)

    assert refused(world, wanted, PORTAL) == ["scope"]


def proved(world: World, secret: str) -> bool:
    with world.begin() as uow:
        found = find_proved_client(uow, SecretProof("web", secret, "client_secret_basic"))
    return not isinstance(found, ClientRefused)


def test_a_secret_is_shown_once_and_only_its_mac_is_kept(world: World) -> None:
    secret = create(world, GOOD)
    assert secret is not None

    with world.begin() as uow:
        shown = write_metadata(get_client(uow, "web"))
        row = find_client(uow, "web")

    assert proved(world, secret)
    assert not proved(world, secret + "x")
    assert "client_secret" not in shown
    assert secret not in str(row)


def test_a_chosen_secret_is_not_given_back(world: World) -> None:
    assert create(world, replace(GOOD, secret="chosen by the developer")) is None
    assert proved(world, "chosen by the developer")


def test_a_new_secret_replaces_the_old_at_once(world: World) -> None:
    old = create(world, GOOD)
    assert old is not None
    assert proved(world, old)

    with world.begin() as uow:
        new = rotate_client_secret(uow, "web").secret
    assert new is not None

    assert (proved(world, old), proved(world, new)) == (False, True)
    with world.begin() as uow:
        assert rotate_client_secret(uow, "web", "chosen secret").secret is None
    assert proved(world, "chosen secret")
    assert world.event_codes().count("client.secret_rotated") == 2


def test_a_client_without_a_secret_gets_none(world: World) -> None:
    assert create(world, replace(GOOD, application_type="native")) is None

    with world.begin() as uow, pytest.raises(Conflict):
        rotate_client_secret(uow, "web")


def test_a_change_holds_from_the_next_request_on(world: World) -> None:
    create(world, GOOD)
    with world.begin() as uow:
        before = find_client(uow, "web")

    with world.begin() as uow:
        made = update_client(uow, "web", {"client_name": "Web", "consent_required": False})
    with world.begin() as uow:
        after = find_client(uow, "web")

    assert isinstance(before, Client)
    assert isinstance(after, Client)
    assert (before.name, after.name) == ("web", "Web")
    assert after.version == before.version + 1 == made.client.version
    assert made.secret is None
    assert world.events()[-1].params["changed"] == ["client_name", "consent_required"]


def test_a_change_of_method_gives_or_takes_the_secret(world: World) -> None:
    secret = create(world, GOOD)
    assert secret is not None
    jwks = {"keys": [RSA.as_dict(private=False)]}

    with world.begin() as uow:
        to_keys = update_client(
            uow, "web", {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks}
        )
    assert to_keys.secret is None
    assert not proved(world, secret)
    with world.begin() as uow:
        back = update_client(uow, "web", {"token_endpoint_auth_method": "client_secret_basic"})
    assert back.secret is not None
    assert proved(world, back.secret)


def test_two_people_cannot_overwrite_each_other(world: World) -> None:
    create(world, GOOD)
    with world.begin() as uow:
        update_client(uow, "web", {"client_name": "One"}, expected_version=1)

    with world.begin() as uow, pytest.raises(PreconditionFailed):
        update_client(uow, "web", {"client_name": "Two"}, expected_version=1)


def test_an_id_is_taken_until_its_client_is_removed(world: World) -> None:
    old = create(world, GOOD)
    with pytest.raises(Conflict):
        create(world, GOOD)
    create(world, GOOD, PORTAL)
    user = world.add_user("ada")
    with world.begin() as uow:
        uow.db.add(ConsentRow(user_id=user, client_id="web", scopes=["openid"], granted_at=uow.now))

    with world.begin() as uow:
        remove_client(uow, "web")
    with world.begin() as uow:
        assert find_client(uow, "web") is None
        with pytest.raises(NotFound):
            get_client(uow, "web")
        with pytest.raises(NotFound):
            remove_client(uow, "web")
    new = create(world, GOOD)

    assert old is not None
    assert new is not None
    assert (proved(world, old), proved(world, new)) == (False, True)
    assert world.count(ConsentRow) == 0


def test_clients_are_listed_by_id_in_pages(world: World) -> None:
    for name in ("b", "a", "c"):
        create(world, replace(GOOD, client_id=name))

    with world.begin() as uow:
        first = list_clients(uow, limit=2)
        rest = list_clients(uow, after="b")

    assert [client.registration.client_id for client in first] == ["a", "b"]
    assert [client.registration.client_id for client in rest] == ["c"]


def test_a_document_can_be_read_back(world: World) -> None:
    jwks = {"keys": [RSA.as_dict(private=False)]}
    wanted = replace(
        GOOD,
        client_name="Web",
        token_endpoint_auth_method="private_key_jwt",
        jwks=jwks,
        grant_types=("authorization_code", "refresh_token"),
        pkce_required=False,
        consent_required=False,
        may_introspect=True,
        initiate_login_uri="https://web.example/start",
        further={"contacts": ["it@example.com"], "client_uri": "https://web.example/"},
    )
    create(world, wanted)
    with world.begin() as uow:
        document = write_metadata(get_client(uow, "web"))

    read = read_metadata(document)

    again = Registration(**read.members)
    assert read.ignored == ()
    with world.begin(PORTAL) as uow:
        assert write_metadata(create_client(uow, again).client) == document


BAD_METADATA: dict[str, Any] = {
    "jwks_uri": "https://web.example/keys",
    "response_types": ["code id_token"],
    "subject_type": "pairwise",
    "default_max_age": 60,
    "redirect_uris": "https://web.example/cb",
    "grant_types": [1],
    "client_name": 5,
    "scope": ["openid"],
    "pkce": "sometimes",
    "consent": "no",
    "jwks": [],
    "logo_uri": "javascript:alert(1)",
    "tos_uri": 5,
    "contacts": "me",
    "software_id": 7,
}


def test_metadata_of_the_wrong_shape_is_refused(world: World) -> None:
    for name, value in BAD_METADATA.items():
        one = {name: value}
        assert fields_of(partial(read_metadata, one)) == [name]
    everything = fields_of(lambda: read_metadata(BAD_METADATA))
    assert everything == list(BAD_METADATA)


def test_metadata_nobody_knows_is_named(world: World) -> None:
    read = read_metadata({"client_id": "web", "response_types": ["code"], "favourite": "blue"})

    assert read.ignored == ("favourite",)
    assert read.members == {"client_id": "web"}


def test_of_many_who_register_one_client_one_wins(world: World) -> None:
    def attempt(_: int) -> str:
        try:
            create(world, GOOD)
        except Conflict as refused:
            return refused.code
        return "made"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(attempt, range(8)))

    assert answers == ["client.exists"] * 7 + ["made"]
