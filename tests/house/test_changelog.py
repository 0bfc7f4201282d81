"""A release's section is made from the fragments, once."""

from pathlib import Path

import pytest

from tests.support.changelog import MARKER, assemble


def _tree(root: Path, **fragments: str) -> Path:
    directory = root / "docs" / "changes.d"
    directory.mkdir(parents=True)
    (directory / "README.md").write_text("# How to\n")
    for name, text in fragments.items():
        (directory / f"{name.replace('__', '.').replace('_', '-')}.md").write_text(text)
    (root / "CHANGELOG.md").write_text(f"# Changelog\n\n{MARKER}\n\n## [0.1.0] - 2026-01-01\n")
    return root


def test_fragments_become_a_section_above_the_older_ones(tmp_path: Path) -> None:
    root = _tree(tmp_path, b__fixed="A mended\nthing.\n", a__added="A new thing.", c__added="More.")

    count = assemble(root, "0.2.0", "2026-02-01")

    assert count == 3
    assert (root / "CHANGELOG.md").read_text() == (
        f"# Changelog\n\n{MARKER}\n\n## [0.2.0] - 2026-02-01\n\n"
        "### Added\n\n- A new thing.\n- More.\n\n### Fixed\n\n- A mended thing.\n\n"
        "## [0.1.0] - 2026-01-01\n"
    )
    assert [p.name for p in (root / "docs" / "changes.d").iterdir()] == ["README.md"]


@pytest.mark.parametrize("fragment", [{"a__new": "Text."}, {"a__added": ""}, {"a__added": "# Hi"}])
def test_a_bad_fragment_is_named_and_nothing_is_changed(
    tmp_path: Path, fragment: dict[str, str]
) -> None:
    root = _tree(tmp_path, **fragment)
    before = (root / "CHANGELOG.md").read_text()

    with pytest.raises(ValueError, match=r"a\.(new|added)\.md"):
        assemble(root, "0.2.0", "2026-02-01")

    assert (root / "CHANGELOG.md").read_text() == before
