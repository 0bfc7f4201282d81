"""The ten minutes of `docs/directories.md`, word for word, with a real OpenLDAP server.

The last of them, in a browser, are in `tests/journeys/test_directory_guide.py`.
"""

import csv
from pathlib import Path

from click.testing import Result

from tests.support.commands import run_command
from tests.support.directory_guide import guide_commands, write_guide_table
from tests.support.slapd import GROUPS, SERVICE_PASSWORD, SlapdServer


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
    seal, check, plan, sync, status = guide_commands()
    sealed = idp(*seal, stdin=f"{SERVICE_PASSWORD}\n").stdout.strip()
    write_guide_table(config, sealed, slapd)

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
