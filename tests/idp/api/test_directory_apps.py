"""Apps for members of a directory's groups (real OpenLDAP, read by real runs)."""

import pytest

from idp.core.client_admin import get_client, update_client
from idp.core.groups import get_group
from idp.core.sync.runs import RunMode
from tests.idp.api.bridge import Bridge
from tests.support.story import App


@pytest.fixture
def app(bridge: Bridge) -> App:
    """Give an app for everybody."""
    return bridge.desk.story.app("payroll")


def limit(bridge: Bridge, *dns: str) -> None:
    """Have only members of these groups of the directory use the app."""
    names = tuple(dn.partition(",")[0].removeprefix("cn=") for dn in dns)
    with bridge.desk.story.world.begin() as uow:
        update_client(uow, "payroll", {"allowed_groups": names})


def refresh_token(bridge: Bridge, app: App, login: str) -> str:
    """Sign a person of the directory in to the app, and return its refresh token."""
    story, browser = bridge.desk.story, bridge.desk.story.new_browser()
    bridge.user(login)
    story.sign_in(login, browser=browser)
    token: str = story.tokens(app, browser=browser)["refresh_token"]
    return token


def test_who_leaves_a_renamed_group_loses_the_app_and_who_joins_gets_it(
    bridge: Bridge, app: App
) -> None:
    (ada_dn, ada), (ben_dn, ben), (cat_dn, cat) = bridge.people(3)
    inner = bridge.group(ben_dn)
    outer = bridge.group(ada_dn, inner)
    bridge.sync(RunMode.FULL)
    tokens = {login: refresh_token(bridge, app, login) for login in (ada, ben, cat)}
    limit(bridge, outer)

    bridge.server.change(outer, "changetype: modrdn", f"newrdn: cn=wages-{ada}", "deleteoldrdn: 1")
    bridge.server.change(inner, "replace: member", f"member: {cat_dn}")
    assert bridge.sync() == ()

    story = bridge.desk.story
    answers = {login: story.refresh(app, token) for login, token in tokens.items()}
    assert {login: answer.status for login, answer in answers.items()} == {
        ada: 200,
        ben: 400,
        cat: 200,
    }
    assert answers[ben].json["idp_reason"] == "app_not_allowed"


def test_an_app_of_a_group_that_vanished_is_for_nobody(bridge: Bridge, app: App) -> None:
    [(ada_dn, ada)] = bridge.people(1)
    dn = bridge.group(ada_dn)
    bridge.sync(RunMode.FULL)
    token = refresh_token(bridge, app, ada)
    limit(bridge, dn)
    world = bridge.desk.story.world
    with world.begin() as uow:
        version = get_client(uow, "payroll").version

    bridge.server.delete(dn)
    assert bridge.sync() == ()

    with world.begin() as uow:
        view = get_client(uow, "payroll")
    assert (view.registration.allowed_groups, view.version) == ((), version + 1)
    refused = bridge.desk.story.refresh(app, token)
    assert refused.json["idp_reason"] == "app_not_allowed"
    changed = [event for event in world.events() if event.code == "client.changed"][-1]
    assert changed.params["changed"] == ["allowed_groups"]


def test_a_run_that_takes_an_app_from_most_waits(bridge: Bridge, app: App) -> None:
    people = bridge.people(42)
    few, many = (
        bridge.group(*[dn for dn, _ in people[:3]]),
        bridge.group(*[dn for dn, _ in people]),
    )
    bridge.sync(RunMode.FULL)
    limit(bridge, few, many)
    first = f"member: {people[0][0]}"

    bridge.server.change(few, "replace: member", first)
    assert bridge.sync() == ()
    bridge.server.change(many, "replace: member", *[f"member: {dn}" for dn, _ in people[:21]])
    assert bridge.sync() == ()
    bridge.server.change(many, "replace: member", *[f"member: {dn}" for dn, _ in people])
    assert bridge.sync() == ()
    bridge.server.change(many, "replace: member", first)
    assert bridge.sync() == ("app_lost",)

    with bridge.desk.story.world.begin() as uow:
        name = many.partition(",")[0].removeprefix("cn=")
        assert get_group(uow, name).members == len(people)
    bridge.release()
    with bridge.desk.story.world.begin() as uow:
        assert get_group(uow, name).members == 1
