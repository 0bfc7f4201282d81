"""A world whose staff realm has a directory: a real OpenLDAP server, reached through a proxy.

Accounts of the directory are put in place as a sync would, without one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.directory_accounts import state_of, take_state
from idp.core.names import name_key
from idp.core.passwords import SetBy
from idp.ids import RealmName, UserId, new_subject
from idp.store.directories import DirectoryLinkRow
from idp.store.users import UNUSABLE, CredentialRow, UserRow
from tests.support.directories import PASSWORD
from tests.support.ldap_proxy import LdapProxy, Request
from tests.support.ldap_tools import Attributes
from tests.support.slapd import (
    BASE,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    SlapdServer,
    person,
)
from tests.support.world import STAFF, World

CORP = "corp"
"""The name of the directory in the configuration."""
WHERE = "https://passwords.example.test"
_HASH = "0" * 64

Settings = Mapping[str, Mapping[str, object]]


LATE = 20
"""How many people's passwords expired long ago; the directory lets them sign in a few times."""


_EXPIRED = "expired0"


def list_late() -> list[tuple[str, Attributes]]:
    """Return people whose passwords expired, to be there when the server starts.

    The directory lets all but one of them sign in a few times.
    """
    stamps = {
        "pwdChangedTime": ["20200101000000Z"],
        "pwdPolicySubentry": [f"cn=grace,ou=policies,{BASE}"],
    }
    logins = [f"late{number}" for number in range(LATE)]
    late = [(login, stamps) for login in logins]
    outside = stamps | {"pwdPolicySubentry": [f"cn=expiring,ou=policies,{BASE}"]}
    everybody = [*late, (_EXPIRED, outside)]
    return [
        (f"uid={login},{PEOPLE}", {**person(login, PASSWORD), **own}) for login, own in everybody
    ]


@dataclass
class Directory:
    """A directory server and the proxy that the product reaches it through.

    Attributes:
        late: logins of people whose passwords expired, each to be used once.
    """

    server: SlapdServer
    proxy: LdapProxy
    late: Iterator[str]

    def settings(self, *, realm: str = STAFF, **own: object) -> Settings:
        """Return the section of the configuration, `own` keys of `[connectors.corp]` in it."""
        connector: dict[str, object] = {
            "kind": "ldap",
            "realm": realm,
            "change_password_at": WHERE,
            "url": self.proxy.tls_url,
            "ca_file": str(self.server.authority.ca_file),
            "bind_dn": SERVICE,
            "bind_password": SERVICE_PASSWORD,
            "base": PEOPLE,
            "deadline": 2.0,
        }
        return {"connectors": {CORP: connector | own}}

    def person(self, password: str = PASSWORD, **attributes: str) -> tuple[str, str]:
        """Add a person to the directory; return DN and login."""
        return self.server.add_person(password, **attributes)

    def late_person(self) -> tuple[str, str]:
        """Return DN and login of somebody whose password expired."""
        login = next(self.late)
        return f"uid={login},{PEOPLE}", login

    def expired_person(self) -> tuple[str, str]:
        """Return DN and login of somebody whose password expired and lets nobody in."""
        return f"uid={_EXPIRED},{PEOPLE}", _EXPIRED

    def ruled_by(self, policy: str) -> dict[str, str]:
        """Return the attribute that puts a person under one of the directory's own policies."""
        return {"pwdPolicySubentry": f"cn={policy},ou=policies,{BASE}"}

    def ask_for_change(self, dn: str) -> None:
        """Have the directory ask somebody for a new password."""
        self.server.change(dn, "replace: pwdReset", "pwdReset: TRUE")

    def disable(self, dn: str) -> None:
        """Have the directory let somebody in no more."""
        self.server.change(
            dn, "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z"
        )

    def enable(self, dn: str) -> None:
        """Let somebody in again."""
        self.server.change(dn, "delete: pwdAccountLockedTime")

    def set_password(self, dn: str, password: str) -> None:
        """Change somebody's password there, not through the product."""
        self.server.change(dn, "replace: userPassword", f"userPassword: {password}")

    def go_down(self) -> None:
        """Drop everybody who asks something."""
        for request in (Request.BIND, Request.SEARCH, Request.MODIFY, Request.EXTENDED):
            self.proxy.drop(request)

    def count(self, request: Request) -> int:
        """Return how many requests of a kind reached the directory."""
        return self.proxy.requests.count(request)


def add_entry(
    world: World, login: str, *, realm: RealmName = STAFF, user: Mapping[str, Any] | None = None
) -> UserId:
    """Make the account of a person of the directory, as it stands there now; return its id."""
    entry = world.runtime.directories.source(CORP).find_by_login(login)
    assert entry is not None
    with world.begin(realm) as uow:
        user_id = UserId(uow.new_id())
        columns: dict[str, Any] = {
            "id": user_id,
            "sub": new_subject(),
            "username": login,
            "username_key": name_key(login),
            "email": f"{login}@example.test",
            "email_key": f"{login}@example.test",
            "email_verified": True,
            "connector": CORP,
            "created_at": uow.now,
            "updated_at": uow.now,
        }
        uow.db.add(UserRow(**columns | dict(user or {})))
        uow.db.flush()
        uow.db.add(
            CredentialRow(
                user_id=user_id,
                hash=UNUSABLE,
                set_at=entry.password_set_at or uow.now,
                set_by=SetBy.DIRECTORY.value,
                judged_under=0,
            )
        )
        uow.db.add(
            DirectoryLinkRow(
                user_id=user_id,
                connector=CORP,
                stable_id=entry.stable_id,
                login=entry.login,
                address_hash=_HASH,
                digest=_HASH,
                checked_at=uow.now,
            )
        )
        uow.db.flush()
        take_state(uow, user_id, state_of(entry), seen_at=uow.now)
    return user_id


def link_of(world: World, user_id: UserId, *, realm: RealmName = STAFF) -> DirectoryLinkRow:
    """Return which entry a user is, as it is stored."""
    with world.begin(realm, write=False) as uow:
        row: DirectoryLinkRow = uow.db.get_one(DirectoryLinkRow, (realm, user_id))
        return row
