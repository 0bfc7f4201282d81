"""A realm's password policy: its versions, read through a cache that never goes stale."""

from idp.core.work import UnitOfWork
from idp.errors import Unavailable
from idp.ids import RealmName
from idp.store.policies import PolicyVersionRow
from idp.store.realms import RealmRow
from policy.model import Enforcement, PolicyVersion
from policy.parse import PolicyError, parse


def default_enforcement(realm: RealmName) -> Enforcement:
    """Return the enforcement of a document that names none (CONTRACT 5)."""
    return Enforcement.NEVER if realm == "portal" else Enforcement.EVERYONE


def policy_version(uow: UnitOfWork, number: int) -> PolicyVersion:
    """Return an immutable policy version of this realm.

    Raises:
        Unavailable: the version is missing or unreadable; nothing is let out on a guess (Y-11).
    """
    return uow.runtime.policies.get((uow.realm, number), lambda: _load(uow, number))


def current_policy(uow: UnitOfWork) -> PolicyVersion:
    """Return the version in force in this unit of work."""
    realm = uow.db.get(RealmRow, uow.realm)
    if realm is None:
        raise Unavailable("realm.missing", detail=uow.realm)
    return policy_version(uow, realm.policy_version)


def _load(uow: UnitOfWork, number: int) -> PolicyVersion:
    row = uow.db.get(PolicyVersionRow, (uow.realm, number))
    if row is None:
        raise Unavailable("policy.missing", detail=f"version {number} of {uow.realm}")
    try:
        return parse(
            row.document, number=number, default_enforcement=default_enforcement(uow.realm)
        )
    except PolicyError as error:
        raise Unavailable("policy.unreadable", detail=str(error)) from error
