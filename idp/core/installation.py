"""Setting up an installation: every realm with its policy and keys, as often as it is called."""

from collections.abc import Iterable

import sqlalchemy as sa

from idp.core.keys import create_first_keys
from idp.core.policy_versions import bootstrap_policy, follow_config
from idp.core.roles import ADMIN_REALM, has_owner
from idp.core.runtime import Runtime
from idp.core.work import HOST, SYSTEM
from idp.ids import RealmName
from idp.store.keys import SigningKeyRow
from idp.store.realms import RealmRow
from idp.store.session import Database


def prepare_realms(runtime: Runtime) -> list[str]:
    """Put every realm of the configuration in place and return what was added, in words.

    Whatever is there already stays as it is, so a set-up that was interrupted is finished by
    the next call.
    """
    added: list[str] = []
    for name, settings in runtime.config.realms.items():
        realm = RealmName(name)
        with runtime.begin(realm, actor=HOST) as uow:
            if uow.db.get(RealmRow, realm) is None:
                uow.db.add(
                    RealmRow(
                        name=realm,
                        display_name=settings.display_name,
                        policy_managed_by=settings.policy_managed_by,
                        created_at=uow.now,
                    )
                )
                uow.db.flush()
                added.append(f"realm {realm}")
            bootstrap_policy(uow)
        if create_first_keys(runtime, realm, actor=HOST):
            added.append(f"signing keys of {realm}")
    return added


def follow_configuration(runtime: Runtime) -> None:
    """Bring the database up to what the configuration says of each realm.

    Names and owners of policies are copied; a policy that the configuration owns is published
    when it changed.
    """
    for name, settings in runtime.config.realms.items():
        realm = RealmName(name)
        with runtime.begin(realm, write=False, actor=SYSTEM) as uow:
            row = uow.db.get_one(RealmRow, realm)
            is_same = (row.display_name, row.policy_managed_by) == (
                settings.display_name,
                settings.policy_managed_by,
            )
        if is_same and settings.policy_managed_by != "config":
            continue
        with runtime.begin(realm, actor=SYSTEM) as uow:
            row = uow.db.get_one(RealmRow, realm)
            row.display_name = settings.display_name
            row.policy_managed_by = settings.policy_managed_by
            follow_config(uow)


def has_administrator(runtime: Runtime) -> bool:
    """Tell whether somebody can administer: an owner who is active and not locked."""
    with runtime.begin(ADMIN_REALM, write=False, actor=SYSTEM) as uow:
        return has_owner(uow)


def has_sealed(database: Database, realms: Iterable[str]) -> bool:
    """Tell whether the database holds what only its own key file opens.

    Then a missing key file must be restored; a new one would lose everything sealed.
    """
    for name in realms:
        with database.transaction(RealmName(name), write=False) as db:
            if db.scalar(sa.select(SigningKeyRow.kid).limit(1)) is not None:
                return True
    return False
