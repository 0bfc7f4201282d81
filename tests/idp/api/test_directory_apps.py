"""Apps for members of a directory's groups (real OpenLDAP, read by real runs)."""

import pytest

from idp.core.client_admin import get_client, update_client
from idp.core.groups import get_group, list_groups
from idp.core.sync.runs import RunMode
from tests.idp.api.bridge import Bridge
from tests.support.slapd import GROUPS, PEOPLE
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


def test_an_app_of_a_group_that_vanished_is_for_nobody_until_it_is_back(
    bridge: Bridge, app: App
) -> None:
    [(ada_dn, ada)] = bridge.people(1)
    dn = bridge.group(ada_dn)
    bridge.sync(RunMode.FULL)
    token = refresh_token(bridge, app, ada)
    limit(bridge, dn)
    story = bridge.desk.story
    with story.world.begin() as uow:
        before = get_client(uow, "payroll")

    moved = bridge.move(dn, PEOPLE)
    assert bridge.sync() == ()

    with story.world.begin() as uow:
        assert get_client(uow, "payroll") == before
    assert story.refresh(app, token).json["idp_reason"] == "app_not_allowed"
    assert bridge.sync() == ()

    bridge.move(moved, GROUPS)
    assert bridge.sync() == ()

    assert story.refresh(app, token).status == 200


def test_a_group_that_vanished_can_be_taken_off_the_app(bridge: Bridge, app: App) -> None:
    [(ada_dn, ada)] = bridge.people(1)
    gone, other = bridge.group(ada_dn), bridge.group(ada_dn)
    bridge.sync(RunMode.FULL)
    token = refresh_token(bridge, app, ada)
    limit(bridge, gone, other)
    bridge.server.delete(gone)
    bridge.sync()
    assert bridge.desk.story.refresh(app, token).status == 200
    with bridge.desk.story.world.begin() as uow:
        names = get_client(uow, "payroll").registration.allowed_groups or ()
        members = {name: get_group(uow, name).members for name in names}
    assert sorted(members.values()) == [0, 1]

    limit(bridge, other)
    bridge.sync()

    with bridge.desk.story.world.begin() as uow:
        assert len(members.keys() & {group.name for group in list_groups(uow)}) == 1


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
