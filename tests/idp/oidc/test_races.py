"""Parallel redemptions: exactly once, whoever comes first (catalogue C-01, C-03)."""

import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode

from idp.store.tokens import TokenFamilyRow
from tests.support.story import Answer, Story

ROUNDS, PARALLEL = 6, 8
BYE = "https://web.example/bye"


def at_once(count: int, act: Callable[[], Answer]) -> list[Answer]:
    """Return what `act` answers when `count` threads do it at the same moment."""
    barrier = threading.Barrier(count)
    answers: list[Answer] = []

    def run() -> None:
        barrier.wait()
        answers.append(act())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == count
    return answers


def test_of_parallel_redemptions_of_a_code_one_wins(story: Story) -> None:
    app = story.app()
    story.sign_in()

    for _ in range(ROUNDS):
        code = story.authorize(app).code
        answers = at_once(PARALLEL, lambda code=code: story.redeem(app, code))  # type: ignore[misc]
        outcomes = Counter((answer.status, answer.error) for answer in answers)
        assert outcomes == {(200, None): 1, (400, "invalid_grant"): PARALLEL - 1}

    assert story.world.count(TokenFamilyRow) == ROUNDS


def test_parallel_refreshes_get_one_successor(story: Story) -> None:
    app = story.app()
    story.sign_in()

    for _ in range(ROUNDS):
        token = story.tokens(app)["refresh_token"]
        answers = at_once(PARALLEL, lambda token=token: story.refresh(app, token))  # type: ignore[misc]
        assert [answer.status for answer in answers] == [200] * PARALLEL
        successors = {answer.json["refresh_token"] for answer in answers}
        assert len(successors) == 1
        assert len({answer.json["access_token"] for answer in answers}) == PARALLEL
        assert story.refresh(app, successors.pop()).status == 200


def test_a_revocation_in_the_middle_of_refreshes_wins(story: Story) -> None:
    app = story.app()
    story.sign_in()
    token = story.tokens(app)["refresh_token"]
    turns = iter(range(PARALLEL))

    def act() -> Answer:
        return story.revoke(app, token) if next(turns) == 3 else story.refresh(app, token)

    answers = at_once(PARALLEL, act)

    assert {answer.status for answer in answers} <= {200, 400}
    assert story.refresh(app, token).error == "invalid_grant"
    for answer in answers:
        if "refresh_token" in answer.json:
            assert story.refresh(app, answer.json["refresh_token"]).error == "invalid_grant"
            assert story.userinfo(answer.json["access_token"]).status == 401


def test_parallel_sign_outs_all_lead_back(story: Story) -> None:
    app = story.app(post_logout_redirect_uris=(BYE,))

    for _ in range(ROUNDS):
        story.sign_in()
        cookie = story.browser.get_cookie("__Host-idp-staff-session")
        assert cookie is not None
        hint = story.tokens(app)["id_token"]
        query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BYE})

        def act(value: str = cookie.value, query: str = query) -> Answer:
            browser = story.new_browser()
            browser.set_cookie("__Host-idp-staff-session", value)
            return story.get(f"/logout?{query}", browser=browser)

        answers = at_once(PARALLEL, act)
        assert {(answer.status, answer.location) for answer in answers} == {(303, BYE)}

    assert story.event_codes().count("user.signed_out") == ROUNDS
