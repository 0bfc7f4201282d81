"""SSO sessions: begun by a sign-in, found by cookie, ended by people, time or a moved epoch."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.gate import AccountFacts, account_of
from idp.core.last_looks import LastLook, last_look_of
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import RawToken, SessionId, UserId, hash_token, new_raw_token
from idp.store import hot, hot_sign_in
from idp.store.clients import ClientRow
from idp.store.sessions import SessionRow
from idp.store.tokens import TokenFamilyRow
from idp.store.users import UserRow

_TOUCH_EVERY = timedelta(minutes=1)
_MAX_USER_AGENT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live SSO session. `id` is the public `sid`; the cookie's secret is not here."""

    id: SessionId
    user_id: UserId
    epoch: int
    auth_time: datetime
    amr: tuple[str, ...]
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a browser is signed in as, and when the directory of that account was last asked."""

    session: Session
    account: AccountFacts
    look: LastLook | None = None


def begin_session(
    uow: UnitOfWork, user_id: UserId, *, epoch: int, amr: tuple[str, ...] = ("pwd",)
) -> tuple[SessionId, RawToken]:
    """Start a session at `epoch` and return its id and the secret for the cookie."""
    secret = new_raw_token()
    session_id = SessionId(uow.new_id())
    lifetimes = uow.runtime.config.realm(uow.realm).lifetimes
    hot_sign_in.add_session(
        uow.db,
        uow.realm,
        id=session_id,
        secret_hash=hash_token(secret),
        user_id=user_id,
        epoch=epoch,
        auth_time=uow.now,
        amr=list(amr),
        created_at=uow.now,
        last_seen_at=uow.now,
        expires_at=uow.now + lifetimes.session_max,
        address=uow.trace.address,
        user_agent=(uow.trace.user_agent or "")[:_MAX_USER_AGENT] or None,
    )
    return session_id, secret


def renew_session(uow: UnitOfWork, session_id: SessionId, *, epoch: int) -> RawToken:
    """Give a session a new secret and a new `auth_time` after its user proved the password again.

    The old cookie is anonymous from now on; the `sid`, and the families under it, live on.
    """
    secret = new_raw_token()
    columns = {
        "secret_hash": hash_token(secret),
        "auth_time": uow.now,
        "epoch": epoch,
        "last_seen_at": uow.now,
    }
    hot_sign_in.change_session(uow.db, uow.realm, session_id, columns)
    return secret


def find_signed_in(uow: UnitOfWork, secret: str) -> SignedIn | None:
    """Return who the cookie's browser is signed in as; one SELECT.

    None when the session is unknown, ended, timed out, or of an epoch that is over, and when the
    account is inactive or locked.

    Spec: NIST SP 800-63B-4 5.2 (idle and absolute limits).
    """
    row = hot.signed_in_facts(uow.db, uow.realm, hash_token(secret))
    if row is None or row.session_ended_at is not None:
        return None
    idle = uow.runtime.config.realm(uow.realm).lifetimes.session_idle
    if uow.now >= row.session_expires_at or uow.now - row.last_seen_at > idle:
        return None
    account = account_of(uow, row)
    if not account.is_active or account.is_locked or row.session_epoch != account.epoch:
        return None
    session = Session(
        id=SessionId(row.session_id),
        user_id=account.user_id,
        epoch=row.session_epoch,
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        created_at=row.session_created_at,
        last_seen_at=row.last_seen_at,
    )
    return SignedIn(session, account, last_look_of(row))


def open_session(
    uow: UnitOfWork, secret: RawToken | None, user_id: UserId, *, epoch: int
) -> tuple[SessionId, RawToken]:
    """Go on in the session of a browser, if it is this user's, or begin one.

    Args:
        secret: of the browser's cookie; the session of another user is ended.
    """
    found = find_signed_in(uow, secret) if secret else None
    if found is not None:
        session = found.session
        if session.user_id == user_id:
            return session.id, renew_session(uow, session.id, epoch=epoch)
        with suppress(NotFound):  # signed out meanwhile, in another window
            end_session(uow, session.user_id, session.id)
    return begin_session(uow, user_id, epoch=epoch)


def is_touch_due(session: Session, now: datetime) -> bool:
    """Tell whether `touch_session` would write."""
    return now - session.last_seen_at >= _TOUCH_EVERY


def touch_session(uow: UnitOfWork, session: Session) -> None:
    """Note that the session is in use; writes at most once a minute."""
    if not is_touch_due(session, uow.now):
        return
    columns = {"last_seen_at": uow.now}
    hot_sign_in.change_session(uow.db, uow.realm, session.id, columns)


def list_sessions(uow: UnitOfWork, user_id: UserId) -> list[SessionRow]:
    """Return the live sessions of a user, newest first."""
    idle = uow.runtime.config.realm(uow.realm).lifetimes.session_idle
    query = (
        sa.select(SessionRow)
        .join(UserRow, sa.and_(UserRow.realm == SessionRow.realm, UserRow.id == SessionRow.user_id))
        .where(
            SessionRow.user_id == user_id,
            SessionRow.epoch == UserRow.epoch,
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > uow.now,
            SessionRow.last_seen_at >= uow.now - idle,
        )
        .order_by(SessionRow.last_seen_at.desc())
    )
    return list(uow.db.scalars(query))


def end_session(uow: UnitOfWork, user_id: UserId, session_id: SessionId) -> None:
    """End one session of a user; codes and refresh families under it die with it.

    Raises:
        NotFound: that user has no such live session.
    """
    _end(uow, user_id, session_id, EventCode.SESSION_ENDED)


def sign_out(uow: UnitOfWork, user_id: UserId, session_id: SessionId) -> None:
    """End the session that its user is leaving, just as `end_session` does.

    Raises:
        NotFound: that user has no such live session.
    """
    _end(uow, user_id, session_id, EventCode.USER_SIGNED_OUT)


def _end(uow: UnitOfWork, user_id: UserId, session_id: SessionId, code: EventCode) -> None:
    ended = uow.db.execute(
        sa.update(SessionRow)
        .where(
            SessionRow.id == session_id,
            SessionRow.user_id == user_id,
            SessionRow.ended_at.is_(None),
        )
        .values(ended_at=uow.now)
    )
    if ended.rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound("session.not_found")
    uow.record(Event(code=code, subject_id=user_id, params={"session_id": session_id}))


def end_other_sessions(uow: UnitOfWork, user_id: UserId, keep: SessionId | None) -> int:
    """End every live session of a user but `keep`; return how many."""
    query = sa.update(SessionRow).where(
        SessionRow.user_id == user_id, SessionRow.ended_at.is_(None)
    )
    if keep is not None:
        query = query.where(SessionRow.id != keep)
    count: int = uow.db.execute(query.values(ended_at=uow.now)).rowcount  # type: ignore[attr-defined]
    if count:
        uow.record(Event(code=EventCode.SESSION_ENDED, subject_id=user_id, params={"count": count}))
    return count


def list_client_names(
    uow: UnitOfWork, session_ids: Sequence[SessionId]
) -> dict[SessionId, list[str]]:
    """Return the names of the apps that hold tokens under each of these sessions."""
    query = (
        sa.select(TokenFamilyRow.session_id, ClientRow.client_name)
        .join(
            ClientRow,
            sa.and_(
                ClientRow.realm == TokenFamilyRow.realm,
                ClientRow.client_id == TokenFamilyRow.client_id,
            ),
        )
        .where(
            TokenFamilyRow.session_id.in_(session_ids),
            TokenFamilyRow.revoked_at.is_(None),
            TokenFamilyRow.expires_at > uow.now,
        )
        .distinct()
        .order_by(ClientRow.client_name)
    )
    names: dict[SessionId, list[str]] = {}
    for session_id, name in uow.db.execute(query):
        names.setdefault(SessionId(session_id), []).append(name)
    return names
