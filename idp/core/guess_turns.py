"""Guesses that are counted before somebody else is asked whether they are right.

`guesses` counts afterwards, which is enough while a wrong password costs nobody but us anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idp.core.guesses import (
    Guess,
    Refusal,
    blocked_until,
    count_failure,
    note_first_waits,
    record_refusal,
    refusal_of,
    release_guess,
)
from idp.core.throttle import Brake, count_attempt, hold_brakes
from idp.core.work import UnitOfWork
from idp.store.throttle import Bucket, write_buckets


@dataclass(frozen=True, slots=True)
class Turn:
    """A guess that was counted before it is known whether it is right; how its brakes stand."""

    guess: Guess
    after: Mapping[str, Bucket]


def take_turn(uow: UnitOfWork, guess: Guess) -> Turn | Refusal:
    """Count a guess before somebody else is asked whether it is right.

    Returns:
        The turn; or why the guess is refused unasked: then nothing is counted yet.
    """
    refusal = refusal_of(guess, is_right=True)
    if refusal is not None:
        return refusal
    brakes = (*guess.told, *guess.network, *guess.silent)
    held = hold_brakes(uow, brakes)
    if held.wait(uow.now, brakes):
        return Refusal.THROTTLED
    return Turn(guess, count_attempt(uow, held, brakes))


def refuse_turn(uow: UnitOfWork, turn: Turn, reason: Refusal) -> None:
    """Note that a guess that was counted already is wrong."""
    guess, after = turn.guess, turn.after
    counted = (*guess.told, *guess.network, *guess.silent)
    note_first_waits(uow, guess, [b for b in counted if after[b.bucket].count == b.limit.count])
    count_failure(uow, guess.user_id, blocked_until(guess.silent, dict(after)), guess)
    record_refusal(uow, guess, reason)


def release_turn(uow: UnitOfWork, guess: Guess) -> None:
    """Begin counting anew after a guess that was counted and is right.

    To be called before the account is locked.
    """
    hold_brakes(uow, (*guess.told, *guess.network, *guess.silent))
    release_guess(uow, guess)
    _count_less(uow, guess.network)


def give_turn_back(uow: UnitOfWork, turn: Turn) -> None:
    """Forget that a guess was counted, because nobody could tell whether it is right."""
    guess = turn.guess
    _count_less(uow, (*guess.told, *guess.network, *guess.silent))


def _count_less(uow: UnitOfWork, brakes: Sequence[Brake]) -> None:
    held = hold_brakes(uow, brakes).states
    less = {key: Bucket(max(0, old.count - 1), old.window_ends_at) for key, old in held.items()}
    if less:
        write_buckets(uow.db, uow.realm, less)
