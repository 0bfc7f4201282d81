"""Known devices: browsers in which a user signed in before.

Wrong guesses made elsewhere do not stop a user there, because known devices have a count of their
own (see `guesses`). A device is known until its user's password becomes another one elsewhere.
"""

from datetime import timedelta

import sqlalchemy as sa

from idp.core.accounts import Account
from idp.core.work import UnitOfWork
from idp.ids import RawToken, UserId, hash_token, new_raw_token
from idp.store import hot_sign_in
from idp.store.users import KnownDeviceRow

DEVICE_LIFE = timedelta(days=180)
_MOST_PER_USER = 20
_NOBODY = ""


def is_known_device(uow: UnitOfWork, device: RawToken | None, account: Account | None) -> bool:
    """Tell whether this user signed in with this device under the present password.

    One SELECT, whether there is such a user and device or not.
    """
    generation = hot_sign_in.device_generation(
        uow.db,
        uow.realm,
        device_hash=hash_token(device or ""),
        user_id=account.user_id if account else _NOBODY,
        at=uow.now,
    )
    return account is not None and generation == account.generation


def remember_device(
    uow: UnitOfWork, device: RawToken | None, user_id: UserId, *, generation: int
) -> RawToken:
    """Note that a user signed in with a device; return its new secret.

    Whoever else used it stays known under the new secret; the old one, which somebody may have
    planted in this browser, is worth nothing from now on.
    """
    secret = new_raw_token()
    new_hash, until = hash_token(secret), uow.now + DEVICE_LIFE
    is_here = device is not None and hot_sign_in.move_device(
        uow.db,
        uow.realm,
        user_id,
        old_hash=hash_token(device),
        new_hash=new_hash,
        generation=generation,
        until=until,
    )
    if not is_here:
        hot_sign_in.add_device(
            uow.db,
            uow.realm,
            most=_MOST_PER_USER,
            token_hash=new_hash,
            user_id=user_id,
            generation=generation,
            expires_at=until,
        )
    return secret


def keep_device(
    uow: UnitOfWork, device: RawToken | None, user_id: UserId, *, generation: int
) -> None:
    """Let the device in which its user chose a new password stay known."""
    if device is None:
        return
    uow.db.execute(
        sa.update(KnownDeviceRow)
        .where(KnownDeviceRow.token_hash == hash_token(device), KnownDeviceRow.user_id == user_id)
        .values(generation=generation)
    )


def count_known_devices(uow: UnitOfWork, user_id: UserId, *, generation: int) -> int:
    """Return with how many devices the user signed in under the present password."""
    query = sa.select(sa.func.count()).where(
        KnownDeviceRow.user_id == user_id,
        KnownDeviceRow.generation == generation,
        KnownDeviceRow.expires_at > uow.now,
    )
    return uow.db.scalar(query) or 0


def forget_devices(uow: UnitOfWork, user_id: UserId) -> None:
    """Let none of a user's browsers be known any more."""
    uow.db.execute(sa.delete(KnownDeviceRow).where(KnownDeviceRow.user_id == user_id))
