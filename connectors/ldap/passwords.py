"""Passwords: is this one right, and take a new one."""

from functools import partial

from connectors.ldap.failover import ServerList
from connectors.ldap.lookups import Located, Lookups
from connectors.ldap.messages import Answer
from connectors.ldap.pool import Pool
from connectors.ldap.results import Code
from connectors.ldap.session import Session
from connectors.ldap.settings import LdapSettings
from connectors.ldap.sign_in import judge, sign_in
from connectors.ldap.wire import Deadline
from connectors.ldap.writing import transport_of
from connectors.verdicts import Verdict, Verification, WriteAnswer, WriteVerdict

MOST_BYTES = 4096
_KNOWS_OLD = {Verdict.MUST_CHANGE, Verdict.EXPIRED}
_OF_SIGN_IN = {
    Verdict.WRONG: WriteVerdict.OLD_WRONG,
    Verdict.MUST_CHANGE: WriteVerdict.OLD_EXPIRED,
    Verdict.EXPIRED: WriteVerdict.OLD_EXPIRED,
    Verdict.LOCKED: WriteVerdict.LOCKED,
    Verdict.DISABLED: WriteVerdict.DISABLED,
    Verdict.UNKNOWN: WriteVerdict.UNKNOWN,
}


class Passwords:
    """Verifies by signing in on a connection that is used for nothing else; writes."""

    def __init__(
        self, settings: LdapSettings, lookups: Lookups, pool: Pool, servers: ServerList
    ) -> None:
        self._settings = settings
        self._lookups = lookups
        self._pool = pool
        self._servers = servers
        self._transport = transport_of(
            settings.dialect, hashes_clear_text=settings.hashes_clear_text
        )

    def verify(self, stable_id: str, password: bytes) -> Verification:
        """Tell what the directory says; all servers share one deadline."""
        if not is_sendable(password):
            return Verification(verdict=Verdict.WRONG, detail="not sent: empty, NUL or too long")
        deadline = Deadline(self._settings.connecting.deadline)
        located = self._lookups.by_id(stable_id, deadline)
        if located is None:
            return Verification(verdict=Verdict.UNKNOWN, detail="no entry has this id")
        session, answer = self._sign_in(located.dn, password, deadline)
        session.close()
        return judge(located.entry, answer, self._settings.dialect)

    def write(
        self, stable_id: str, new: bytes, *, old: bytes | None, must_change: bool
    ) -> WriteAnswer:
        """Set a password once; it is never tried again."""
        if not is_sendable(new) or (old is not None and not is_sendable(old)):
            return WriteAnswer(WriteVerdict.REFUSED, "not sent: empty, NUL or too long")
        if old is not None and must_change:
            reason = "whoever knows the old password sets no temporary one"
            raise ValueError(reason)
        deadline = Deadline(self._settings.connecting.deadline)
        located = self._lookups.by_id(stable_id, deadline)
        if located is None:
            return WriteAnswer(WriteVerdict.UNKNOWN, "no entry has this id")
        if old is not None:
            return self._change(located, new, old, deadline)
        write = self._transport.reset_for_now if must_change else self._transport.reset
        return self._pool.run_once(partial(write, located.dn, new), deadline)

    def _sign_in(self, dn: str, password: bytes, deadline: Deadline) -> tuple[Session, Answer]:
        return sign_in(self._servers, self._settings.connecting, dn, password, deadline)

    def _change(self, located: Located, new: bytes, old: bytes, deadline: Deadline) -> WriteAnswer:
        """Change as the owner, or for an owner whom the server lets in only afterwards."""
        session, answer = self._sign_in(located.dn, old, deadline)
        try:
            if answer.code == Code.SUCCESS:
                return self._transport.change(located.dn, new, old, session, deadline)
        finally:
            session.close()
        said = judge(located.entry, answer, self._settings.dialect)
        if said.verdict in _KNOWS_OLD and self._transport.lets_others_change:
            change = partial(self._transport.change, located.dn, new, old)
            return self._pool.run_once(change, deadline)
        verdict = _OF_SIGN_IN.get(said.verdict, WriteVerdict.NOT_LET_IN)
        return WriteAnswer(verdict, f"sign-in: {said.verdict.value}, {said.detail}")


def is_sendable(password: bytes) -> bool:
    """Tell whether a server may see this: an empty one would sign anybody in as nobody."""
    return 0 < len(password) <= MOST_BYTES and b"\0" not in password
