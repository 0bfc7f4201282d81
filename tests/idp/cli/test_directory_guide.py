"""The ten minutes of `docs/directories.md`, word for word, with a real OpenLDAP server."""

import csv
import re
from pathlib import Path

from click.testing import Result

from tests.support import ROOT
from tests.support.commands import run_command
from tests.support.slapd import GROUPS, SERVICE_PASSWORD, SlapdServer

GUIDE = (
    (ROOT / "docs" / "directories.md").read_text(encoding="utf-8").partition("## What a sync")[0]
)


def _commands() -> list[list[str]]:
    """Return what the guide types, a list of words each."""
    return [line.split()[2:] for line in GUIDE.splitlines() if line.startswith("$ idp ")]


def _table(sealed: str, slapd: SlapdServer) -> str:
    """Return the table of the guide, with the address of this server and what was sealed."""
    found = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    text = found[1].replace("ldaps://ldap.example.co.nz", slapd.tls_url)
    text, count = re.subn('sealed:[^"]*', sealed, text)
    assert count == 1
    return text


def test_the_guide_works_as_it_is_written(slapd: SlapdServer, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    dn, login = slapd.add_person("correct Horse 7", givenName="Ada")
    group = {"objectClass": ["groupOfNames"], "cn": [f"g-{login}"], "member": [dn]}
    slapd.add(f"cn=g-{login},{GROUPS}", group)

    def idp(*words: str, stdin: str = "") -> Result:
        places = [str(tmp_path / word) if word == "changes.csv" else word for word in words]
        answer = run_command(None, *places, "--config", str(config), stdin=stdin)
        assert answer.exit_code == 0, answer.output
        return answer

    idp("init", "--public-url", "http://localhost:8080")
    seal, check, plan, sync, status = _commands()
    sealed = idp(*seal, stdin=f"{SERVICE_PASSWORD}\n").stdout.strip()
    (tmp_path / "directory-ca.pem").write_text(slapd.authority.ca_file.read_text())
    with config.open("a", encoding="utf-8") as file:
        file.write(_table(sealed, slapd))

    checked = idp(*check)
    assert "OpenLDAP" in checked.stdout
    assert SERVICE_PASSWORD not in checked.output

    idp(*plan)
    with (tmp_path / "changes.csv").open(encoding="utf-8-sig", newline="") as stream:
        names = {row["login or group"] for row in csv.DictReader(stream)}
    assert {login, f"g-{login}"} <= names

    idp(*sync, "--yes")
    told = idp(*status).stdout
    assert "needs\tnothing" in told
    assert "can tell what changed\tyes" in told
