"""Guesses that are counted before somebody else is asked whether they are right.

`guesses` counts afterwards, which is enough while a wrong password costs nobody but us anything.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
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

Begin = Callable[[], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work that writes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A guess that was counted before it is known whether it is right.

    `before` and `after` are how its brakes stood when it was counted.
    """

    guess: Guess
    before: Mapping[str, Bucket]
    after: Mapping[str, Bucket]


def take_turn(uow: UnitOfWork, guess: Guess) -> Turn | Refusal:
    """Count a guess before somebody else is asked whether it is right.

    Returns:
        The turn; or why the guess is refused unasked: then nothing is counted yet.
    """
    refusal = refusal_of(guess, is_right=True)
    return count_turn(uow, guess) if refusal is None else refusal


def count_turn(uow: UnitOfWork, guess: Guess) -> Turn | Refusal:
    """Count a guess, whoever it is made at, if its brakes let it through."""
    brakes = _brakes_of(guess)
    held = hold_brakes(uow, brakes)
    if held.wait(uow.now, brakes):
        return Refusal.THROTTLED
    return Turn(guess, held.states, count_attempt(uow, held, brakes))


def refuse_turn(uow: UnitOfWork, turn: Turn, reason: Refusal, detail: str = "") -> None:
    """Note that a guess that was counted already is wrong, with the codes that the refuser told."""
    guess, after = turn.guess, turn.after
    trips = [b for b in _brakes_of(guess) if after[b.bucket].count == b.limit.count]
    note_first_waits(uow, guess, trips)
    own = guess.silent or guess.told
    count_failure(uow, guess.user_id, blocked_until(own, dict(after)), guess)
    record_refusal(uow, guess, reason, detail)


def release_turn(uow: UnitOfWork, turn: Turn) -> None:
    """Begin counting anew after a guess that was counted and is right.

    To be called before the account is locked.
    """
    hold_brakes(uow, _brakes_of(turn.guess))
    release_guess(uow, turn.guess)
    _take_back(uow, turn, turn.guess.network)


def give_turn_back(uow: UnitOfWork, turn: Turn) -> None:
    """Leave every brake as if a guess had not been made: nobody could tell whether it is right."""
    _take_back(uow, turn, _brakes_of(turn.guess))


@contextmanager
def given_back_on_error(begin: Begin, turn: Turn) -> Iterator[None]:
    """Give a turn back when something breaks before it is known what the guess was."""
    try:
        yield
    except BaseException:
        with begin() as uow:
            give_turn_back(uow, turn)
        raise


def _brakes_of(guess: Guess) -> tuple[Brake, ...]:
    return (*guess.told, *guess.network, *guess.silent)


def _take_back(uow: UnitOfWork, turn: Turn, brakes: Sequence[Brake]) -> None:
    held = hold_brakes(uow, brakes).states
    less = {b.bucket: _without(turn, b, held[b.bucket]) for b in brakes}
    if less:
        write_buckets(uow.db, uow.realm, less)


def _without(turn: Turn, brake: Brake, state: Bucket) -> Bucket:
    """Return a counter without the attempt of this turn, whatever was counted meanwhile."""
    counted = turn.after[brake.bucket]
    is_last = state == counted
    return turn.before[brake.bucket] if is_last else brake.after_one_less(state, counted)
