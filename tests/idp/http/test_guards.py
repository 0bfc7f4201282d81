"""Whose request it is, and which requests no page sees."""

from collections.abc import Sequence

import pytest

from tests.support.pages import visitor
from tests.support.story import open_story
from tests.support.world import PASSWORD, PUBLIC_URL

PROXIES = ("127.0.0.0/8", "10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        ((), "127.0.0.1", "203.0.113.7", "127.0.0.1"),
        (PROXIES, "127.0.0.1", None, "127.0.0.1"),
        (PROXIES, "127.0.0.1", "203.0.113.7", "203.0.113.7"),
        (PROXIES, "127.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        (PROXIES, "127.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        (PROXIES, "198.51.100.1", "203.0.113.7", "198.51.100.1"),
        (PROXIES, "127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        (PROXIES, "127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        (PROXIES, "127.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        (PROXIES, "127.0.0.1", "2001:db8::7", "2001:db8::7"),
        (PROXIES, "fd00::1", "203.0.113.7", "203.0.113.7"),
        (PROXIES, "::ffff:127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        (PROXIES, "127.0.0.1", "unknown", "127.0.0.1"),
        (PROXIES, "127.0.0.1", "1.1.1.1, <script>", "127.0.0.1"),
        (PROXIES, "127.0.0.1", ", ,", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_has(
    database_url: str, proxies: Sequence[str], peer: str, forwarded: str | None, expected: str
) -> None:
    server = {"public_url": PUBLIC_URL, "trusted_proxies": list(proxies)}
    with open_story(database_url, settings={"server": server}) as story:
        person = visitor(story)
        person.address = peer
        form = {**person.open("/sign-in").forms[0].carried, "username": "ada", "password": PASSWORD}
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        person.send("POST", "/sign-in", data=form, headers=headers)
        seen = [e.address for e in story.world.events() if e.code == "user.sign_in_refused"]

    assert seen == [expected]


def test_an_unknown_realm_has_no_pages(database_url: str) -> None:
    with open_story(database_url) as story:
        for realm in ("none", "STAFF", "staff%20", "admin"):
            answer = story.browser.get(f"/realms/{realm}/sign-in", base_url=PUBLIC_URL)
            assert answer.status_code == 404
            assert 'data-page="error"' in answer.text
