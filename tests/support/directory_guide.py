"""The ten minutes of `docs/directories.md`, as they are to be typed."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.support import ROOT
from tests.support.certificates import Authority
from tests.support.slapd import BASE, SlapdServer

_GUIDE = (ROOT / "docs" / "directories.md").read_text(encoding="utf-8")
_FIRST = "Ten minutes with OpenLDAP"
_SUFFIX = "dc=example,dc=co,dc=nz"


def guide_commands() -> list[list[str]]:
    """Return what the guide types after `idp`, a list of words each."""
    lines = _part(_FIRST).splitlines()
    return [line.split()[2:] for line in lines if line.startswith("$ idp ")]


def guide_sign_in() -> str:
    """Return the path at which the guide has people sign in."""
    found = re.search(r"\*\*6\. Sign in\*\* at `https://…(/\S+)`", _part(_FIRST))
    assert found is not None
    return found[1]


def guide_account() -> str:
    """Return the LDIF by which the guide has FreeIPA make the account that reads."""
    found = re.search(r"\$ ldapmodify [^\n]*\n(.*?)```", _part("FreeIPA"), re.DOTALL)
    assert found is not None
    return found[1].replace(_SUFFIX, BASE)


def write_guide_table(config: Path, sealed: str, slapd: SlapdServer) -> None:
    """Add the guide's table to a configuration, with this server's address and what was sealed."""
    add_guide_table(config, _FIRST, slapd.authority, sealed, {"url": slapd.tls_url})


def add_guide_table(
    config: Path, part: str, authority: Authority, sealed: str, there: Mapping[str, str]
) -> None:
    """Add the table of a part of the guide to a configuration.

    Args:
        there: settings whose values are as the directory has them, not as the guide.
    """
    found = re.search(r"```toml\n(.*?)```", _part(part), re.DOTALL)
    assert found is not None
    text = found[1].replace(_SUFFIX, BASE)
    for key, value in {"bind_password": sealed, **there}.items():
        text, count = re.subn(rf"(?m)^{key} = .*$", f'{key} = "{value}"', text)
        assert count == 1, key
    ca_file = re.search(r'(?m)^ca_file = "(.*)"$', text)
    assert ca_file is not None
    (config.parent / ca_file[1]).write_text(authority.ca_file.read_text())
    with config.open("a", encoding="utf-8") as file:
        file.write(text)


def _part(heading: str) -> str:
    _, marker, rest = _GUIDE.partition(f"## {heading}\n")
    assert marker, heading
    return rest.partition("\n## ")[0]
