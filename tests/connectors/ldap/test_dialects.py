"""What vendors say in their own words: how accounts stand, and why something is refused."""

from datetime import UTC, datetime

import pytest

from connectors.ldap.active_directory import ACTIVE_DIRECTORY
from connectors.ldap.dialect import AccountState, Dialect
from connectors.ldap.dialects import DIALECTS
from connectors.ldap.ds389 import DS389
from connectors.ldap.entries import EntryReader
from connectors.ldap.freeipa import FREEIPA
from connectors.ldap.messages import Found
from connectors.ldap.openldap import OPENLDAP
from connectors.ldap.settings import parse_settings
from connectors.ldap.values import read_file_time
from connectors.ldap.writing import quote
from connectors.records import DirectoryEntry, RejectedEntry
from connectors.verdicts import Verdict, WriteVerdict

NOW = datetime(2026, 7, 1, tzinfo=UTC)
IN_2020, IN_2090 = b"132223104000000000", b"154318176000000000"
NEVER = b"9223372036854775807"
UNIQUE_ID = "37705d00-e98c11f1-80000000-00000000"
UUID = "355d4f42-7da9-1041-87a5-01e8f123744e"


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({"useraccountcontrol": b"512"}, AccountState()),
        ({"useraccountcontrol": b"514"}, AccountState(is_enabled=False)),
        ({"useraccountcontrol": b"66050"}, AccountState(is_enabled=False)),
        ({"useraccountcontrol": b"512", "accountexpires": b"0"}, AccountState()),
        ({"useraccountcontrol": b"512", "accountexpires": NEVER}, AccountState()),
        ({"useraccountcontrol": b"512", "accountexpires": IN_2090}, AccountState()),
        ({"useraccountcontrol": b"512", "accountexpires": IN_2020}, AccountState(is_enabled=False)),
        ({"useraccountcontrol": b"512", "pwdlastset": b"0"}, AccountState(must_change=True)),
        ({"useraccountcontrol": b"66048", "pwdlastset": b"0"}, AccountState()),
        (
            {"useraccountcontrol": b"514", "pwdlastset": b"0"},
            AccountState(is_enabled=False, must_change=True),
        ),
        (
            {"useraccountcontrol": b"512", "pwdlastset": IN_2020},
            AccountState(password_set_at=datetime(2020, 1, 1, tzinfo=UTC)),
        ),
        (
            {"useraccountcontrol": b"512", "msds-user-account-control-computed": b"16"},
            AccountState(is_locked=True),
        ),
        (
            {"useraccountcontrol": b"512", "msds-user-account-control-computed": b"8388608"},
            AccountState(must_change=True),
        ),
    ],
)
def test_how_an_account_stands_in_active_directory(
    attributes: dict[str, bytes], state: AccountState
) -> None:
    raw = {name: [value] for name, value in attributes.items()}

    assert ACTIVE_DIRECTORY.read_state(raw, NOW) == state


def test_an_account_whose_control_is_not_told_is_rejected_and_not_taken_for_enabled() -> None:
    settings = parse_settings(
        {"vendor": "active-directory", "url": "ldaps://dc.example.test", "bind_dn": "cn=idp",
         "bind_password": "any", "base": "dc=x"}
    )  # fmt: skip
    raw = {"objectguid": [bytes(range(16))], "samaccountname": [b"ada"]}

    rejected = EntryReader(settings).read(Found("cn=ada,dc=x", raw), NOW)

    assert isinstance(rejected, RejectedEntry)
    assert "userAccountControl" in rejected.reason
    assert rejected.stable_id == "03020100-0504-0706-0809-0a0b0c0d0e0f"


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({}, AccountState()),
        *(
            ({"nsaccountlock": value}, AccountState(is_enabled=False))
            for value in (b"TRUE", b"true", b"True", b"yes", b" true ")
        ),
        *(({"nsaccountlock": value}, AccountState()) for value in (b"FALSE", b"no", b"")),
        ({"pwdreset": b"TRUE"}, AccountState(must_change=True)),
        ({"passwordexpirationtime": b"19700101000000Z"}, AccountState(must_change=True)),
        ({"passwordexpirationtime": b"19700101000001Z"}, AccountState()),
        ({"accountunlocktime": b"20260701000001Z"}, AccountState(is_locked=True)),
        ({"accountunlocktime": b"20260630000000Z"}, AccountState()),
        ({"accountunlocktime": b"19700101000000Z"}, AccountState(is_locked=True)),
        (
            {"pwdupdatetime": b"20200101000000Z"},
            AccountState(password_set_at=datetime(2020, 1, 1, tzinfo=UTC)),
        ),
    ],
)
def test_how_an_account_stands_in_389(attributes: dict[str, bytes], state: AccountState) -> None:
    assert DS389.read_state({name: [value] for name, value in attributes.items()}, NOW) == state


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({}, AccountState()),
        ({"nsaccountlock": b"TRUE"}, AccountState(is_enabled=False)),
        ({"krbprincipalexpiration": b"20260701000000Z"}, AccountState(is_enabled=False)),
        ({"krbprincipalexpiration": b"20260701000001Z"}, AccountState()),
        ({"krbprincipalexpiration": b"soon"}, AccountState(is_enabled=False)),
        ({"krbpasswordexpiration": b"20260701000000Z"}, AccountState(must_change=True)),
        ({"krbpasswordexpiration": b"20260701000001Z"}, AccountState()),
        ({"krbpasswordexpiration": b"soon"}, AccountState(must_change=True)),
        ({"passwordexpirationtime": b"19700101000000Z"}, AccountState()),
        (
            {"krblastpwdchange": b"20200101000000Z"},
            AccountState(password_set_at=datetime(2020, 1, 1, tzinfo=UTC)),
        ),
    ],
)
def test_how_an_account_stands_in_freeipa(
    attributes: dict[str, bytes], state: AccountState
) -> None:
    told = {"krbprincipalname": b"ada@EXAMPLE.TEST", **attributes}

    assert FREEIPA.read_state({name: [value] for name, value in told.items()}, NOW) == state


def test_an_account_whose_principal_is_not_told_is_not_taken_for_enabled() -> None:
    with pytest.raises(ValueError, match="krbPrincipalName"):
        FREEIPA.read_state({"uid": [b"ada"]}, NOW)


@pytest.mark.parametrize(
    ("ends", "set_at", "is_temporary"),
    [
        (b"20260701000000Z", b"20260701000000Z", True),
        (b"20260630000000Z", b"20260701000000Z", True),
        (b"20260929000000Z", b"20260701000000Z", False),
        (b"soon", b"20260701000000Z", False),
        (None, b"20260701000000Z", False),
        (b"20260701000000Z", None, False),
    ],
)
def test_freeipa_shows_a_temporary_password_by_an_end_at_its_beginning(
    ends: bytes | None, set_at: bytes | None, *, is_temporary: bool
) -> None:
    told = {"krbpasswordexpiration": ends, "krblastpwdchange": set_at}
    assert FREEIPA.shows_mark is not None

    shown = FREEIPA.shows_mark({name: [value] for name, value in told.items() if value})

    assert shown is is_temporary


@pytest.mark.parametrize("dialect", [FREEIPA, DS389], ids=lambda each: each.vendor)
@pytest.mark.parametrize(
    ("code", "message", "verdict"),
    [
        (53, "Account inactivated. Contact system administrator.", Verdict.DISABLED),
        (53, "Account (Kerberos principal) is expired", Verdict.DISABLED),
        (53, "Too many failed logins.\n", Verdict.LOCKED),
        (53, "Entry permanently locked.\n", Verdict.LOCKED),
        (49, "Password is expired.\n", Verdict.REFUSED),
        (19, "Exceed password retry limit. Please try later.", Verdict.LOCKED),
        (53, "Entry is read-only", None),
    ],
)
def test_why_389_or_freeipa_refuses_a_sign_in(
    dialect: Dialect, code: int, message: str, verdict: Verdict | None
) -> None:
    assert dialect.read_refusal(code, message) is verdict


@pytest.mark.parametrize("message", ["", "password expired!", "Too many failed logins.\n"])
def test_credentials_that_are_invalid_prove_nothing_in_freeipa(message: str) -> None:
    assert FREEIPA.read_refusal(49, message) is Verdict.WRONG
    assert DS389.read_refusal(49, message) is None


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ("525", Verdict.UNKNOWN),
        ("52e", Verdict.WRONG),
        ("52E", Verdict.WRONG),
        ("530", Verdict.REFUSED),
        ("531", Verdict.REFUSED),
        ("532", Verdict.EXPIRED),
        ("533", Verdict.DISABLED),
        ("701", Verdict.DISABLED),
        ("773", Verdict.MUST_CHANGE),
        ("775", Verdict.LOCKED),
        ("999", None),
    ],
)
def test_why_active_directory_refuses_a_sign_in(data: str, verdict: Verdict | None) -> None:
    said = f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v"

    assert ACTIVE_DIRECTORY.read_refusal(49, said) is verdict


def test_a_message_that_says_nothing_leaves_the_code() -> None:
    assert ACTIVE_DIRECTORY.read_refusal(49, "no") is None
    assert DS389.read_refusal(53, "Minimum SSF not met.") is None
    assert OPENLDAP.read_refusal(49, "data 533") is None


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("00000056: AtrErr: DSID-03191083, #1:\n\t0: 00000056: DSID-0", WriteVerdict.OLD_WRONG),
        ("0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PE", WriteVerdict.TOO_SIMPLE),
        ("0000052D: Constraint violation - the password is too short. It", WriteVerdict.TOO_SHORT),
        ("0000001F: SvcErr: DSID-031A120C, problem 5003 (WILL_NOT_PERFORM), data 0", None),
        ("insufficient access rights", None),
    ],
)  # fmt: skip
def test_why_active_directory_refuses_a_password(
    message: str, verdict: WriteVerdict | None
) -> None:
    assert ACTIVE_DIRECTORY.read_objection(53, message) is verdict


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (IN_2020, datetime(2020, 1, 1, tzinfo=UTC)),
        (b"0", None),
        (b"-1", None),
        (NEVER, None),
        (b"x", None),
        (None, None),
    ],
)
def test_a_file_time_is_read(value: bytes | None, moment: datetime | None) -> None:
    assert read_file_time(value) == moment


def test_a_password_is_quoted_and_nothing_in_it_escaped() -> None:
    assert quote(b'a"\\') == '"a"\\"'.encode("utf-16-le")
    assert quote("\N{FOX FACE}".encode()) == b'"\0' + "\N{FOX FACE}".encode("utf-16-le") + b'"\0'


@pytest.mark.parametrize(
    ("attributes", "stable_id"),
    [
        ({"nsuniqueid": UNIQUE_ID.upper().encode()}, UNIQUE_ID),
        ({"nsuniqueid": UNIQUE_ID.encode(), "ipauniqueid": UUID.encode()}, UNIQUE_ID),
        ({"ipauniqueid": UUID.encode()}, UUID),
        ({"nsuniqueid": b"nonsense"}, None),
        ({"ipauniqueid": b"autogenerate"}, None),
        ({}, None),
    ],
)
def test_the_id_in_389_is_its_own_or_freeipa_s(
    attributes: dict[str, bytes], stable_id: str | None
) -> None:
    settings = parse_settings(
        {"vendor": "389ds", "url": "ldaps://ipa.example.test", "bind_dn": "cn=idp",
         "bind_password": "any", "base": "cn=users,cn=accounts,dc=x"}
    )  # fmt: skip
    raw = {"uid": [b"ada"], **{name: [value] for name, value in attributes.items()}}

    found = EntryReader(settings).read(Found("uid=ada,dc=x", raw), NOW)

    if stable_id is None:
        assert isinstance(found, RejectedEntry)
    else:
        assert isinstance(found, DirectoryEntry)
        assert found.stable_id == stable_id


@pytest.mark.parametrize("vendor", DIALECTS)
def test_an_id_is_looked_up_by_what_it_was_read_of(vendor: str) -> None:
    values = {"nsUniqueId": UNIQUE_ID}

    for attribute in DIALECTS[vendor].ids:
        text = values.get(attribute.name, UUID)
        assert attribute.read(attribute.write(text)) == text
        for nonsense in ("", "x", text + "0", "\ud800", "*"):
            with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
                attribute.write(nonsense)
