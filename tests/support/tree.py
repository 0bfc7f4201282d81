"""What lies in the tree: the files that are, or would be, committed."""

from collections.abc import Iterator
from pathlib import Path

from tests.support import ROOT

PACKAGES = ("idp", "connectors", "policy")
_NEVER_COMMITTED = {".git"}


def list_text_files() -> tuple[Path, ...]:
    """Return every text file of the tree that `.gitignore` does not leave out, sorted."""
    return tuple(path for path in sorted(_walk(ROOT, _ignored_names())) if _is_text(path))


def list_modules(*packages: str) -> tuple[Path, ...]:
    """Return the Python files of `packages` (default: all of the product), sorted."""
    found = (path for name in packages or PACKAGES for path in (ROOT / name).rglob("*.py"))
    return tuple(sorted(found))


def module_name(path: Path) -> str:
    """Return the dotted name under which a Python file of the tree is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def shown(path: Path) -> str:
    """Return the path as a person in the tree names it."""
    return path.relative_to(ROOT).as_posix()


def _walk(directory: Path, ignored: set[str]) -> Iterator[Path]:
    for path in directory.iterdir():
        name = path.name
        at_top = f"/{path.relative_to(ROOT).as_posix()}"
        if name in ignored or at_top in ignored or name.startswith(".coverage"):
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        elif path.suffix != ".pyc":
            yield path


def _ignored_names() -> set[str]:
    """Return the plain names of `.gitignore`; a leading slash means the top of the tree only."""
    lines = (ROOT / ".gitignore").read_text().split()
    plain = {line.rstrip("/") for line in lines if "*" not in line}
    return plain | _NEVER_COMMITTED


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)
