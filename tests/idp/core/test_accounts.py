"""Looking an account up by what somebody typed: one SELECT, by indexes, whatever is typed."""

from typing import Any

import pytest
import sqlalchemy as sa

from idp.core.accounts import find_account_to_write, find_by_login, list_by_email, look_up
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.errors import Unavailable
from idp.ids import RealmName
from idp.store.users import UserRow
from tests.support.world import PASSWORD, PORTAL, STAFF, World, open_world


def test_one_whose_login_name_is_the_address_is_found_once(world: World) -> None:
    mail = {"email": "ada@example.com", "email_key": "ada@example.com"}
    ada = world.add_user("ada@example.com", user=mail)

    with world.begin(write=False) as uow:
        found = find_by_login(uow, "ada@example.com")
    assert found is not None
    assert found.user_id == ada


def test_what_is_not_written_yet_is_found(world: World) -> None:
    ada = world.add_user("ada")

    with world.begin() as uow:
        uow.db.get_one(UserRow, (STAFF, ada)).email_key = "countess@example.com"
        found = list_by_email(uow, "countess@example.com", limit=5)
        held = find_account_to_write(uow, ada)
    assert [account.user_id for account in found] == [ada]
    assert held is not None
    assert held.owner.email_key == "countess@example.com"


@pytest.mark.parametrize("typed", ["ada", "ADA@example.com", "nobody"])
def test_a_device_is_known_to_its_user_only_and_under_the_present_password(
    world: World, typed: str
) -> None:
    ada = world.add_user("ada")
    world.add_user("bob")
    form = SignInForm(username="ada", password=PASSWORD)
    entered = sign_in(world.runtime, STAFF, form)
    assert isinstance(entered, LoggedIn)

    with world.begin(write=False) as uow:
        found = look_up(uow, typed, entered.device_secret)
        of_bob = look_up(uow, "bob", entered.device_secret)
    world.change_user(ada, credential_generation=2)
    with world.begin(write=False) as uow:
        later = look_up(uow, typed, entered.device_secret)

    assert found.is_device_known is (typed != "nobody")
    assert (found.account is None) is (typed == "nobody")
    assert not of_bob.is_device_known
    assert not later.is_device_known


def test_nobody_costs_the_same_select(world: World) -> None:
    world.add_user("ada")
    world.add_user("pat", realm=PORTAL)

    costs = {typed: len(_looked_up(world, typed)) for typed in ("ada", "pat", "", "x" * 999)}

    assert set(costs.values()) == {1}


@pytest.mark.parametrize("typed", ["ada", "ada@example.com", "nobody"])
def test_no_realm_is_read_through(sqlite_url: str, typed: str) -> None:
    with open_world(sqlite_url) as world:
        world.add_user("ada")
        [(statement, bound)] = _looked_up(world, typed)
        with world.runtime.database.connection(write=False) as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound).all()

    steps = [step[-1] for step in plan if " users" in step[-1]]
    assert len(steps) == 3
    assert [step for step in steps if "(realm=? AND " not in step] == []


def test_a_realm_that_is_not_in_the_database_lets_nobody_in(world: World) -> None:
    with (
        pytest.raises(Unavailable, match=r"realm\.missing"),
        world.begin(RealmName("elsewhere"), write=False) as uow,
    ):
        look_up(uow, "ada", None)


def _looked_up(world: World, typed: str) -> list[tuple[str, Any]]:
    """Return the statements, and what is bound to them, of looking a name up."""
    seen: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:  # noqa: ANN401 - the arguments of the hook
        if not call[2].startswith("BEGIN"):
            seen.append((call[2], call[3]))

    engine = world.runtime.database.engine
    with world.begin(write=False) as uow:
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            look_up(uow, typed, None)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
    return seen
