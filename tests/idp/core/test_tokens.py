"""Tokens at the edges: what a restored backup, a cleaner or a late repeat leaves behind."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from idp.core.access_tokens import find_access_token, revoke_access_token
from idp.core.clients import find_client
from idp.core.families import revoke_refresh
from idp.core.key_ring import KeyRing, current_ring
from idp.core.keys import create_first_keys, list_keys, rotate_keys
from idp.core.refresh_tokens import read_refresh_token
from idp.core.work import SYSTEM
from idp.errors import Unavailable
from idp.ids import RealmName
from idp.store.tokens import AuthorizationCodeRow, TokenFamilyRow
from tests.support.story import Story, open_story
from tests.support.world import STAFF


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """Give the product with both realms, their keys, and nobody signed in."""
    with open_story(database_url) as opened:
        yield opened


def test_a_token_ahead_of_a_restored_backup_is_refused_and_kills_nothing(story: Story) -> None:
    app = story.app()
    story.sign_in()
    first = story.tokens(app)["refresh_token"]
    second = story.refresh(app, first).json["refresh_token"]
    with story.world.begin() as uow:
        uow.db.execute(sa.update(TokenFamilyRow).values(counter=0, rotated_at=None))

    assert story.refresh(app, second).error == "invalid_grant"
    assert story.refresh(app, first).status == 200


def test_what_the_cleaner_took_is_unknown(story: Story) -> None:
    app = story.app()
    rs = story.app("rs", application_type="service", may_introspect=True)
    story.sign_in()
    code = story.authorize(app).code
    tokens = story.redeem(app, code).json
    with story.world.begin() as uow:
        uow.db.execute(sa.delete(TokenFamilyRow))
        uow.db.execute(sa.delete(AuthorizationCodeRow))

    assert story.refresh(app, tokens["refresh_token"]).error == "invalid_grant"
    assert story.redeem(app, code).error == "invalid_grant"
    assert story.userinfo(tokens["access_token"]).status == 401
    assert story.introspect(rs, tokens["refresh_token"]).json == {"active": False}
    assert story.revoke(app, tokens["refresh_token"]).status == 200


def test_giving_up_twice_is_one_event(story: Story) -> None:
    app = story.app()
    story.sign_in()
    tokens = story.tokens(app)
    with story.world.begin() as uow:
        found = find_access_token(uow, tokens["access_token"], audience=None)
        client = find_client(uow, "web")
        family = read_refresh_token(uow.runtime.box, uow.realm, tokens["refresh_token"])
        assert found is not None
        assert client is not None
        assert family is not None
        for _ in range(2):
            revoke_access_token(uow, found)
            revoke_refresh(uow, client, family)

    assert story.event_codes().count("token.revoked") == 2


def test_first_keys_are_made_once(story: Story) -> None:
    assert create_first_keys(story.world.runtime, STAFF, actor=SYSTEM) is False


def test_a_key_that_came_to_its_end_is_retired_by_the_next_change(story: Story) -> None:
    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)
    story.world.advance(hours=3)
    with story.world.begin() as uow:
        before = sorted(key.state for key in list_keys(uow))

    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)

    with story.world.begin() as uow:
        after = sorted(key.state for key in list_keys(uow))
    assert before == ["active"] * 3 + ["retired"] * 3
    assert after == ["active"] * 3 + ["next"] * 3 + ["retired"] * 3


def test_nothing_is_signed_without_a_key(story: Story) -> None:
    with pytest.raises(Unavailable):
        KeyRing(1, ()).signer("ES256", story.world.clock.now())
    nobody = RealmName("nobody")
    with story.world.runtime.begin(nobody, write=False) as uow, pytest.raises(Unavailable):
        current_ring(uow)
