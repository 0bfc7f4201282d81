"""Whether the settings work: connects and reads a little, as a run would."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.ldap import changes, controls
from connectors.ldap.dialects import read_time
from connectors.ldap.entries import EntryReader
from connectors.ldap.messages import Answer, Search
from connectors.ldap.results import Code, error_of
from connectors.ldap.runs import search_of
from connectors.ldap.session import Session
from connectors.ldap.settings import LdapSettings
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryMisconfigured
from connectors.records import DirectoryEntry, DirectoryReport, RejectedEntry

_LOOKED_AT = 20
_SAMPLES = 5
_EXPIRES_SOON = timedelta(days=21)
_CLOCK = "cn=Current,cn=Time,"
_TOLD = ("supportedcontrol", "supportedextension")
_OFFERS = {
    controls.PAGING: "paging",
    controls.SYNC_REQUEST: "incremental",
    controls.PASSWORD_POLICY: "password_policy",
    controls.PASSWORD_MODIFY: "password_write",
    controls.START_TLS: "start_tls",
}

Root = Mapping[str, Sequence[bytes]]


def check(session: Session, settings: LdapSettings, now: datetime) -> DirectoryReport:
    """Return what an administrator sees of a directory whose settings work.

    Args:
        session: one of its own: a page is begun on it and not ended.

    Raises:
        DirectoryMisconfigured: what to mend.
        DirectoryUnavailable: the server did not answer in time.
    """
    deadline = Deadline(settings.connecting.read_timeout)
    root = _read_root(session, deadline)
    told = [value.decode("ascii", "replace") for name in _TOLD for value in root.get(name, ())]
    offers = frozenset(_OFFERS[oid] for oid in told if oid in _OFFERS)
    for base in (settings.people.base, settings.groups.scope.base if settings.groups else None):
        if base is not None:
            _ask(session, Search(base=base, scope="base"), deadline)
    clock = _read_clock(session, root, deadline)
    tells_changes = changes.present_cookie(session, settings.people.base, deadline) is not None
    samples, rejected = _read_samples(session, settings, deadline)
    expires_at = session.certificate_expires_at
    warnings = [
        *settings.warnings,
        *(() if tells_changes else ("the server does not tell what changed: no syncprov overlay",)),
        *(f"{each.address}: {each.reason}" for each in rejected),
        *(("the certificate expires soon",) if _is_soon(expires_at, now) else ()),
    ]
    return DirectoryReport(
        vendor=_vendor(root),
        server=str(session.server),
        offers=offers if tells_changes else offers - {"incremental"},
        samples=tuple(samples[:_SAMPLES]),
        clock_ahead=clock - now if clock else None,
        certificate_expires_at=expires_at,
        warnings=tuple(warnings),
    )


def _read_samples(
    session: Session, settings: LdapSettings, deadline: Deadline
) -> tuple[list[DirectoryEntry], list[RejectedEntry]]:
    """Return the first entries of the first page, which shows that the account may read pages."""
    reader = EntryReader(settings)
    page = (controls.paging(_LOOKED_AT, b""),)
    search = replace(search_of(settings.people, reader.attributes), controls=page)
    read = [reader.read(found) for found in _ask(session, search, deadline).entries]
    if not read:
        reason = (
            f"no entry below {settings.people.base!r} matches the filter, or the account "
            f"{settings.connecting.bind_dn!r} is not shown any"
        )
        raise DirectoryMisconfigured(reason)
    rejected = [each for each in read if isinstance(each, RejectedEntry)]
    if len(rejected) == len(read):
        reason = f"none of the first {len(read)} entries can be an account: {rejected[0].reason}"
        raise DirectoryMisconfigured(reason)
    return [each for each in read if isinstance(each, DirectoryEntry)], rejected


def _read_root(session: Session, deadline: Deadline) -> Root:
    asked = ("objectClass", "vendorName", "vendorVersion", "monitorContext", *_TOLD)
    answer = _ask(session, Search(base="", scope="base", attributes=asked), deadline)
    return answer.entries[0].attributes if answer.entries else {}


def _read_clock(session: Session, root: Root, deadline: Deadline) -> datetime | None:
    """Return the time that the server tells in its monitor, where the account may read it."""
    for context in root.get("monitorcontext", ()):
        search = Search(
            base=_CLOCK + context.decode(), scope="base", attributes=("monitorTimestamp",)
        )
        for found in session.search(search, deadline).entries:
            for value in found.attributes.get("monitortimestamp", ()):
                return read_time(value)
    return None


def _ask(session: Session, search: Search, deadline: Deadline) -> Answer:
    answer = session.search(search, deadline)
    if answer.code != Code.SUCCESS:
        raise error_of(answer.code, answer.message, f"{search.base!r} at {session.server}")
    return answer


def _vendor(root: Root) -> str:
    told = [b" ".join(root.get(name, ())) for name in ("vendorname", "vendorversion")]
    if any(told):
        return b" ".join(told).decode("utf-8", "replace").strip()
    classes = {value.lower() for value in root.get("objectclass", ())}
    return "OpenLDAP" if b"openldaprootdse" in classes else "not told"


def _is_soon(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at - now < _EXPIRES_SOON
