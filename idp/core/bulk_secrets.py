"""Past shared passwords of bulk resets, kept as keyed HMACs: no user can ever choose one."""

import sqlalchemy as sa

from idp.core.ports import SecretBox
from idp.core.work import UnitOfWork
from idp.ids import RealmName
from idp.store.resets import BulkSecretRow

_PURPOSE = "bulk secret"


def bulk_secret_mac(box: SecretBox, realm: RealmName, password: str) -> str:
    """Return the MAC (hex) under which a shared password (NFC) is kept from now on."""
    return box.mac(_message(realm, password), purpose=_PURPOSE).hex()


def is_past_bulk_secret(uow: UnitOfWork, password: str) -> bool:
    """Tell whether a bulk reset of this realm ever gave out `password` (NFC).

    Looks under every key of the key file, so that a rotated key forgets nothing.
    """
    macs = uow.runtime.box.macs(_message(uow.realm, password), purpose=_PURPOSE)
    query = sa.select(BulkSecretRow.mac).where(BulkSecretRow.mac.in_([mac.hex() for mac in macs]))
    return uow.db.scalar(query.limit(1)) is not None


def keep_bulk_secret(uow: UnitOfWork, mac: str, campaign_id: str) -> None:
    """Remember a shared password for ever; one that was given out before stays as it is."""
    if uow.db.get(BulkSecretRow, (uow.realm, mac)) is None:
        uow.db.add(BulkSecretRow(mac=mac, campaign_id=campaign_id, created_at=uow.now))


def _message(realm: RealmName, password: str) -> bytes:
    return f"{realm}\n{password}".encode("utf-8", "surrogatepass")
