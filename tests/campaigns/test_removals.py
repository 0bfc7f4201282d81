"""What is removed while it is in use, and a cleaner that hardly rests (catalogue C-10, C-13, L-22).

Over four worker processes: everybody goes on until they are refused, and nothing comes back.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from idp.core.client_admin import remove_client
from idp.core.profiles import Profile
from idp.core.users import NewUser, create_user, deactivate_user, reactivate_user
from idp.core.work import HOST
from idp.ids import UserId
from idp.store.sweep import SWEEPS, delete_over
from tests.campaigns.fleet import (
    PARALLEL,
    PASSWORD,
    STAFF,
    Caller,
    Fleet,
    Reply,
    add_client,
    issue_codes,
)
from tests.support.record import record
from tests.support.sizes import campaign_size

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_ROUNDS = 100
_BATCH = 500
_REST = 0.5
"""Seconds between two cleanings; SQLite lets nobody else write during one."""


@dataclass
class Clients:
    """Many clients with a refresh token each, who use it until they are refused."""

    fleet: Fleet
    client_id: str
    tokens: list[str]
    replies: list[Reply] = field(default_factory=list)

    def run(self, remove: Callable[[], None]) -> None:
        """Let everybody refresh, remove what they need meanwhile, and wait for all to end."""
        has_begun = threading.Barrier(len(self.tokens) + 1)
        threads = [
            threading.Thread(target=self._refresh_on, args=(number, has_begun))
            for number in range(len(self.tokens))
        ]
        for thread in threads:
            thread.start()
        has_begun.wait()
        remove()
        for thread in threads:
            thread.join()

    def again(self) -> list[Reply]:
        """Return what each gets for the token it was given last."""
        caller = Caller(self.fleet.installation.port, self.client_id)
        replies = [caller.refresh(token) for token in self.tokens]
        caller.close()
        return replies

    def _refresh_on(self, number: int, has_begun: threading.Barrier) -> None:
        caller = Caller(self.fleet.installation.port, self.client_id)
        reply = caller.refresh(self.tokens[number])
        has_begun.wait()
        while reply.status == 200:
            self.tokens[number] = reply.body["refresh_token"]
            self.replies.append(reply)
            reply = caller.refresh(self.tokens[number])
        self.replies.append(reply)
        caller.close()


@contextmanager
def _cleaning(fleet: Fleet) -> Iterator[None]:
    """Take out what is over, again and again, until the block ends."""
    is_over = threading.Event()
    failures: list[BaseException] = []

    def clean() -> None:
        try:
            while not is_over.wait(_REST):
                with fleet.runtime.begin(STAFF, actor=HOST) as uow:
                    for name in SWEEPS:
                        delete_over(uow.db.connection(), STAFF, name, now=uow.now, limit=_BATCH)
        except BaseException as error:
            failures.append(error)
            raise

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        yield
    finally:
        is_over.set()
        cleaner.join()
    assert failures == []


def _add_person(fleet: Fleet, name: str) -> UserId:
    new = NewUser(profile=Profile(username=name), password=PASSWORD)
    return create_user(fleet.runtime, STAFF, new, HOST).id


def _signed_in(fleet: Fleet, user_id: UserId, client_id: str = "web") -> Clients:
    codes = issue_codes(fleet.runtime, user_id, PARALLEL, client_id)
    caller = Caller(fleet.installation.port, client_id)
    replies = [caller.redeem(code) for code in codes]
    caller.close()
    return Clients(fleet, client_id, [reply.body["refresh_token"] for reply in replies])


def _outcomes(replies: list[Reply]) -> set[tuple[int, str | None]]:
    return {(reply.status, reply.error) for reply in replies}


def test_whoever_is_removed_is_refused_from_then_on(fleet: Fleet) -> None:
    refreshed = 0
    with _cleaning(fleet):
        for number in range(campaign_size(_ROUNDS)):
            user_id = _add_person(fleet, f"leaver-{number}")
            clients = _signed_in(fleet, user_id)

            def remove(user_id: UserId = user_id) -> None:
                with fleet.runtime.begin(STAFF, actor=HOST) as uow:
                    deactivate_user(uow, user_id)

            clients.run(remove)
            refreshed += len(clients.replies) - PARALLEL
            assert _outcomes(clients.replies) <= {(200, None), (400, "invalid_grant")}
            with fleet.runtime.begin(STAFF, actor=HOST) as uow:
                reactivate_user(uow, user_id)

            assert _outcomes(clients.again()) == {(400, "invalid_grant")}
    assert refreshed
    record(f"removed in use: {refreshed} refreshes before, none after")


def test_a_client_made_anew_inherits_nothing_of_the_one_that_was_removed(fleet: Fleet) -> None:
    with _cleaning(fleet):
        for number in range(campaign_size(_ROUNDS)):
            client_id = f"app-{number}"
            add_client(fleet.runtime, client_id)
            codes = issue_codes(fleet.runtime, fleet.user_id, 1, client_id)
            clients = _signed_in(fleet, fleet.user_id, client_id)

            def remove(client_id: str = client_id) -> None:
                with fleet.runtime.begin(STAFF, actor=HOST) as uow:
                    remove_client(uow, client_id)

            clients.run(remove)
            assert _outcomes(clients.replies) <= {
                (200, None), (400, "invalid_grant"), (401, "invalid_client")
            }  # fmt: skip
            assert _outcomes(clients.again()) == {(401, "invalid_client")}
            add_client(fleet.runtime, client_id)

            assert _outcomes(clients.again()) == {(400, "invalid_grant")}
            caller = Caller(fleet.installation.port, client_id)
            assert caller.redeem(codes[0]).error == "invalid_grant"
            caller.close()


def test_a_code_that_is_redeemed_while_its_client_goes_lives_no_longer(fleet: Fleet) -> None:
    redeemed = 0
    for number in range(campaign_size(_ROUNDS)):
        client_id = f"brief-{number}"
        add_client(fleet.runtime, client_id)
        codes = issue_codes(fleet.runtime, fleet.user_id, PARALLEL, client_id)
        given = _redeem_until_removed(fleet, client_id, codes)
        redeemed += len(given)
        add_client(fleet.runtime, client_id)
        caller = Caller(fleet.installation.port, client_id)
        late = [caller.refresh(token) for token in given] + [caller.redeem(code) for code in codes]
        caller.close()

        assert _outcomes(late) == {(400, "invalid_grant")}
    record(f"clients removed in use: {redeemed} codes were redeemed before")


def _redeem_until_removed(fleet: Fleet, client_id: str, codes: list[str]) -> list[str]:
    """Redeem all codes at once, remove the client after the first; return the refresh tokens."""
    has_one = threading.Event()
    replies: list[Reply] = []

    def redeem(code: str) -> None:
        caller = Caller(fleet.installation.port, client_id)
        replies.append(caller.redeem(code))
        has_one.set()
        caller.close()

    threads = [threading.Thread(target=redeem, args=(code,)) for code in codes]
    for thread in threads:
        thread.start()
    has_one.wait()
    with fleet.runtime.begin(STAFF, actor=HOST) as uow:
        remove_client(uow, client_id)
    for thread in threads:
        thread.join()
    assert {reply.status for reply in replies} <= {200, 400, 401}
    return [reply.body["refresh_token"] for reply in replies if reply.status == 200]
