"""Whether the settings work: connects and reads a little, as a run would."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.ldap import controls
from connectors.ldap.completion import join_ranges
from connectors.ldap.dialect import PasswordWriting
from connectors.ldap.entries import EntryReader
from connectors.ldap.freeipa import FREEIPA
from connectors.ldap.messages import Search
from connectors.ldap.rootdse import ask, read_root
from connectors.ldap.runs import feed_of, search_of
from connectors.ldap.session import Session
from connectors.ldap.settings import LdapSettings
from connectors.ldap.values import Attributes, first, read_time
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryMisconfigured, Now
from connectors.records import DirectoryEntry, DirectoryReport, RejectedEntry

_LOOKED_AT = 20
_SAMPLES = 5
_EXPIRES_SOON = timedelta(days=21)
_OPENLDAP_CLOCK = "cn=Current,cn=Time,"
_DS389_CLOCK = "cn=monitor"
_TOLD = ("supportedControl", "supportedExtension")
_NAMES = ("objectClass", "vendorName", "vendorVersion", "monitorContext", "currentTime")
_CAPABILITIES = "supportedCapabilities"
_OF_FREEIPA = "ipaTopologyPluginVersion"
_IS_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"
_PROJECT_389 = b"389 Project"
_SHOWN = {
    "active-directory": "Active Directory",
    "openldap": "OpenLDAP",
    "389ds": "389 Directory Server",
    "freeipa": "FreeIPA",
}
_OFFERS = {
    controls.PAGING: "paging",
    controls.PASSWORD_POLICY: "password_policy",
    controls.PASSWORD_MODIFY: "password_write",
    controls.START_TLS: "start_tls",
}


def check(session: Session, settings: LdapSettings, now: Now) -> DirectoryReport:
    """Return what an administrator sees of a directory whose settings work.

    Args:
        session: one of its own: a page is begun on it and not ended.

    Raises:
        DirectoryMisconfigured: what to mend.
        DirectoryUnavailable: the server did not answer in time.
    """
    deadline = Deadline(settings.connecting.read_timeout)
    root = read_root(session, (*_NAMES, *_TOLD, _CAPABILITIES, _OF_FREEIPA), deadline)
    _require_vendor(root, settings)
    for base in (settings.people.base, settings.groups.scope.base if settings.groups else None):
        if base is not None:
            ask(session, Search(base=base, scope="base"), deadline)
    clock = _read_clock(session, root, deadline)
    feed = feed_of(settings, lambda: session)
    tells_changes = feed.present(session) is not None
    samples, rejected = _read_samples(session, settings, now(), deadline)
    expires_at = session.certificate_expires_at
    silent = f"the server does not tell what changed: {feed.needs}"
    warnings = [
        *settings.warnings,
        *_taken_for_another(root, settings),
        *(() if tells_changes else (silent,)),
        *(f"{each.address}: {each.reason}" for each in rejected),
        *(("the certificate expires soon",) if _is_soon(expires_at, now()) else ()),
    ]
    return DirectoryReport(
        vendor=_vendor(root),
        server=str(session.server),
        offers=_offers(root, settings) | ({"incremental"} if tells_changes else set()),
        samples=tuple(samples[:_SAMPLES]),
        clock_ahead=clock - now() if clock else None,
        certificate_expires_at=expires_at,
        warnings=tuple(warnings),
    )


def _offers(root: Attributes, settings: LdapSettings) -> frozenset[str]:
    told = [value for name in _TOLD for value in root.get(name.lower(), ())]
    offers = frozenset(word for oid, word in _OFFERS.items() if oid.encode() in told)
    writes_plainly = settings.dialect.password_writing is PasswordWriting.UNICODE
    return offers | {"password_write"} if writes_plainly and offers else offers


def _read_samples(
    session: Session, settings: LdapSettings, now: datetime, deadline: Deadline
) -> tuple[list[DirectoryEntry], list[RejectedEntry]]:
    """Return the first entries of the first page, which shows that the account may read pages."""
    reader = EntryReader(settings)
    page = (controls.paging(_LOOKED_AT, b""),)
    search = replace(search_of(settings.people, reader.attributes), controls=page)
    found = ask(session, search, deadline).entries
    read = [reader.read(join_ranges(session, each, deadline), now) for each in found]
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


def _read_clock(session: Session, root: Attributes, deadline: Deadline) -> datetime | None:
    """Return the time that the server tells, where the account may read it."""
    told = first(root, "currentTime")
    if told is not None:
        return read_time(told)
    contexts = [value.decode("utf-8", "replace") for value in root.get("monitorcontext", ())]
    places = [(_OPENLDAP_CLOCK + context, "monitorTimestamp") for context in contexts]
    for base, attribute in places or [(_DS389_CLOCK, "currentTime")]:
        search = Search(base=base, scope="base", attributes=(attribute,))
        for found in session.search(search, deadline).entries:
            value = first(found.attributes, attribute)
            if value is not None:
                return read_time(value)
    return None


def _vendor(root: Attributes) -> str:
    told = [b" ".join(root.get(name, ())) for name in ("vendorname", "vendorversion")]
    if any(told):
        name = b" ".join(told).decode("utf-8", "replace").strip()
        return f"FreeIPA, {name}" if _is_freeipa(root) else name
    fitting = _fitting_vendors(root)
    return _SHOWN[fitting[0]] if fitting else "not told"


def _require_vendor(root: Attributes, settings: LdapSettings) -> None:
    """Return unless the server is known to be another vendor's: who is disabled would be misread.

    Raises:
        DirectoryMisconfigured: it is.
    """
    fitting, vendor = _fitting_vendors(root), settings.dialect.vendor
    if fitting and vendor not in fitting:
        reason = f'vendor = "{vendor}", but the server is {_vendor(root)}: vendor = "{fitting[0]}"'
        raise DirectoryMisconfigured(reason)


def _fitting_vendors(root: Attributes) -> tuple[str, ...]:
    """Return which values of `vendor` fit, the best first; none if the server does not tell."""
    if _is_freeipa(root):
        return ("freeipa", "389ds")
    if _PROJECT_389 in root.get("vendorname", ()):
        return ("389ds", "freeipa")
    if _IS_ACTIVE_DIRECTORY in root.get(_CAPABILITIES.lower(), ()):
        return ("active-directory",)
    classes = {value.lower() for value in root.get("objectclass", ())}
    return ("openldap",) if b"openldaprootdse" in classes else ()


def _taken_for_another(root: Attributes, settings: LdapSettings) -> Iterator[str]:
    if _is_freeipa(root) and settings.dialect is not FREEIPA:
        yield 'this is FreeIPA: vendor = "freeipa" also reads when accounts and passwords are over'


def _is_freeipa(root: Attributes) -> bool:
    return _OF_FREEIPA.lower() in root


def _is_soon(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at - now < _EXPIRES_SOON
