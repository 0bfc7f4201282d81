"""Settings of connectors: every mistake at once, each with its path, none with its value."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from connectors.ldap.dialects import DIALECTS
from connectors.ldap.settings import parse_settings
from connectors.port import DirectoryMisconfigured
from connectors.registry import open_source
from connectors.settings import Secret, SettingsRefused, Table
from idp.clock import FakeClock

LDAP: dict[str, object] = {
    "url": "ldaps://ldap.example.test",
    "bind_dn": "cn=idp,dc=example,dc=test",
    "bind_password": "s3cret-of-the-service",
    "base": "ou=people,dc=example,dc=test",
}


def _problems(kind: str, settings: Mapping[str, object]) -> dict[str, str]:
    with pytest.raises(SettingsRefused) as caught:
        open_source(kind, settings, now=FakeClock().now)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value)
    return dict(caught.value.problems)


def _ldap(**own: object) -> dict[str, object]:
    return {name: value for name, value in (LDAP | own).items() if value is not None}


def test_the_smallest_settings_do() -> None:
    open_source("ldap", LDAP, now=FakeClock().now).close()


def test_a_kind_that_is_none_is_told_with_those_there_are() -> None:
    with pytest.raises(DirectoryMisconfigured, match="csv, ldap"):
        open_source("nis", {}, now=FakeClock().now)


def test_a_part_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.registry.CONNECTORS", {"odd": "connectors.nothing:open"})

    with pytest.raises(DirectoryMisconfigured, match="install the extra `odd`"):
        open_source("odd", {}, now=FakeClock().now)


def test_every_mistake_is_told_at_once() -> None:
    problems = _problems("ldap", {"bind_dn": "nonsense", "bind_pasword": "s3cret", "page_size": 0})

    assert set(problems) == {"url", "base", "bind_dn", "bind_password", "bind_pasword", "page_size"}
    assert problems["url"] == "is missing"
    assert problems["bind_pasword"].endswith("do you mean bind_password?")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "http://ldap.example.test"),
        ("url", "ldaps://user:pw@ldap.example.test"),
        ("url", "ldaps://ldap.example.test/dc=x"),
        ("url", "ldaps://ldap.example.test:99999"),
        ("url", "ldaps://"),
        ("url", []),
        ("url", ["ldaps://a.test", ""]),
        ("url", 7),
        ("vendor", "fridge"),
        ("scope", "base"),
        ("base", "nonsense"),
        ("base", ""),
        ("bind_dn", ""),
        ("bind_password", ""),
        ("bind_password", "s3cret\0"),
        ("filter", ""),
        ("filter", "uid=*"),
        ("login_attribute", "uid=*)(x"),
        ("login_attribute", "userPassword"),
        ("member_of_attribute", "*"),
        ("group_base", "nonsense"),
        ("group_filter", "(a=b)"),
        ("allow_insecure", "yes"),
        ("connect_timeout", 0),
        ("connect_timeout", True),
        ("deadline", "PT5S"),
        ("deadline", 1000),
        ("pool_size", 1.5),
        ("pool_size", True),
        ("ca_file", "/nowhere/ca.pem"),
        ("ca_file", __file__),
        ("trust_system_ca", False),
        ("attributes", "mail"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_mistake_is_told_with_its_path(key: str, value: object) -> None:
    assert set(_problems("ldap", _ldap(**{key: value}))) == {key}


@pytest.mark.parametrize(
    "attribute",
    ["userPassword", "USERPASSWORD", "userPassword;binary", "unicodePwd", "ms-Mcs-AdmPwd",
     "krbPrincipalKey", "sambaNTPassword", "*", "+", "1.1", "a b", "mail)(", "msLAPS-Password"],
)  # fmt: skip
def test_no_secret_can_be_mapped(attribute: str) -> None:
    settings = _ldap(attributes={"email": ["mail", attribute]})

    assert set(_problems("ldap", settings)) == {"attributes.email"}


def test_a_table_of_attributes_tells_its_own_paths() -> None:
    assert set(_problems("ldap", _ldap(attributes={"email": [], "name": 3}))) == {
        "attributes.email",
        "attributes.name",
    }


def test_what_is_left_out_is_as_the_vendor_has_it() -> None:
    told = {vendor: parse_settings(_ldap(vendor=vendor, group_base="dc=x")) for vendor in DIALECTS}

    assert {vendor: each.login_attribute for vendor, each in told.items()} == {
        "openldap": "uid",
        "active-directory": "sAMAccountName",
        "389ds": "uid",
        "freeipa": "uid",
    }
    assert told["active-directory"].people.filter == (
        "(&(objectCategory=person)(objectClass=user))"
    )
    groups = told["active-directory"].groups
    assert groups is not None
    assert (groups.scope.filter, groups.member_attribute) == ("(objectClass=group)", "member")


@pytest.mark.parametrize("vendor", ["active-directory", "389ds", "freeipa"])
def test_a_setting_of_another_vendor_is_refused(vendor: str) -> None:
    settings = _ldap(vendor=vendor, hashes_clear_text=True)

    assert set(_problems("ldap", settings)) == {"hashes_clear_text"}


def test_a_vendor_that_is_none_is_told_with_those_there_are() -> None:
    assert _problems("ldap", _ldap(vendor="edirectory")) == {
        "vendor": "must be one of openldap, active-directory, 389ds, freeipa"
    }


def test_plain_ldap_without_tls_must_be_asked_for_twice() -> None:
    plain = _ldap(url="ldap://ldap.example.test", start_tls=False)

    assert set(_problems("ldap", plain)) == {"start_tls"}
    open_source("ldap", plain | {"allow_insecure": True}, now=FakeClock().now).close()


def test_a_csv_file_needs_a_path_and_a_delimiter_that_is_one() -> None:
    assert set(_problems("csv", {"delimiter": "x", "file": "a"})) == {"path", "delimiter", "file"}


def test_times_are_seconds_or_lengths() -> None:
    table = Table({"a": timedelta(milliseconds=1500), "b": 2, "c": timedelta(0)})

    assert [table.seconds(key, 9.0, most=10.0) for key in "abc"] == [1.5, 2.0, 9.0]
    with pytest.raises(SettingsRefused, match=r"^c must be"):
        table.finish()


def test_a_secret_is_not_seen() -> None:
    secret = Secret(b"s3cret")

    assert "s3cret" not in f"{secret!r} {secret}"
    assert secret == Secret(b"s3cret") != Secret(b"other")
    assert hash(secret) == hash(Secret(b"s3cret"))
    assert secret.reveal() == b"s3cret"
