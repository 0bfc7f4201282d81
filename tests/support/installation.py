"""An installation in a folder of its own, set up by the product's own commands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import run_command
from tests.support.ports import LOOPBACK, free_port

CHEAP_HASHING = {"memory_kib": 8, "time_cost": 1}


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an installation is, and where it will answer."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        """Give the configuration file."""
        return self.folder / "config.toml"

    @property
    def key_file(self) -> Path:
        """Give the key file."""
        return self.folder / "secrets.key"

    @property
    def url(self) -> str:
        """Give the public address."""
        return f"http://{LOOPBACK}:{self.port}"

    def set_up(self) -> str:
        """Run `idp init` in this process and return the set-up link."""
        done = run_command(None, "init", "--json", "--config", str(self.config))
        if done.exit_code != 0:
            raise RuntimeError(done.stderr)
        link: str = json.loads(done.stdout)["setup_link"]
        return link


def write_installation(
    folder: Path,
    *,
    database_url: str | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> Installation:
    """Write a configuration for a loopback server with cheap hashes; nothing is set up yet.

    Args:
        database_url: a SQLite file in `folder` when absent.
        settings: keys by section that differ, e.g. `{"server": {"workers": 1}}`.
    """
    installation = Installation(folder, free_port())
    sections: dict[str, dict[str, object]] = {
        "server": {"public_url": installation.url, "listen": f"{LOOPBACK}:{installation.port}"},
        "mail": {"url": "file:mail", "sender": "TimeTrak <id@example.com>"},
        "hashing": dict(CHEAP_HASHING),
    }
    if database_url is not None:
        sections["database"] = {"url": database_url}
    for section, values in (settings or {}).items():
        sections[section] = sections.get(section, {}) | dict(values)
    lines = [
        line
        for section, values in sections.items()
        for line in (f"[{section}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items()))
    ]
    installation.config.write_text("\n".join(lines) + "\n")
    return installation
