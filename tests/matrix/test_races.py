"""No token response that started after an act returned contains a token (catalogue INV-2).

Real threads redeem, refresh and authorize without a pause while the act happens in the middle.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from idp.core.roles import AdminRole, revoke_role
from idp.core.users import deactivate_user, end_sessions, lock_user, require_change
from tests.matrix.case import Case
from tests.matrix.states import raise_policy
from tests.support.story import Answer

BEFORE, AFTER = 6, 3
_PATIENCE = 120


@dataclass
class Race:
    """What the threads share: whether the act has returned, and what they were answered."""

    has_returned: threading.Event = field(default_factory=threading.Event)
    is_warm: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    before: list[Answer] = field(default_factory=list)
    after: list[Answer] = field(default_factory=list)

    def run(self, attempts: Iterator[Callable[[], Answer]], late: int) -> None:
        """Attempt until the act has returned, then `late` times more."""
        for number, attempt in enumerate(attempts):
            if number == BEFORE:  # what is left is for afterwards
                self.has_returned.wait(_PATIENCE)
            started_after = self.has_returned.is_set()
            answer = attempt()
            (self.after if started_after else self.before).append(answer)
            if number == 0:
                self.is_warm.release()
            late -= started_after
            if late == 0:
                return


def redeeming(case: Case) -> Iterator[Callable[[], Answer]]:
    """Yield redemptions of one fresh code each."""
    browser = case.person.browser
    codes = [case.story.authorize(case.web, browser=browser).code for _ in range(BEFORE + AFTER)]
    return (lambda code=code: case.story.redeem(case.web, code) for code in codes)  # type: ignore[misc]


def refreshing(case: Case) -> Iterator[Callable[[], Answer]]:
    """Yield refreshes of one family, each with what the last one gave."""
    tokens = [case.story.tokens(case.web, browser=case.person.browser)["refresh_token"]]

    def refresh() -> Answer:
        answer = case.story.refresh(case.web, tokens[-1])
        if answer.status == 200:
            tokens.append(answer.json["refresh_token"])
        return answer

    return (refresh for _ in range(BEFORE + AFTER))


def authorizing(case: Case) -> Iterator[Callable[[], Answer]]:
    """Yield silent authorization requests of the signed-in browser, and what their code gives."""
    secret = case.person.cookie("session")
    assert secret is not None
    browser = case.story.new_browser()
    browser.set_cookie("__Host-idp-staff-session", secret)

    def authorize() -> Answer:
        answer = case.story.authorize(case.web, browser=browser, prompt="none")
        if "code" not in answer.returned:
            return answer
        return case.story.redeem(case.web, answer.code)

    return (authorize for _ in range(BEFORE + AFTER))


ATTEMPTS = (redeeming, refreshing, authorizing)

ACTS: Mapping[str, Callable[[Case], object]] = {
    "lock": lambda case: case.act(lock_user),
    "deactivate": lambda case: case.act(deactivate_user),
    "must change": lambda case: case.act(require_change),
    "end sessions": lambda case: case.act(end_sessions),
    "role loss": lambda case: case.act(lambda uow, ada: revoke_role(uow, ada, AdminRole.AUDITOR)),
    "shared reset": lambda case: case.reset(),
    "link reset": lambda case: case.reset("link"),
    "stricter policy": lambda case: raise_policy(case, "everyone"),
    "stricter policy, judged": lambda case: raise_policy(case, "noncompliant"),
}


def tokens_in(answer: Answer) -> dict[str, str]:
    """Return the tokens in an answer, whatever kind of answer it is."""
    if answer.status == 303:
        assert "code" not in answer.returned
        return {}
    names = ("access_token", "refresh_token", "id_token")
    return {name: answer.json[name] for name in names if name in answer.json}


@pytest.mark.parametrize("act", ACTS)
def test_no_token_after_the_act_has_returned(case: Case, act: str) -> None:
    case.sign_in()
    race = Race()
    runs = [attempts(case) for attempts in ATTEMPTS]
    threads = [threading.Thread(target=race.run, args=(run, AFTER)) for run in runs]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert race.is_warm.acquire(timeout=_PATIENCE)

    ACTS[act](case)
    race.has_returned.set()
    for thread in threads:
        thread.join()

    given = [tokens for tokens in map(tokens_in, race.before) if tokens]
    assert given
    assert [tokens_in(answer) for answer in race.after] == [{}] * (AFTER * len(runs))
    usable = 200 if act.startswith("stricter policy") else 401
    for tokens in given:
        assert case.story.userinfo(tokens["access_token"]).status == usable
    for tokens in given:
        assert case.story.refresh(case.web, tokens["refresh_token"]).status == 400
