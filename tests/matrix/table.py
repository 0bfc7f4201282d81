"""Writes the matrix as a page of the documents: `python -m tests.matrix.table`."""

from collections.abc import Iterable

from tests.matrix.directories import DIRECTORY_MATRIX
from tests.matrix.outcomes import FOR_APPS, IN_BROWSER, MATRIX, Endpoint, State
from tests.support import ROOT

PAGE = ROOT / "docs" / "gate.md"

_HEAD = """# The gate: who gets what, when

One function decides whether an account may have tokens now: `idp.core.gate.clear`. The authorize
endpoint asks it to show the right screen, the token endpoint asks it again before anything is
signed, and the endpoints that take access tokens ask it too. The first two ask by way of
`idp.core.decisions.decide`: there a wave takes its place, and what is no plain pass goes on record
with everything it rests on (`idp policy explain USER --history`).

This page is written from the data of `tests/matrix/outcomes.py` by `python -m tests.matrix.table`;
the tests run every cell through the whole application, on SQLite and on PostgreSQL, and fail when
this page says anything else.

Each row is one state. Somebody signed in, and an app was given a code, a refresh token and access
tokens; then the state came about. A refusal spends nothing and leaves an event.
"""
_BROWSER = """## In a browser

The sign-in page is asked from a browser that was never here before, with the password that is now
right. The other columns are asked from the browser that was signed in before. When a temporary
password's time is over, the change screen says so and takes nothing: only a reset by mail helps.
"""
_APPS = """## For apps

A reason such as `credential_changed` stands for 400 with `error = "invalid_grant"` and that
`idp_reason`; "+ address" means that `idp_action_uri` is there, where the person can finish the
change. Of several reasons the first one counts, in this order: `account_disabled`,
`account_locked`, `credential_changed`, `session_ended`, `app_not_allowed`, `sign_in_required`,
`password_change_required`. Behind `client_credentials` stands no person, so no state of an account
touches it. The admin API is asked with the access token of a person who holds a role.

When a password is stale only by policy, access tokens that are out already live to their own end,
five minutes at most. In every other state without new tokens they end at once.
"""


_DIRECTORIES = """## Accounts of a directory

The same, for an account that a directory owns, with its default settings: our policy asks nothing
of its password (`enforce_policy`), a look at its entry counts for ten minutes (`recheck`) and lasts
for a day while the directory does not answer (`max_offline`). With `enforce_policy` the policy
marks it as it does any other. Authorize and refresh look alike; pages of our own do not look.

While a directory of the realm is known to be down, every sign-in without success gets "503 try
later", whatever name was typed, and waits for the directory as its own people do; of an unknown
name nothing is counted. A process knows it from the first of its people whom it could not ask,
until the directory answers: only that first answer differs from that for a name nobody has.
"""


def render() -> str:
    """Return the page."""
    tables = (_BROWSER, _table(IN_BROWSER, MATRIX), _APPS, _table(FOR_APPS, MATRIX))
    directories = (_table(each, DIRECTORY_MATRIX) for each in (IN_BROWSER, FOR_APPS))
    return "\n".join((_HEAD, *tables, _DIRECTORIES, *directories))


def _table(endpoints: tuple[Endpoint, ...], states: Iterable[State]) -> str:
    names = (f"`{name}`" if "_" in name else name for name in endpoints)
    lines = [_line(["state", *names]), _line(["---"] * (len(endpoints) + 1))]
    lines += [
        _line([state.told, *(state.outcomes[endpoint].shown for endpoint in endpoints)])
        for state in states
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(render())
