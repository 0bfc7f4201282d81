"""The two counters of a user."""

import pytest

from idp.core.epochs import EpochCause, lock_account, move_credential, move_epoch
from idp.core.sessions import find_signed_in
from idp.errors import NotFound
from idp.ids import UserId
from idp.store.users import UserRow
from tests.support.world import World


def test_ending_everything_moves_only_the_epoch(world: World) -> None:
    ada = world.add_user("ada")

    with world.begin() as uow:
        moved = move_epoch(uow, ada, EpochCause.SESSIONS_ENDED)

    row = world.user(ada)
    assert (moved, row.epoch, row.credential_epoch, row.credential_generation) == (2, 2, 1, 1)
    assert (row.epoch_cause, row.epoch_at) == ("sessions_ended", world.clock.now())


def test_another_password_moves_both_and_says_that_it_was_the_credential(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        move_epoch(uow, ada, EpochCause.SESSIONS_ENDED)

    with world.begin() as uow:
        generation = move_credential(uow, ada, EpochCause.PASSWORD_SET)

    row = world.user(ada)
    assert (generation, row.epoch, row.credential_epoch) == (2, 3, 3)


def test_a_lock_ends_sessions_and_reset_links_and_keeps_its_first_moment(world: World) -> None:
    ada = world.add_user("ada")
    _, cookie = world.begin_session(ada)
    locked_at = world.clock.now()

    with world.begin() as uow:
        lock_account(uow, ada)
    world.advance(hours=1)
    with world.begin() as uow:
        lock_account(uow, ada)

    row = world.user(ada)
    assert row.locked_at == locked_at
    assert (row.epoch, row.credential_generation, row.credential_epoch) == (3, 3, 1)
    assert world.event_codes() == ["user.locked", "user.locked"]
    with world.begin(write=False) as uow:
        assert find_signed_in(uow, cookie) is None


def test_a_row_that_was_already_read_shows_the_move(world: World) -> None:
    ada = world.add_user("ada")

    with world.begin() as uow:
        row = uow.db.get_one(UserRow, (uow.realm, ada))
        move_credential(uow, ada, EpochCause.PASSWORD_SET)

        assert (row.epoch, row.credential_generation) == (2, 2)


def test_nobody_has_no_counters(world: World) -> None:
    with pytest.raises(NotFound), world.begin() as uow:
        move_epoch(uow, UserId("nobody"), EpochCause.ROLE_LOST)
