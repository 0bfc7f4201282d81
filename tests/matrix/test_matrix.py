"""Every state at every endpoint answers as the table says (F-01, F-03, F-04, F-13, L-16, P-17)."""

import pytest

from idp.core.gate import Reason
from idp.oidc.grants import GRANTS
from tests.matrix.case import Case
from tests.matrix.outcomes import GRANT_TYPES, MATRIX, TOKENS, Endpoint, State
from tests.matrix.states import WAYS, bring_about
from tests.matrix.table import PAGE, render

ROWS = [pytest.param(state, id=state.name) for state in MATRIX]


@pytest.mark.parametrize("state", ROWS)
def test_every_endpoint_answers_as_the_table_says(case: Case, state: State) -> None:
    bring_about(case, state.name)

    assert case.answers() == state.outcomes


def test_every_grant_has_its_column() -> None:
    assert sorted(GRANT_TYPES) == sorted(grant.GRANT_TYPE for grant in GRANTS)


@pytest.mark.parametrize("state", ROWS)
def test_every_row_is_whole_and_comes_about(state: State) -> None:
    assert set(state.outcomes) == set(Endpoint)
    assert state.name in WAYS


def test_every_state_that_comes_about_is_a_row() -> None:
    assert sorted(WAYS) == sorted(state.name for state in MATRIX)


def test_every_reason_of_the_gate_is_met() -> None:
    met = {state.outcomes[Endpoint.REFRESH].reason for state in MATRIX}

    assert met - {None} == {reason.value for reason in Reason}


def test_no_state_tells_the_grants_of_a_person_apart() -> None:
    personal = [Endpoint(grant.GRANT_TYPE) for grant in GRANTS if grant.HAS_USER]
    own = [Endpoint(grant.GRANT_TYPE) for grant in GRANTS if not grant.HAS_USER]

    for state in MATRIX:
        assert len({state.outcomes[endpoint] for endpoint in personal}) == 1
        assert {state.outcomes[endpoint] for endpoint in own} == {TOKENS}


def test_the_page_of_the_documents_is_this_table() -> None:
    assert PAGE.read_text() == render(), "run: python -m tests.matrix.table"
