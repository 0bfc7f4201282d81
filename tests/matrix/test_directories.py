"""Every state of a directory's account answers as the table says (D-06, F-15)."""

from collections.abc import Iterator

import pytest

from idp.core.roles import AdminRole, grant_role
from tests.matrix.case import open_case
from tests.matrix.directories import DIRECTORY_MATRIX, DIRECTORY_WAYS, Employee, bring_about
from tests.matrix.outcomes import Endpoint, State
from tests.support.directories import PASSWORD
from tests.support.directory_world import CORP, Directory, add_entry
from tests.support.ldap_proxy import running_proxy
from tests.support.slapd import PEOPLE, SlapdServer, person, running_slapd
from tests.support.story import open_story

ROWS = [pytest.param(state, id=state.name) for state in DIRECTORY_MATRIX]
DN = f"uid=ada,{PEOPLE}"


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give a real OpenLDAP server."""
    with running_slapd([]) as server:
        yield server


@pytest.fixture
def employee(database_url: str, slapd: SlapdServer) -> Iterator[Employee]:
    """Give ada, whom a directory owns, with the apps of the other table."""
    slapd.add(DN, person("ada", PASSWORD))
    with running_proxy(slapd.port, slapd.authority.certify("proxy")) as proxy:
        directory = Directory(slapd, proxy, iter(()))
        with open_story(database_url, settings=directory.settings()) as story:
            ada = add_entry(story.world, "ada")
            with story.world.begin() as uow:
                grant_role(uow, ada, AdminRole.AUDITOR)
            case = open_case(story, ada)
            case.password = PASSWORD
            yield Employee(case, directory, DN)
            story.world.runtime.directories.source(CORP).close()
    slapd.delete(DN)


@pytest.mark.parametrize("state", ROWS)
def test_every_endpoint_answers_as_the_table_says(employee: Employee, state: State) -> None:
    bring_about(employee, state.name)

    assert employee.case.answers() == state.outcomes


def test_every_row_is_whole_and_every_state_a_row() -> None:
    assert all(set(state.outcomes) == set(Endpoint) for state in DIRECTORY_MATRIX)
    assert sorted(DIRECTORY_WAYS) == sorted(state.name for state in DIRECTORY_MATRIX)
