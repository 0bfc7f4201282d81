"""Who is in a directory's groups is worked out from what they list, not from everybody there is."""

from idp.store.directory_members import settle_members
from tests.support.explaining import steps_of
from tests.support.world import STAFF, open_world


def test_no_group_is_settled_by_reading_everybody(sqlite_url: str) -> None:
    steps = [step.split() for step in _settling(sqlite_url)]
    reading = {" ".join(words): words[1] for words in steps if words[0] in ("SEARCH", "SCAN")}

    assert set(reading.values()) == {
        *("credentials", "directory_links"),
        *("directory_members", "memberships"),
    }
    of_people = [step for step, table in reading.items() if table == "directory_links"]
    by_key = ("AND address_hash=?", "AND user_id=?")
    assert [step for step in of_people if not any(key in step for key in by_key)] == []


def test_no_member_is_compared_with_everybody_who_is_listed(postgresql_url: str) -> None:
    assert [step for step in _settling(postgresql_url) if "SubPlan" in step] == []


def _settling(database_url: str) -> list[str]:
    """Return how a database would settle a group with another one inside of it."""
    place = (STAFF, "corp", "group-1", ["group-1", "group-2"])
    with (
        open_world(database_url) as world,
        world.runtime.database.connection(write=True) as connection,
    ):
        return steps_of(connection, lambda: settle_members(connection, *place))
