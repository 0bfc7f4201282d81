"""Ring one: a session sees and writes the rows of its realm only, however it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import aliased

from idp.core.users import lock_user
from idp.core.work import SYSTEM
from idp.ids import UserId
from idp.jobs.runner import Runner
from idp.store.audit import AuditEventRow
from idp.store.base import Base, InRealm
from idp.store.users import CredentialRow, UserRow
from tests.isolation.population import both
from tests.support.campaigns import run_reset, run_undo
from tests.support.story import Story
from tests.support.world import PORTAL, STAFF

ROWS: list[Any] = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, InRealm)),
    key=lambda row: row.__tablename__,
)
_QUEUES = {"jobs", "outbox"}
"""A worker looks for what is due in every realm, and then works in that one."""


@contextmanager
def recorded(story: Story) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements of the block with what is bound to them."""
    engine = story.world.runtime.database.engine
    seen: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:  # noqa: ANN401 - the arguments of the hook
        if call[2].split()[0] in {"SELECT", "UPDATE", "DELETE", "INSERT", "WITH"}:
            seen.append((call[2], call[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("row", ROWS, ids=[row.__tablename__ for row in ROWS])
def test_every_statement_over_rows_is_bound_to_the_realm(story: Story, row: type[Any]) -> None:
    other = aliased(row)
    constant = next(column for column in row.__table__.columns if column.name != "realm")
    statements = [
        sa.select(row),
        sa.select(other),
        sa.select(sa.func.count()).select_from(row),
        sa.update(row).values({constant.name: constant}),
        sa.delete(row),
    ]
    with recorded(story) as seen, story.world.begin(STAFF) as uow:
        for statement in statements:
            uow.db.execute(statement, execution_options={"synchronize_session": False})
        uow.db.rollback()

    assert len(seen) == len(statements)
    for text, bound in seen:
        assert "realm = " in text.rpartition("WHERE")[2], text
        values = bound.values() if isinstance(bound, dict) else bound
        assert STAFF in tuple(values)


def test_a_row_of_the_other_realm_cannot_be_got_or_changed(story: Story) -> None:
    ada = story.person("ada", realm=PORTAL)

    with story.world.begin(STAFF) as uow:
        assert uow.db.get(UserRow, (PORTAL, ada)) is None
        assert uow.db.get(UserRow, (STAFF, ada)) is None
        changed = uow.db.execute(sa.update(UserRow).where(UserRow.id == ada).values(epoch=9))
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    assert story.world.user(ada, realm=PORTAL).epoch == 1


def test_a_row_of_the_other_realm_cannot_be_written(story: Story) -> None:
    ada = story.person("ada", realm=PORTAL)
    row = CredentialRow(realm=PORTAL, user_id=ada, hash="!")

    with pytest.raises(RuntimeError, match="portal"), story.world.begin(STAFF) as uow:
        uow.db.add(row)


def test_what_is_appended_is_of_this_realm_whatever_it_says(story: Story) -> None:
    before = story.world.event_codes(realm=PORTAL)
    words = {"code": "user.created", "actor_kind": "host", "params": {}}

    with story.world.begin(STAFF) as uow:
        uow.db.append(AuditEventRow, id=uow.new_id(), at=uow.now, realm=PORTAL, **words)

    assert story.world.event_codes(realm=PORTAL) == before
    assert story.world.event_codes(realm=STAFF)[-1] == "user.created"


def test_a_row_cannot_be_taken_over_into_another_realm(story: Story) -> None:
    ada = story.person("ada", realm=PORTAL)
    stranger = story.world.user(ada, realm=PORTAL)

    stranger.epoch = 9

    with pytest.raises(RuntimeError, match="portal"), story.world.begin(STAFF) as uow:
        uow.db.add(stranger)
    assert story.world.user(ada, realm=PORTAL).epoch == 1


def test_every_statement_of_a_long_story_names_a_realm(story: Story) -> None:
    """The hot paths and the bulk work are Core statements, to which no filter is added."""
    tables = {row.__tablename__ for row in ROWS}
    staff, portal = both(story)
    with recorded(story) as seen:
        for population in (staff, portal):
            tokens = population.tokens()
            story.refresh(population.web, tokens["refresh_token"])
            story.userinfo(tokens["access_token"], realm=population.realm)
            story.introspect(population.resource_server, tokens["access_token"])
            story.revoke(population.web, tokens["refresh_token"])
        for mode in ({"mode": "shared", "password": "shared horse battery"}, {"mode": "link"}):
            run_undo(story.world, run_reset(story.world, **mode))  # type: ignore[arg-type]
        story.world.advance(days=400)
        Runner(story.world.runtime).run_once()
        with story.world.runtime.begin(PORTAL, actor=SYSTEM) as uow:
            lock_user(uow, UserId(portal.ada))

    assert len(seen) > 100
    for text, bound in seen:
        mentioned = {name for name in tables if f" {name} " in f"{text} ".replace("\n", " ")}
        values = tuple(bound.values() if isinstance(bound, dict) else bound or ())
        if mentioned - _QUEUES:
            assert "realm" in text, text
            assert {STAFF, PORTAL} & {str(value) for value in values}, text
