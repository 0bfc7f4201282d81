"""Assembles the fragments of `docs/changes.d` into a section of `CHANGELOG.md`.

Run as `python -m tests.support.changelog VERSION [DATE]`.
"""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support import ROOT

KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")
MARKER = "<!-- releases -->"


@dataclass(frozen=True, slots=True)
class Fragment:
    """One change, told to those who notice it."""

    path: Path
    kind: str
    text: str


def read_fragments(directory: Path) -> tuple[Fragment, ...]:
    """Return the fragments in `directory`, sorted by name, or raise `ValueError` on a bad one."""
    paths = sorted(p for p in directory.glob("*.md") if p.name != "README.md")
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Fragment:
    name = re.fullmatch(r"[a-z0-9-]+\.([a-z]+)\.md", path.name)
    if name is None or name[1] not in KINDS:
        reason = f"{path.name}: the name is not <slug>.<kind>.md with a kind of {', '.join(KINDS)}"
        raise ValueError(reason)
    text = " ".join(path.read_text().split())
    if not text or text.startswith(("#", "-", "*")):
        reason = f"{path.name}: write one or a few plain sentences"
        raise ValueError(reason)
    return Fragment(path, name[1], text)


def release_section(version: str, date: str, fragments: tuple[Fragment, ...]) -> str:
    """Return the section of one release, its changes grouped by kind."""
    parts = [f"## [{version}] - {date}"]
    for kind in KINDS:
        entries = [f"- {f.text}" for f in fragments if f.kind == kind]
        if entries:
            parts.append("\n".join((f"### {kind.capitalize()}", "", *entries)))
    return "\n\n".join(parts)


def assemble(root: Path, version: str, date: str) -> int:
    """Move every fragment under `root` into its changelog and return how many there were."""
    fragments = read_fragments(root / "docs" / "changes.d")
    changelog = root / "CHANGELOG.md"
    head, marker, older = changelog.read_text().partition(MARKER)
    if not marker:
        reason = f"{changelog.name} has no line {MARKER}"
        raise ValueError(reason)
    section = release_section(version, date, fragments)
    parts = (f"{head}{MARKER}", section, older.strip())
    changelog.write_text("\n\n".join(part for part in parts if part) + "\n")
    for fragment in fragments:
        fragment.path.unlink()
    return len(fragments)


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    if not arguments:
        print("usage: make changelog ARGS='VERSION [DATE]'", file=sys.stderr)
        return 2
    version, *rest = arguments
    date = rest[0] if rest else datetime.now(UTC).date().isoformat()
    print(f"{assemble(ROOT, version, date)} changes are now under {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
