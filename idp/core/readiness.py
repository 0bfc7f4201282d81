"""Whether this installation can serve: what is looked at before the start, and while it runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from idp.core.key_ring import ALGORITHMS, current_ring
from idp.core.policies import current_policy
from idp.core.runtime import Runtime
from idp.core.work import SYSTEM
from idp.errors import ConfigError, Unavailable
from idp.ids import RealmName
from idp.store.realms import RealmRow
from idp.store.revisions import current_revision, head_revision, knows_revision


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: `database`, `migrations`, `realm`, `policy`, `keys`.
        realm: whose, where each realm has its own.
        problem: what is wrong, or None.
        remedy: how to mend it, when something is wrong.
    """

    name: str
    problem: str | None = None
    remedy: str | None = None
    realm: str | None = None

    @property
    def title(self) -> str:
        """Return what was looked at, in words."""
        return f"{self.name} of {self.realm}" if self.realm else self.name

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.problem, self.remedy)))


def check_readiness(runtime: Runtime) -> list[Check]:
    """Return every check in order; what rests on a failed one is left out."""
    checks: list[Check] = []
    for check in _checks(runtime):
        checks.append(check)
        if check.problem is not None and check.name in {"database", "migrations"}:
            break
    return checks


def require_readiness(runtime: Runtime) -> None:
    """Return when the installation can serve.

    Raises:
        ConfigError: the first thing that is wrong, and how to mend it.
    """
    for check in check_readiness(runtime):
        if check.problem is not None:
            raise ConfigError(check.title, str(check))


def _checks(runtime: Runtime) -> Iterator[Check]:
    try:
        revision = current_revision(runtime.database)
    except Unavailable as error:
        yield Check("database", "the database does not answer", _how_to_reach(runtime, error))
        return
    yield Check("database")
    yield check_revision(revision)
    for name in runtime.config.realms:
        yield from _realm_checks(runtime, RealmName(name))


def _how_to_reach(runtime: Runtime, error: Unavailable) -> str:
    cause = error.__cause__
    said = str(getattr(cause, "orig", None) or cause or "").strip().splitlines()
    reason = f" ({said[0]})" if said else ""
    return f"check database.url and that it runs: {runtime.config.database.url}{reason}"


def check_revision(revision: str | None) -> Check:
    """Judge the schema that a database stands at; None is an empty database."""
    head = head_revision()
    if revision == head:
        return Check("migrations")
    if revision is None:
        return Check("migrations", "the database is empty", "run `idp init`")
    if knows_revision(revision):
        problem = f"the database is at schema {revision}, this program needs {head}"
        return Check("migrations", problem, "run `idp db upgrade`")
    problem = f"the database (schema {revision}) belongs to a newer version of this program"
    return Check("migrations", problem, f"run that version; this one knows up to {head}")


def _realm_checks(runtime: Runtime, realm: RealmName) -> Iterator[Check]:
    with runtime.begin(realm, write=False, actor=SYSTEM) as uow:
        if uow.db.get(RealmRow, realm) is None:
            problem = f"realm {realm} is in the configuration but not in the database"
            yield Check("realm", problem, "run `idp init`, which adds it", realm)
            return
        try:
            current_policy(uow)
            yield Check("policy", realm=realm)
        except Unavailable as error:
            problem = f"the policy of realm {realm} cannot be read: {error.detail}"
            yield Check("policy", problem, "restore the database from a backup", realm)
        try:
            ring = current_ring(uow)
        except ConfigError as error:
            problem = f"the signing keys of realm {realm} cannot be opened: {error.reason}"
            remedy = "restore the key file that belongs to this database"
            yield Check("keys", problem, remedy, realm)
            return
        ready = {key.signer.alg for key in ring.keys if key.active_at <= uow.now}
        lacking = ", ".join(sorted(set(ALGORITHMS) - ready))
        missing = f"realm {realm} has no key for {lacking}" if lacking else None
        yield Check("keys", missing, "run `idp init`" if lacking else None, realm)
