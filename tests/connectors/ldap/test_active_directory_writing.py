"""New passwords, as a real domain controller (Samba) takes or refuses them."""

from typing import Any

import pytest

from connectors.ldap.source import LdapDirectory
from connectors.port import WriteUncertain
from connectors.verdicts import Verdict, WriteVerdict
from tests.support import samba_data
from tests.support.directories import PASSWORD, SPELLINGS, OpenLdap
from tests.support.ldap_proxy import Request, running_proxy
from tests.support.samba import SambaServer

pytestmark = pytest.mark.servers

NEW = "an entirely new 1"


def _id(ad: LdapDirectory, login: str) -> str:
    found = ad.find_by_login(login)
    assert found is not None
    return found.stable_id


def _write(
    ad: LdapDirectory, login: str, new: str, *, old: str | None = None, must_change: bool = False
) -> WriteVerdict:
    known = None if old is None else old.encode()
    return ad.write_password(
        _id(ad, login), new.encode(), old=known, must_change=must_change
    ).verdict


def _verdict(ad: LdapDirectory, login: str, password: str) -> Verdict:
    return ad.verify(_id(ad, login), password.encode()).verdict


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
@pytest.mark.parametrize("new", SPELLINGS.values(), ids=SPELLINGS)
def test_a_password_is_written_as_it_was_typed(
    samba: SambaServer, ad: LdapDirectory, new: str, *, as_owner: bool
) -> None:
    _, login = samba.add_person(PASSWORD)

    assert _write(ad, login, new, old=PASSWORD if as_owner else None) is WriteVerdict.WRITTEN

    assert _verdict(ad, login, new) is Verdict.RIGHT
    assert _verdict(ad, login, PASSWORD) is Verdict.WRONG


def test_a_temporary_password_is_one_write_and_must_be_changed(
    samba: SambaServer, ad: LdapDirectory
) -> None:
    dn, login = samba.add_person(PASSWORD)

    assert _write(ad, login, NEW, must_change=True) is WriteVerdict.WRITTEN

    assert samba.tools.read(dn, "pwdLastSet")["pwdlastset"] == [b"0"]
    assert _verdict(ad, login, NEW) is Verdict.MUST_CHANGE
    assert _verdict(ad, login, PASSWORD) is Verdict.WRONG


@pytest.mark.parametrize("state", ["must change", "expired"])
def test_whoever_cannot_sign_in_before_changing_changes_with_the_old_password(
    samba: SambaServer, ad: LdapDirectory, state: str
) -> None:
    if state == "expired":
        login, old = samba_data.LATE.login, PASSWORD
    else:
        (_, login), old = samba.add_person(PASSWORD), NEW
        _write(ad, login, old, must_change=True)

    assert _write(ad, login, "my very own 1", old="wrong") is WriteVerdict.OLD_WRONG
    assert _write(ad, login, "my very own 1", old=old) is WriteVerdict.WRITTEN

    assert _verdict(ad, login, "my very own 1") is Verdict.RIGHT


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
@pytest.mark.parametrize(
    ("policy", "new", "verdict"),
    [
        ("strict", "short", WriteVerdict.TOO_SHORT),
        ("complex", "allsmallletters", WriteVerdict.TOO_SIMPLE),
    ],
)
def test_what_breaks_a_rule_is_told(
    samba: SambaServer,
    ad: LdapDirectory,
    policy: str,
    new: str,
    verdict: WriteVerdict,
    *,
    as_owner: bool,
) -> None:
    _, login = samba.add_person(PASSWORD, policy=policy)

    assert _write(ad, login, new, old=PASSWORD if as_owner else None) is verdict
    assert _verdict(ad, login, PASSWORD) is Verdict.RIGHT


def test_used_before_and_too_young_are_told_to_its_owner_only(
    samba: SambaServer, ad: LdapDirectory
) -> None:
    _, login = samba.add_person(PASSWORD, policy="strict")
    assert _write(ad, login, NEW, old=PASSWORD) is WriteVerdict.WRITTEN
    assert _write(ad, login, PASSWORD, old=NEW) is WriteVerdict.IN_HISTORY
    assert _write(ad, login, PASSWORD) is WriteVerdict.WRITTEN

    _, young = samba.add_person(PASSWORD, policy="young")
    assert _write(ad, young, NEW, old=PASSWORD) is WriteVerdict.TOO_YOUNG
    assert _write(ad, young, NEW) is WriteVerdict.WRITTEN


def test_a_temporary_password_that_breaks_a_rule_changes_nothing(
    samba: SambaServer, ad: LdapDirectory
) -> None:
    _, login = samba.add_person(PASSWORD, policy="strict")

    assert _write(ad, login, "short", must_change=True) is WriteVerdict.TOO_SHORT
    assert _verdict(ad, login, PASSWORD) is Verdict.RIGHT


def test_a_disabled_account_does_not_change_its_password(
    samba: SambaServer, ad: LdapDirectory
) -> None:
    control = samba_data.ORDINARY | samba_data.DISABLED
    _, login = samba.add_person(PASSWORD, control=control)

    assert _write(ad, login, NEW, old=PASSWORD) is WriteVerdict.DISABLED


def test_an_account_without_the_right_to_write_is_told(
    samba: SambaServer, ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    _, login = samba.add_person(PASSWORD)
    powerless = open_any(ad_settings, bind_dn=samba_data.POWERLESS)

    assert _write(powerless, login, NEW) is WriteVerdict.NOT_ALLOWED
    assert _write(powerless, login, NEW, must_change=True) is WriteVerdict.NOT_ALLOWED
    assert _write(powerless, login, NEW, old=PASSWORD) is WriteVerdict.WRITTEN


def test_bytes_that_are_no_text_are_never_sent(samba: SambaServer, ad: LdapDirectory) -> None:
    _, login = samba.add_person(PASSWORD)

    assert ad.write_password(_id(ad, login), b"\xff\xfe").verdict is WriteVerdict.REFUSED
    assert _verdict(ad, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
@pytest.mark.parametrize("fault", ["drop", "stall"])
def test_a_lost_answer_is_uncertain_and_nothing_is_sent_twice(
    samba: SambaServer,
    ad_settings: dict[str, Any],
    open_any: OpenLdap,
    fault: str,
    *,
    as_owner: bool,
) -> None:
    _, login = samba.add_person(PASSWORD)
    with running_proxy(samba.port, samba.authority.certify("proxy")) as proxy:
        ad = open_any(ad_settings, url=proxy.tls_url, deadline=2.0)
        stable_id = _id(ad, login)
        (proxy.drop if fault == "drop" else proxy.stall)(Request.MODIFY)

        with pytest.raises(WriteUncertain):
            ad.write_password(stable_id, NEW.encode(), old=PASSWORD.encode() if as_owner else None)

        assert proxy.requests.count(Request.MODIFY) == 1
