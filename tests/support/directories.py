"""People and groups as real directories have them: awkward on purpose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.ldap.source import LdapDirectory
from tests.support.ldap_tools import Attributes
from tests.support.slapd import GROUPS, PEOPLE, person

OpenLdap = Callable[..., LdapDirectory]
"""Makes a source with some settings of its own."""

PASSWORD = "correct Horse 7"
CROWD = 120
ODD_NAMES = (
    "Comma, Carl",
    'Quote "Q" Quentin',
    "#hash",
    " spaces around ",
    "back\\slash",
    "emoji \N{FOX FACE}",
    "decomposed e\N{COMBINING ACUTE ACCENT}",
    "tab\tin between",
    "zero\N{ZERO WIDTH SPACE}width",
    "a+b=c<d>e;f",
)
ODD_LOGINS = (
    "*",
    "()",
    "x" * 64,
    "UPPER",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber",
    "a*)(uid=*",
)


SPELLINGS = {
    "decomposed": "e\N{COMBINING ACUTE ACCENT}tude-9",
    "composed": "\N{LATIN SMALL LETTER E WITH ACUTE}tude-9",
    "ligature": "o\N{LATIN SMALL LIGATURE FFI}ce-9-lock",
    "no-break space": "two\N{NO-BREAK SPACE}words-9",
    "soft hyphen": "soft\N{SOFT HYPHEN}hyphen-9",
    "zero width": "zero\N{ZERO WIDTH SPACE}width-9",
    "emoji": "\N{FOX FACE}\N{ZERO WIDTH JOINER}\N{SNOWFLAKE} emoji",
    "quotes": '"\'\\"quoted"',
    "spaces": "  outer spaces  ",
    "full width": "\N{FULLWIDTH LATIN CAPITAL LETTER A}bcdefgh-9",
    "braces": "{SSHA}abcdefgh",
}
"""Passwords that somebody would normalise."""


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody who stands in a particular way; everybody's password is `PASSWORD`."""

    login: str
    operational: Mapping[str, str]


DISABLED = Case("disabled", {"pwdAccountLockedTime": "000001010000Z"})
MUST_CHANGE = Case("mustchange", {"pwdReset": "TRUE"})
SHADOW = Case("shadow", {"shadowLastChange": "0"})
EXPIRED = Case("expired", {"pwdChangedTime": "20200101000000Z", "pwdPolicySubentry": "expiring"})
GRACE = Case("grace", {"pwdChangedTime": "20200101000000Z", "pwdPolicySubentry": "grace"})
LATE = Case("late", GRACE.operational)
CASES = (DISABLED, MUST_CHANGE, SHADOW, EXPIRED, GRACE, LATE)


def escape(value: str) -> str:
    """Return a value as it stands in a distinguished name, whatever is in it."""
    return "".join(f"\\{byte:02X}" for byte in value.encode())


def list_people(policies: str) -> list[tuple[str, Attributes]]:
    """Return everybody; `policies` is where password policies lie."""
    people = list_odd_people()
    for case in CASES:
        own = {
            name: [f"cn={value},{policies}" if name == "pwdPolicySubentry" else value]
            for name, value in case.operational.items()
        }
        people.append((f"uid={case.login},{PEOPLE}", {**person(case.login, PASSWORD), **own}))
    return people


def list_odd_people() -> list[tuple[str, Attributes]]:
    """Return those with odd names, logins and mail addresses, and a crowd of ordinary ones."""
    people = [
        (f"cn={escape(name)},{PEOPLE}", person(f"odd{number}", PASSWORD, name=name))
        for number, name in enumerate(ODD_NAMES)
    ]
    people += [(f"uid={escape(login)},{PEOPLE}", person(login, PASSWORD)) for login in ODD_LOGINS]
    logins = [f"u{number:06}" for number in range(CROWD)]
    people += [(f"uid={login},{PEOPLE}", person(login)) for login in logins]
    return [*people, *_special_people()]


def _special_people() -> list[tuple[str, Attributes]]:
    return [
        (f"uid=nomail,{PEOPLE}", {**person("nomail"), "mail": []}),
        (f"uid=mails,{PEOPLE}", {**person("mails"), "mail": ["z@example.test", "a@example.test"]}),
        (f"uid=same,{PEOPLE}", {**person("same"), "mail": ["MAILS@example.test"]}),
        (f"uid=multi+cn=Multi Value,{PEOPLE}", person("multi", PASSWORD, name="Multi Value")),
        (f"uid=photo,{PEOPLE}", {**person("photo"), "jpegPhoto": [bytes(range(256)) * 80]}),
        (
            f"ou=elsewhere,{PEOPLE}",
            {
                "objectClass": ["referral", "extensibleObject"],
                "ou": ["elsewhere"],
                "ref": ["ldap://127.0.0.1:9/dc=elsewhere,dc=test"],
            },
        ),
    ]


def list_groups() -> list[tuple[str, Attributes]]:
    """Return nested, looping, empty and dangling groups, and one with an odd member.

    To be added to a running server: only that one tells members which groups they are in.
    """
    members = {
        "leaf": [f"uid=u000000,{PEOPLE}", f"cn={escape(ODD_NAMES[0])},{PEOPLE}"],
        "nested": [f"cn=leaf,{GROUPS}"],
        "loop-a": [f"cn=loop-b,{GROUPS}"],
        "loop-b": [f"cn=loop-a,{GROUPS}"],
        "empty": [""],
        "dangling": [f"uid=nobody,{PEOPLE}"],
        "large": [f"uid=u{number:06},{PEOPLE}" for number in range(CROWD)],
    }
    return [
        (f"cn={name},{GROUPS}", {"objectClass": ["groupOfNames"], "cn": [name], "member": found})
        for name, found in members.items()
    ]


PEOPLE_COUNT = len(ODD_NAMES) + len(ODD_LOGINS) + len(CASES) + CROWD + 5
