"""How exposed each realm is just now: a few numbers, cheap enough to be asked for every minute."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from idp.ids import RealmName
from idp.store import exposure
from idp.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One realm's numbers; those of the latest snapshot are None before the first one.

    Attributes:
        accounts_on_shared_password: active users, counted now.
    """

    realm: RealmName
    accounts_on_shared_password: int
    have_to_change: int | None
    withheld: int | None
    snapshot_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryAccounts:
    """How many accounts one directory has here, by how they stand there.

    Attributes:
        by_state: of `active`, `disabled` and `gone` each; erased ones are counted no more.
    """

    realm: RealmName
    connector: str
    by_state: Mapping[str, int]


def read_exposure(database: Database) -> list[Exposure]:
    """Return the numbers of every realm, by name; one SELECT.

    Raises:
        Unavailable: the database does not answer.
    """
    return [
        Exposure(
            realm=RealmName(row.realm),
            accounts_on_shared_password=row.on_shared_password,
            have_to_change=row.have_to_change,
            withheld=None if row.counts is None else int(row.counts.get("withheld", 0)),
            snapshot_at=row.at,
        )
        for row in exposure.realms(database)
    ]


def read_directory_accounts(database: Database) -> list[DirectoryAccounts]:
    """Return the numbers of every directory that has accounts; one SELECT.

    Raises:
        Unavailable: the database does not answer.
    """
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in exposure.directory_accounts(database):
        counts = found.setdefault((row.realm, row.connector), Counter(active=0, disabled=0, gone=0))
        counts["gone" if row.is_gone else "disabled" if row.is_disabled else "active"] += (
            row.accounts
        )
    return [
        DirectoryAccounts(realm=RealmName(realm), connector=connector, by_state=counts)
        for (realm, connector), counts in found.items()
    ]
