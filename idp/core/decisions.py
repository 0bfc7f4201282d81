"""The gate asked in earnest: a wave takes its place, and what is no plain pass is on record.

The authorize dispatcher and the mint ask here. Pages that only look (`gate.clear`) leave no trace
and never make a wave ask. Rows are locked in one order, so that parallel requests never wait for
each other in a circle: the credential, then the realm, then the decision.
"""

from dataclasses import replace
from datetime import datetime

from idp.core.decision_records import Asked, record_decision
from idp.core.gate import AccountFacts, Cleared, Refused, clear
from idp.core.work import UnitOfWork
from idp.ids import ClientId
from idp.store import waves
from policy.verdict import Withheld, WithheldBy


def decide(
    uow: UnitOfWork,
    account: AccountFacts,
    *,
    birth_epoch: int,
    session_ended: bool,
    client_id: ClientId,
) -> Cleared | Refused:
    """Decide whether `account` may have tokens for this client now; see `gate.clear`.

    A plain pass costs no statement. Of a user whom a wave may ask now, the first decision with a
    place left in its hour is a refusal, and stays one. A stop that is withheld is written down
    once for each credential and version of the policy.
    """
    asked = Asked(birth_epoch=birth_epoch, session_ended=session_ended, client_id=client_id)
    gate = clear(account, birth_epoch=birth_epoch, session_ended=session_ended, now=uow.now)
    if isinstance(gate, Cleared) and _is_asked_by_wave(uow, account, gate.withheld):
        account = _placed(account)
        gate = clear(account, birth_epoch=birth_epoch, session_ended=session_ended, now=uow.now)
    if isinstance(gate, Refused):
        record_decision(uow, account, gate, asked)
    elif gate.withheld is not None and account.noted_under != account.policy.number:
        version = account.policy.number
        waves.mark_noted(uow.db, uow.realm, user_id=account.user_id, version=version)
        record_decision(uow, account, gate, asked)
    return gate


def _is_asked_by_wave(uow: UnitOfWork, account: AccountFacts, withheld: Withheld | None) -> bool:
    if withheld is None or withheld.by is not WithheldBy.WAVE or not withheld.is_due:
        return False
    staged = account.policy.waves
    cap = None if staged is None else staged.per_hour
    hour = _hour_of(uow.now)
    if cap is not None and account.wave_hour.began_at == hour and account.wave_hour.used >= cap:
        return False
    version = account.policy.number
    if not waves.mark_placed(uow.db, uow.realm, user_id=account.user_id, version=version):
        return True  # another request placed this user meanwhile
    if cap is None or waves.take_place(uow.db, uow.realm, hour=hour, cap=cap):
        return True
    waves.unmark_placed(uow.db, uow.realm, user_id=account.user_id)
    return False


def _placed(account: AccountFacts) -> AccountFacts:
    assert account.credential is not None  # noqa: S101 - only a password can be marked
    credential = replace(account.credential, placed_under=account.policy.number)
    return replace(account, credential=credential)


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
