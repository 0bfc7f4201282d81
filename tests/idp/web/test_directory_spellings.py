"""Passwords that somebody would normalise, through our pages to a directory (real OpenLDAP).

Those of Active Directory are in `tests/idp/core/test_sync_vendors.py`, where its server runs.
"""

import pytest

from connectors.port import PasswordVerifier
from connectors.verdicts import Verdict
from idp.clock import FakeClock
from tests.support.directories import PASSWORD, SPELLINGS
from tests.support.directory_world import CORP, Directory, add_entry
from tests.support.pages import visitor
from tests.support.story import open_story

ANY_LENGTH = {"rules": {"length": {"min": 1, "max": 256}}}
UNAUTHORIZED = 401


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_password_is_written_and_signs_in_as_it_was_typed(
    sqlite_url: str, clock: FakeClock, directory: Directory, spelling: str
) -> None:
    settings = directory.settings(write_back=True)
    with open_story(sqlite_url, clock=clock, settings=settings) as story:
        story.world.publish_policy(ANY_LENGTH)
        _, login = directory.person(spelling)
        add_entry(story.world, login)
        person, again = visitor(story), visitor(story)

        assert person.sign_in(login, spelling).page == "account"
        assert person.change_password(spelling, PASSWORD).page == "account"
        assert person.change_password(PASSWORD, spelling).page == "account"

        source = story.world.runtime.directories.source(CORP)
        assert isinstance(source, PasswordVerifier)
        entry = source.find_by_login(login)
        assert entry is not None
        assert source.verify(entry.stable_id, spelling.encode()).verdict is Verdict.RIGHT
        assert again.sign_in(login, spelling).page == "account"
        assert visitor(story).sign_in(login, f"{spelling}x").status == UNAUTHORIZED
        source.close()
