"""The documents say what the tree is."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.changelog import KINDS, MARKER, read_fragments
from tests.support.tree import list_modules, list_text_files, module_name, shown

ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"
ADR_SECTIONS = (
    "Context",
    "Decision",
    "Alternatives",
    "Consequences",
    "How we would know it is wrong",
)
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def _packages() -> list[str]:
    markers = (path for path in list_modules() if path.name == "__init__.py")
    return [module_name(path) for path in markers]


@pytest.mark.parametrize("package", _packages())
def test_the_architecture_page_names_every_package(package: str) -> None:
    assert any(_names(line, package) for line in ARCHITECTURE.read_text().splitlines())


def _names(line: str, package: str) -> bool:
    """Tell whether a line names the package in full, or by its last part beside its parent."""
    parent, _, last = package.rpartition(".")
    if _has_name(line, package):
        return True
    return bool(parent) and _has_name(line, parent) and bool(re.search(rf"\b{last}\b", line))


def _has_name(line: str, package: str) -> bool:
    as_path = package.replace(".", "/") + "/"
    return bool(
        re.search(rf"(?<![\w./])({re.escape(package)}(?![\w-])|{re.escape(as_path)})", line)
    )


def test_there_are_decisions_on_record() -> None:
    assert ADRS


@pytest.mark.parametrize("path", ADRS, ids=shown)
def test_a_decision_record_is_complete(path: Path) -> None:
    number = re.fullmatch(r"(\d{4})-[a-z0-9-]+", path.stem)
    assert number, "NNNN-title.md"
    text = path.read_text()

    sections = re.findall(r"^(?:#+ |\*\*)([^*\n]+?)\.?(?:\*\*|$)", text, re.MULTILINE)

    assert [section for section in ADR_SECTIONS if section not in sections] == []


def test_decision_numbers_are_used_once() -> None:
    numbers = [path.name[:4] for path in ADRS]

    assert sorted(set(numbers)) == numbers


@pytest.mark.parametrize("path", [p for p in list_text_files() if p.suffix == ".md"], ids=shown)
def test_a_link_to_a_file_leads_to_a_file(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    local = [t for t in targets if "://" not in t and not t.startswith("mailto:")]

    assert [t for t in local if not (path.parent / t).exists()] == []


def test_the_changelog_can_be_assembled() -> None:
    assert MARKER in (ROOT / "CHANGELOG.md").read_text()

    fragments = read_fragments(ROOT / "docs" / "changes.d")

    assert {f.kind for f in fragments} <= set(KINDS)
