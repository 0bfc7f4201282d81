"""People and groups as an Active Directory has them: awkward on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.directories import (
    CROWD,
    ODD_NAMES,
    PASSWORD,
    escape,
    list_groups,
)
from tests.support.ldap_tools import Attributes, ldif
from tests.support.slapd import BASE, GROUPS, PEOPLE

POLICIES = f"CN=Password Settings Container,CN=System,{BASE}"
ADMINISTRATOR = f"CN=Administrator,CN=Users,{BASE}"
SERVICE = f"CN=idp,CN=Users,{BASE}"
POWERLESS = f"CN=powerless,CN=Users,{BASE}"
"""An account that may read and nothing else."""
SERVICE_PASSWORD = "service-Secret-7"

LOGINS = ("()", "x" * 20, "UPPER", "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber", "a)(b", "#o'b $")
"""Odd ones, as far as they are allowed there: no `*`, no `=`, at most 20 characters."""

ORDINARY = 0x200
DISABLED = 0x2
NO_PASSWORD_NEEDED = 0x20
NEVER_EXPIRES = 0x10000
SET_LAST = "local_oid:1.3.6.1.4.1.7165.4.3.20:0"
"""Samba's own way to say when a password was set."""
IN_2020 = "132223104000000000"
"""The first moment of 2020 as a file time."""

RIGHTS = (
    "(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;SID)",
    "(OA;CIIO;RPWP;bf967a0a-0de6-11d0-a285-00aa003049e2;bf967aba-0de6-11d0-a285-00aa003049e2;SID)",
)
"""What an account needs to write passwords: "Reset password" and writing `pwdLastSet`, on users."""


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody who stands in a particular way; everybody's password is `PASSWORD`.

    Attributes:
        later: attributes that are set once the password is.
    """

    login: str
    control: int = ORDINARY
    later: tuple[tuple[str, str], ...] = ()


DISABLED_ONE = Case("disabled", ORDINARY | DISABLED)
MUST_CHANGE = Case("mustchange", later=(("pwdLastSet", "0"),))
NEVER_EXPIRING = Case("neverexpires", ORDINARY | NEVER_EXPIRES, (("pwdLastSet", "0"),))
EXPIRED = Case("expired", later=(("pwdLastSet", IN_2020),))
LATE = Case("late", later=EXPIRED.later)
ENDED = Case("ended", later=(("accountExpires", IN_2020),))
ENDLESS = Case("endless", later=(("accountExpires", str(2**63 - 1)),))
DISABLED_AND_MUST_CHANGE = Case("disabledmust", ORDINARY | DISABLED, (("pwdLastSet", "0"),))
CASES = (
    DISABLED_ONE,
    MUST_CHANGE,
    NEVER_EXPIRING,
    EXPIRED,
    LATE,
    ENDED,
    ENDLESS,
    DISABLED_AND_MUST_CHANGE,
)


def user(
    login: str, password: str | bytes = "", *, name: str = "", control: int = ORDINARY
) -> Attributes:
    """Return what a person's entry has at least."""
    shown = name or f"Person {login}"
    needs_none = 0 if password else NO_PASSWORD_NEEDED
    return {
        "objectClass": ["user"],
        "sAMAccountName": [login],
        "sn": [shown.split()[-1]],
        "mail": [f"{login}@example.test"],
        "userAccountControl": [str(control | needs_none)],
    } | ({"unicodePwd": [quoted(password)]} if password else {})


def quoted(password: str | bytes) -> bytes:
    """Return a password as it is written."""
    text = password if isinstance(password, str) else password.decode()
    return f'"{text}"'.encode("utf-16-le")


_NEVER = str(-(2**63))
_DAY = str(-864_000_000_000)
_FORTY_DAYS = str(-40 * 864_000_000_000)
_POLICIES: tuple[tuple[str, dict[str, str]], ...] = (
    ("strict", {"msDS-MinimumPasswordLength": "12", "msDS-PasswordHistoryLength": "3"}),
    ("complex", {"msDS-PasswordComplexityEnabled": "TRUE"}),
    ("young", {"msDS-MinimumPasswordAge": _DAY}),
)
"""Fine-grained password policies; each holds for who is in the group of its name."""


def list_before() -> str:
    """Return LDIF of what there is before anybody may do anything."""
    units = ("people", "groups")
    lines = [
        _modify(
            BASE,
            {
                "minPwdLength": "1", "minPwdAge": "0", "maxPwdAge": _FORTY_DAYS,
                "pwdProperties": "0", "pwdHistoryLength": "0", "lockoutThreshold": "3",
            },
        ),
        *(_added(f"ou={name},{BASE}", {"objectClass": ["organizationalUnit"]}) for name in units),
        _added(SERVICE, user("idp", SERVICE_PASSWORD)),
        _added(POWERLESS, user("powerless", SERVICE_PASSWORD)),
    ]  # fmt: skip
    for number, (name, own) in enumerate(_POLICIES, start=1):
        group = f"cn={name},{GROUPS}"
        lines.append(_added(group, {"objectClass": ["group"], "sAMAccountName": [name]}))
        lines.append(_added(f"CN={name},{POLICIES}", _policy(number, group, own)))
    return "\n".join(lines)


def list_people() -> str:
    """Return LDIF that adds everybody."""
    people = [
        (f"cn={escape(name)},{PEOPLE}", user(f"odd{number}", PASSWORD, name=name))
        for number, name in enumerate(ODD_NAMES)
    ]
    people += [
        (f"cn=login {number},{PEOPLE}", user(login, PASSWORD))
        for number, login in enumerate(LOGINS)
    ]
    people += [(place_of(login), user(login)) for login in _crowd()]
    people += [
        (place_of(case.login), user(case.login, PASSWORD, control=case.control)) for case in CASES
    ]
    people += [
        (place_of("nomail"), {**user("nomail"), "mail": []}),
        (
            place_of("mails"),
            {**user("mails"), "otherMailbox": ["z@example.test", "a@example.test"]},
        ),
        (place_of("same"), {**user("same"), "mail": ["MAILS@example.test"]}),
        (place_of("photo"), {**user("photo"), "jpegPhoto": [bytes(range(256)) * 80]}),
    ]
    return "\n".join(_added(dn, attributes) for dn, attributes in people)


def list_later() -> str:
    """Return LDIF of how some people stand; it needs the control `SET_LAST`."""
    texts = [_modify(place_of(case.login), dict(case.later)) for case in CASES if case.later]
    return "\n".join(texts)


def list_all_groups() -> str:
    """Return LDIF of nested, looping, empty and large groups; dangling ones there cannot be."""
    members = {
        dn: [str(each).replace("uid=", "cn=") for each in attributes["member"] if each]
        for dn, attributes in list_groups()
        if not dn.startswith("cn=dangling")
    }
    empty = [
        _added(dn, {"objectClass": ["group"], "sAMAccountName": [dn[3:].partition(",")[0]]})
        for dn in members
    ]
    filled = [
        ldif(dn, {"changetype": ["modify"], "add": ["member"], "member": found})
        for dn, found in members.items()
        if found
    ]
    return "\n".join([*empty, *filled])


def place_of(login: str) -> str:
    """Return where somebody with a plain login lies."""
    return f"cn={login},{PEOPLE}"


def _crowd() -> list[str]:
    return [f"u{number:06}" for number in range(CROWD)]


def _policy(number: int, group: str, own: Mapping[str, str]) -> Attributes:
    values = {
        "msDS-PasswordSettingsPrecedence": str(number),
        "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
        "msDS-PasswordHistoryLength": "0",
        "msDS-PasswordComplexityEnabled": "FALSE",
        "msDS-MinimumPasswordLength": "1",
        "msDS-MinimumPasswordAge": "0",
        "msDS-MaximumPasswordAge": _NEVER,
        "msDS-LockoutThreshold": "3",
        "msDS-LockoutObservationWindow": "-18000000000",
        "msDS-LockoutDuration": "-18000000000",
        "msDS-PSOAppliesTo": group,
    } | dict(own)
    return {"objectClass": ["msDS-PasswordSettings"]} | {k: [v] for k, v in values.items()}


def _added(dn: str, attributes: Attributes) -> str:
    return ldif(dn, {"changetype": ["add"], **attributes})


def _modify(dn: str, replaced: Mapping[str, str]) -> str:
    steps: list[str] = []
    for name, value in replaced.items():
        steps += [f"replace: {name}", f"{name}: {value}", "-"]
    return "\n".join([ldif(dn, {"changetype": ["modify"]}).rstrip(), *steps, ""])
