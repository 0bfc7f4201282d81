"""A reading that did not come to its end raises, whatever went wrong and wherever."""

from collections.abc import Callable, Iterator

import pytest

from connectors.ldap.source import LdapDirectory
from connectors.port import DirectoryMisconfigured, DirectoryUnavailable
from connectors.records import DirectoryEntry
from tests.support.directories import PEOPLE_COUNT, OpenLdap
from tests.support.ldap_proxy import PAGED, LdapProxy, Request, control, write

REASONS = {
    1: (DirectoryUnavailable, "operations error"),
    3: (DirectoryUnavailable, "time limit"),
    4: (DirectoryMisconfigured, "size limit"),
    10: (DirectoryMisconfigured, "refers to another"),
    11: (DirectoryMisconfigured, "limit of the server"),
    12: (DirectoryMisconfigured, "control"),
    32: (DirectoryMisconfigured, "no such entry as the base"),
    50: (DirectoryMisconfigured, "may not read"),
    51: (DirectoryUnavailable, "busy"),
    52: (DirectoryUnavailable, "unavailable"),
    53: (DirectoryUnavailable, "unwilling"),
    80: (DirectoryUnavailable, "internal error"),
    123: (DirectoryUnavailable, "refuses"),
}
PAGES = (1, 2, 4)
BROKEN = b"0\x05\x02\x01\x02\x7f\x00"
CUT = b"0\x84\x00\x00\x10\x00abc"


def _entries(directory: LdapDirectory) -> Iterator[object]:
    with directory.read() as run:
        yield from run.entries()


def _sweep(directory: LdapDirectory) -> Iterator[object]:
    with directory.read() as run:
        yield from run.sweep()


@pytest.fixture
def hasty(open_ldap: OpenLdap, proxy: LdapProxy) -> LdapDirectory:
    """Give a source that waits for a page a short time only."""
    return open_ldap(url=proxy.tls_url, read_timeout=0.4)


READINGS = {"entries": _entries, "sweep": _sweep}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("code", REASONS)
def test_a_page_with_any_other_code_raises(
    through: LdapDirectory, proxy: LdapProxy, code: int, page: int
) -> None:
    proxy.answer(Request.SEARCH, code, at=page, needle=PAGED)
    kind, words = REASONS[code]

    with pytest.raises(kind, match=words) as caught:
        list(_entries(through))

    assert f"page {page} " in caught.value.reason
    assert f"code {code}" in caught.value.reason


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("fault", ["drop", "stall", "broken", "cut"])
def test_a_page_that_does_not_come_raises(
    hasty: LdapDirectory,
    proxy: LdapProxy,
    reading: Callable[[LdapDirectory], Iterator[object]],
    page: int,
    fault: str,
) -> None:
    deeds: dict[str, Callable[[], object]] = {
        "drop": lambda: proxy.drop(Request.SEARCH, at=page, needle=PAGED),
        "stall": lambda: proxy.stall(Request.SEARCH, at=page, needle=PAGED),
        "broken": lambda: proxy.say(Request.SEARCH, BROKEN, at=page, needle=PAGED),
        "cut": lambda: proxy.say(Request.SEARCH, CUT, at=page, needle=PAGED),
    }
    deeds[fault]()

    with pytest.raises(DirectoryUnavailable):
        list(reading(hasty))


def test_a_stall_raises_when_its_time_is_over(hasty: LdapDirectory, proxy: LdapProxy) -> None:
    proxy.stall(Request.SEARCH, at=2, needle=PAGED)

    with pytest.raises(DirectoryUnavailable, match="no answer in time"):
        list(_entries(hasty))


def test_a_server_is_given_a_second_more_than_the_deadline(
    open_ldap: OpenLdap, proxy: LdapProxy
) -> None:
    open_ldap(url=proxy.tls_url, deadline=1.0).find_by_login("odd0")

    time_limit, types_only = b"\x02\x01\x02", b"\x01\x01\x00"
    assert time_limit + types_only in bytes(proxy.heard)


def test_a_server_that_does_not_page_is_not_believed(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    proxy.answer(Request.SEARCH, 0, needle=PAGED)

    with pytest.raises(DirectoryMisconfigured, match="does not page"):
        list(_entries(through))


def test_pages_without_end_and_without_entries_end(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    cookie = write(0x30, write(0x02, b"\0") + write(0x04, b"again"))
    proxy.answer(Request.SEARCH, 0, needle=PAGED, extra=control(PAGED.decode(), cookie))

    with pytest.raises(DirectoryMisconfigured, match="does not page"):
        list(_entries(through))


def test_a_page_whose_cookie_is_a_number_raises(through: LdapDirectory, proxy: LdapProxy) -> None:
    large = write(0x30, write(0x02, b"\0") + write(0x02, b"\x10\0"))
    proxy.answer(Request.SEARCH, 0, needle=PAGED, extra=control(PAGED.decode(), large))

    with pytest.raises(DirectoryUnavailable, match=r"page 1 .*not a size and a cookie"):
        list(_entries(through))


@pytest.mark.parametrize("oid", ["1.3.6.1.1.13.1", "1.2.840.113556.1.4.841"])
def test_a_control_that_nobody_asked_for_says_nothing(
    through: LdapDirectory, proxy: LdapProxy, oid: str
) -> None:
    last = control(PAGED.decode(), write(0x30, write(0x02, b"\0") + write(0x04)))
    entry = write(0x30, write(0x04, b"cn=a") + write(0x30) + write(0x02, b"\x10"))
    proxy.answer(Request.SEARCH, 0, needle=PAGED, extra=last + control(oid, entry))

    assert list(_entries(through)) == []


def test_an_answer_without_end_is_cut_off(
    through: LdapDirectory, proxy: LdapProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.ldap.paging.LARGE", 4096)
    proxy.say(Request.SEARCH, b"0\x84\x7f\xff\xff\xff" + bytes(65536), needle=PAGED)

    with pytest.raises(DirectoryUnavailable, match="larger"):
        list(_entries(through))


def test_groups_that_end_early_raise_too(through: LdapDirectory, proxy: LdapProxy) -> None:
    proxy.answer(Request.SEARCH, 4, needle=b"groupOfNames")

    with through.read() as run, pytest.raises(DirectoryMisconfigured, match="size limit"):
        list(run.groups())


def test_entries_that_are_hidden_are_missed_by_the_pre_flight_only_when_all_are(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    proxy.hide()

    assert list(_entries(through)) == []
    with pytest.raises(DirectoryMisconfigured, match="is not shown any"):
        through.check()


def test_the_proxy_alone_changes_nothing(through: LdapDirectory, ldap: LdapDirectory) -> None:
    logins = {each.login for each in _entries(ldap) if isinstance(each, DirectoryEntry)}

    assert {each.login for each in _entries(through) if isinstance(each, DirectoryEntry)} == logins
    assert len(logins) >= PEOPLE_COUNT


def test_an_account_with_a_size_limit_fails_and_does_not_end(
    open_ldap: OpenLdap,
) -> None:
    weak = open_ldap(bind_dn="cn=weak,dc=example,dc=test")

    with pytest.raises(DirectoryMisconfigured, match="limit"):
        list(_entries(weak))


def test_an_account_that_is_shown_nothing_is_found_by_the_check(
    open_ldap: OpenLdap,
) -> None:
    blind = open_ldap(bind_dn="cn=blind,dc=example,dc=test")

    with pytest.raises(DirectoryMisconfigured):
        blind.check()
