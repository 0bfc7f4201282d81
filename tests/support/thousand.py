"""A thousand generated people as every directory can have them, with all that is awkward."""

from collections.abc import Iterator

from tests.support import samba_data
from tests.support.directories import ODD_NAMES, escape
from tests.support.ldap_tools import Attributes
from tests.support.slapd import PEOPLE, person

COUNT = 1000
_LOGINS = ("t{}", "({})", "UPPER{}", "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber{}", "a)(b{}")
_LONG = 20
_PHOTO = bytes(range(256)) * 80


def list_thousand() -> Iterator[tuple[str, Attributes]]:
    """Yield them as OpenLDAP and 389-ds have them; a few have several values in their name."""
    for number in range(COUNT):
        login, name = _login(number), _name(number)
        place = (
            f"cn={escape(name)}+uid={escape(login)}" if number % 9 == 0 else f"uid={escape(login)}"
        )
        own: Attributes = {**person(login, name=name), "mail": _mails(number), **_photo(number)}
        yield f"{place},{PEOPLE}", own


def list_thousand_at_ad() -> Iterator[tuple[str, Attributes]]:
    """Yield them as an Active Directory has them: one name in each, further addresses elsewhere."""
    for number in range(COUNT):
        name, control = _name(number), samba_data.ORDINARY
        if number % 10 == 0:
            control |= samba_data.DISABLED
        first, further = _mails(number)[:1], _mails(number)[1:]
        own = {"mail": first, "otherMailbox": further, **_photo(number)}
        made = samba_data.user(_login(number), name=name, control=control)
        yield f"cn={escape(name)},{PEOPLE}", {**made, **own}


def _login(number: int) -> str:
    """Return a login that Active Directory allows too: 20 characters, no `*` and no `=`."""
    if number % 11 == 0:
        return f"{number}".rjust(_LONG, "x")
    return _LOGINS[number % len(_LOGINS)].format(number)


def _name(number: int) -> str:
    return f"{ODD_NAMES[number % len(ODD_NAMES)]} {number}"


def _mails(number: int) -> list[str]:
    """Return none, one, two, and one that another person has in other letters."""
    plain = f"t{number}@example.test"
    return [[plain], [], [f"z-{plain}", f"a-{plain}"], [f"T{number - 3}@EXAMPLE.TEST"]][number % 4]


def _photo(number: int) -> Attributes:
    return {"jpegPhoto": [_PHOTO]} if number % 100 == 0 else {}
