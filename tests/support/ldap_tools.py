"""What tests do to a directory server from outside: add, change, delete and read entries."""

import base64
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

Attributes = Mapping[str, Sequence[str | bytes]]
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class LdapTools:
    """The client programs of OpenLDAP, as the server's administrator."""

    url: str
    dn: str
    password: str = field(repr=False)
    ca_file: Path

    def add(self, dn: str, attributes: Attributes) -> None:
        """Add one entry."""
        self._run("ldapadd", ldif(dn, attributes))

    def add_all(self, entries: Iterable[tuple[str, Attributes]]) -> None:
        """Add many entries."""
        rest = iter(entries)
        while some := list(islice(rest, _AT_ONCE)):
            self._run("ldapadd", "\n".join(ldif(dn, attributes) for dn, attributes in some))

    def change(self, dn: str, *lines: str) -> None:
        """Apply lines of LDIF after `dn:`, beginning with `changetype:` or with the operation."""
        self.change_each([dn], *lines)

    def change_each(self, dns: Sequence[str], *lines: str) -> None:
        """Apply the same lines to several entries."""
        head = [] if lines[0].startswith("changetype") else ["changetype: modify"]
        each = ("\n".join([_line("dn", dn), *head, *lines, ""]) for dn in dns)
        self._run("ldapmodify", "\n".join(each))

    def delete(self, *dns: str) -> None:
        """Delete entries."""
        self._run("ldapmodify", "\n".join(f"{_line('dn', d)}\nchangetype: delete\n" for d in dns))

    def read(self, dn: str, *names: str) -> dict[str, list[bytes]]:
        """Return attributes of one entry, by names in small letters."""
        told = self._run(
            "ldapsearch", "", "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn,
            "(objectClass=*)", *names,
        )  # fmt: skip
        found: dict[str, list[bytes]] = {}
        for line in told.splitlines()[1:]:
            name, _, value = line.partition(":")
            if value:
                plain = value[1:].strip()
                decoded = base64.b64decode(plain) if value.startswith(":") else plain.encode()
                found.setdefault(name.lower(), []).append(decoded)
        return found

    def _run(self, program: str, stdin: str, *arguments: str) -> str:
        done = subprocess.run(
            [program, "-x", "-H", self.url, "-D", self.dn, "-w", self.password, *arguments],
            input=stdin.encode(), capture_output=True, check=False, timeout=30,
            env=os.environ | {"LDAPTLS_CACERT": str(self.ca_file)},
        )  # fmt: skip
        if done.returncode:
            reason = f"{program} failed: {done.stderr.decode()}"
            raise RuntimeError(reason)
        return done.stdout.decode()


def ldif(dn: str, attributes: Attributes) -> str:
    """Return an entry as LDIF."""
    pairs = [(name, value) for name, values in attributes.items() for value in values]
    return "\n".join([_line("dn", dn), *(_line(name, value) for name, value in pairs), ""])


def _line(name: str, value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return f"{name}:: {base64.b64encode(raw).decode()}" if raw else f"{name}:"
