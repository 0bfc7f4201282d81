"""How many SQL statements an answer takes; a bound, so that nobody makes it slower unnoticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from idp.core.client_admin import update_client
from idp.core.groups import create_group, update_group
from tests.support.pages import Visitor, visitor
from tests.support.story import App, Story
from tests.support.world import PASSWORD


@contextmanager
def counted(story: Story) -> Iterator[list[str]]:
    """Collect the statements of the block; `COMMIT` stands for itself."""
    engine = story.world.runtime.database.engine
    seen: list[str] = []

    def statement(*call: Any) -> None:  # noqa: ANN401 - the arguments of the hook
        if not call[2].startswith("BEGIN"):
            seen.append(call[2])

    def commit(_connection: object) -> None:
        seen.append("COMMIT")

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


def kinds(seen: list[str]) -> list[str]:
    return [statement.split()[0] for statement in seen]


def test_a_refresh_takes_two_statements_and_a_commit(story: Story) -> None:
    app = story.app()
    story.sign_in()
    token = story.tokens(app)["refresh_token"]
    token = story.refresh(app, token).json["refresh_token"]

    with counted(story) as seen:
        assert story.refresh(app, token).status == 200

    assert kinds(seen) == ["SELECT", "UPDATE", "COMMIT"]


def test_a_refresh_of_an_app_for_some_takes_no_more(story: Story) -> None:
    app = story.app()
    story.sign_in()
    token = story.tokens(app)["refresh_token"]
    with story.world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "Office", add=[story.people["ada"]])
        update_client(uow, app.client_id, {"allowed_groups": ("Office",)})
    token = story.refresh(app, token).json["refresh_token"]

    with counted(story) as seen:
        assert story.refresh(app, token).status == 200

    assert kinds(seen) == ["SELECT", "UPDATE", "COMMIT"]


def test_a_repeated_refresh_takes_one_statement(story: Story) -> None:
    app = story.app()
    story.sign_in()
    token = story.tokens(app)["refresh_token"]
    story.refresh(app, token)

    with counted(story) as seen:
        assert story.refresh(app, token).status == 200

    assert kinds(seen) == ["SELECT", "COMMIT"]


def test_a_code_takes_four(story: Story) -> None:
    app = story.app()
    story.sign_in()
    story.tokens(app)
    code = story.authorize(app).code

    with counted(story) as seen:
        assert story.redeem(app, code).status == 200

    assert kinds(seen) == ["SELECT", "UPDATE", "INSERT", "INSERT", "COMMIT"]


def test_a_clients_own_token_takes_one(story: Story) -> None:
    app = story.app("m2m", application_type="service")
    story.token(app, grant_type="client_credentials")

    with counted(story) as seen:
        assert story.token(app, grant_type="client_credentials").status == 200

    assert kinds(seen) == ["SELECT", "COMMIT"]


def test_userinfo_takes_two_and_introspection_two(story: Story) -> None:
    app = story.app()
    rs = story.app("rs", application_type="service", may_introspect=True)
    story.sign_in()
    tokens = story.tokens(app, scope="openid email")
    story.introspect(rs, tokens["access_token"])

    with counted(story) as userinfo:
        assert story.userinfo(tokens["access_token"]).status == 200
    with counted(story) as introspection:
        assert story.introspect(rs, tokens["access_token"]).json["active"] is True

    assert kinds(userinfo) == ["SELECT", "SELECT", "COMMIT"]
    assert kinds(introspection) == ["SELECT", "SELECT", "COMMIT"]


def test_a_sign_on_at_another_app_takes_four(story: Story) -> None:
    app = story.app()
    story.sign_in()
    story.authorize(app)

    with counted(story) as seen:
        assert story.authorize(app).code

    assert kinds(seen) == ["SELECT", "SELECT", "INSERT", "INSERT", "COMMIT"]


def test_a_whole_sign_in_takes_25_statements_and_26_of_who_was_signed_in(story: Story) -> None:
    app = story.app()
    story.person("ada")
    person = visitor(story)
    _whole_sign_in(story, app, visitor(story))

    first, again = (_whole_sign_in(story, app, person) for _ in range(2))

    assert [_cost(first), _cost(again)] == [(25, 8), (26, 8)]


def _cost(seen: list[str]) -> tuple[int, int]:
    """Return how many statements and how many transactions."""
    transactions = seen.count("COMMIT")
    return len(seen) - transactions, transactions


def _whole_sign_in(story: Story, app: App, person: Visitor) -> list[str]:
    with counted(story) as seen:
        asked = story.authorize(app, browser=person.browser, prompt="login")
        person.open(asked.location)
        person.submit(username="ada", password=PASSWORD)
        assert story.redeem(app, person.go_on().answer.code).status == 200
    return seen


def test_documents_take_none(story: Story) -> None:
    story.get("/jwks")

    with counted(story) as seen:
        assert story.get("/jwks").status == 200
        assert story.get("/.well-known/openid-configuration").status == 200

    assert seen == []
