"""What people allowed clients, and how they take it back."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.core.client_admin import create_client
from idp.core.client_registration import Registration
from idp.core.clients import find_client
from idp.core.consents import grant_consent, list_consents, missing_scopes, revoke_consent
from idp.errors import NotFound
from idp.ids import ClientId
from tests.support.world import World

WEB = ClientId("web")


def test_consent_adds_up_and_can_be_taken_back(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        wanted = Registration(client_id=WEB, redirect_uris=("https://web.example/cb",))
        create_client(uow, wanted)
    with world.begin() as uow:
        web = find_client(uow, WEB)
        assert web is not None
        assert missing_scopes(uow, web, ada, ("openid", "email")) == ("openid", "email")
        grant_consent(uow, ada, WEB, ("openid",))
    with world.begin() as uow:
        assert missing_scopes(uow, web, ada, ("openid", "email")) == ("email",)
        grant_consent(uow, ada, WEB, ("email",))

    with world.begin() as uow:
        allowed = list_consents(uow, ada)
        revoke_consent(uow, ada, WEB)
    with world.begin() as uow, pytest.raises(NotFound):
        revoke_consent(uow, ada, WEB)

    assert [(consent.client_name, consent.scopes) for consent in allowed] == [
        ("web", ("openid", "email"))
    ]
    codes = world.event_codes()
    assert codes.count("consent.granted") == 2
    assert codes[-1] == "consent.revoked"


def test_what_is_allowed_in_two_windows_at_once_adds_up(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        create_client(uow, Registration(client_id=WEB, redirect_uris=("https://web.example/cb",)))
    barrier = threading.Barrier(4)

    def allow(scope: str) -> None:
        barrier.wait()
        with world.begin() as uow:
            grant_consent(uow, ada, WEB, (scope,))

    with ThreadPoolExecutor(4) as windows:
        list(windows.map(allow, ("openid", "email", "profile", "phone")))

    with world.begin() as uow:
        [allowed] = list_consents(uow, ada)
        assert set(allowed.scopes) == {"openid", "email", "profile", "phone"}
