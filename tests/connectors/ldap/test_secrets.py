"""No password is seen in any text that this connector makes (catalogue D-13)."""

import gc
import logging
import traceback
from collections.abc import Callable

import pytest

from connectors.ldap.session import connect
from connectors.ldap.settings import parse_settings
from connectors.ldap.source import LdapDirectory
from connectors.ldap.wire import Deadline
from connectors.port import ConnectorError
from tests.support.directories import OpenLdap
from tests.support.ldap_proxy import LdapProxy, Request
from tests.support.slapd import SERVICE, SERVICE_PASSWORD, SlapdServer

TYPED = "typed-Secret-9"
WRITTEN = "written-Secret-9"
SECRETS = (SERVICE_PASSWORD, TYPED, WRITTEN)


def _assert_unseen(*texts: str) -> None:
    assert [secret for secret in SECRETS for text in texts if secret in text] == []


def _told(error: BaseException) -> list[str]:
    """Return every text of an error and of those it came from, as a log would show them."""
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        chain += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return [*chain, "".join(traceback.format_exception(error))]


def test_settings_and_sources_show_none(
    ldap_settings: dict[str, object], ldap: LdapDirectory
) -> None:
    settings = parse_settings(ldap_settings)

    _assert_unseen(repr(settings), str(settings), repr(settings.connecting), repr(ldap))


def _verify(ldap: LdapDirectory, stable_id: str) -> object:
    return ldap.verify(stable_id, TYPED.encode())


def _write(ldap: LdapDirectory, stable_id: str) -> object:
    return ldap.write_password(stable_id, WRITTEN.encode())


def _change(ldap: LdapDirectory, stable_id: str) -> object:
    return ldap.write_password(stable_id, WRITTEN.encode(), old=TYPED.encode())


def _lend(ldap: LdapDirectory, stable_id: str) -> object:
    return ldap.write_password(stable_id, WRITTEN.encode(), must_change=True)


ASKED = (_verify, _write, _change, _lend)


@pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.__name__)
@pytest.mark.parametrize("fault", ["none", "drop", "stall", "broken", "52", "50", "19"])
def test_answers_errors_and_logs_show_none(
    slapd: SlapdServer,
    open_ldap: OpenLdap,
    proxy: LdapProxy,
    caplog: pytest.LogCaptureFixture,
    ask: Callable[[LdapDirectory, str], object],
    fault: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    ldap = open_ldap(url=proxy.tls_url, deadline=0.6)
    _, login = slapd.add_person(TYPED)
    entry = ldap.find_by_login(login)
    assert entry is not None
    for request in (Request.BIND, Request.EXTENDED, Request.MODIFY):
        if fault == "drop":
            proxy.drop(request)
        elif fault == "stall":
            proxy.stall(request)
        elif fault == "broken":
            proxy.say(request, b"0\x03\x02\x01\x7f")
        elif fault != "none":
            proxy.answer(request, int(fault))

    try:
        said = [repr(ask(ldap, entry.stable_id))]
    except ConnectorError as error:
        said = [error.reason, *_told(error)]

    _assert_unseen(*said, caplog.text)


def test_a_connection_keeps_no_password(
    slapd: SlapdServer, ldap_settings: dict[str, object]
) -> None:
    connecting = parse_settings(ldap_settings).connecting
    session = connect(connecting.servers[0], connecting, Deadline(5.0))
    session.bind(SERVICE, SERVICE_PASSWORD.encode(), Deadline(5.0))

    held = [each for each in gc.get_referents(session) if hasattr(each, "__dict__")]
    texts = [repr(vars(each)) for each in held] + [repr(held)]
    session.close()

    assert texts
    _assert_unseen(*texts)


@pytest.mark.parametrize(("dn", "password"), [("", b"x"), (SERVICE, b""), (SERVICE, b"a\0b")])
def test_an_anonymous_bind_cannot_be_asked_for(
    proxy: LdapProxy, ldap_settings: dict[str, object], dn: str, password: bytes
) -> None:
    connecting = parse_settings(ldap_settings | {"url": proxy.tls_url}).connecting
    session = connect(connecting.servers[0], connecting, Deadline(5.0))

    with pytest.raises(ValueError, match="simple bind"):
        session.bind(dn, password, Deadline(5.0))

    session.close()
    assert Request.BIND not in proxy.requests
