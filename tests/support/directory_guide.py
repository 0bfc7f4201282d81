"""The ten minutes of `docs/directories.md`, as they are to be typed."""

import re
from pathlib import Path

from tests.support import ROOT
from tests.support.slapd import SlapdServer

_GUIDE = (
    (ROOT / "docs" / "directories.md").read_text(encoding="utf-8").partition("## What a sync")[0]
)


def guide_commands() -> list[list[str]]:
    """Return what the guide types after `idp`, a list of words each."""
    return [line.split()[2:] for line in _GUIDE.splitlines() if line.startswith("$ idp ")]


def guide_sign_in() -> str:
    """Return the path at which the guide has people sign in."""
    found = re.search(r"\*\*6\. Sign in\*\* at `https://…(/\S+)`", _GUIDE)
    assert found is not None
    return found[1]


def write_guide_table(config: Path, sealed: str, slapd: SlapdServer) -> None:
    """Add the guide's table to a configuration, with this server's address and what was sealed."""
    found = re.search(r"```toml\n(.*?)```", _GUIDE, re.DOTALL)
    assert found is not None
    text = found[1].replace("ldaps://ldap.example.co.nz", slapd.tls_url)
    text, count = re.subn('sealed:[^"]*', sealed, text)
    assert count == 1
    (config.parent / "directory-ca.pem").write_text(slapd.authority.ca_file.read_text())
    with config.open("a", encoding="utf-8") as file:
        file.write(text)
