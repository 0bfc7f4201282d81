"""Who may import whom, and that every module was given its place."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support import ROOT
from tests.support.tree import PACKAGES

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


def _layers_of(container: str) -> set[str]:
    layered = [
        c for c in CONTRACTS if c["type"] == "layers" and container in c.get("containers", [])
    ]
    names = (name for c in layered for layer in c["layers"] for name in layer.split("|"))
    return {name.strip(" ()") for name in names}


def _children_of(package: str) -> set[str]:
    children = (ROOT / package).iterdir()
    return {c.stem for c in children if _is_importable(c) and c.stem != "__init__"}


def _is_importable(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_module_of_idp_has_a_layer_and_every_layer_its_module() -> None:
    assert _children_of("idp") == _layers_of("idp")


def test_every_module_of_policy_has_a_layer_and_every_layer_its_module() -> None:
    assert _children_of("policy") == _layers_of("policy")


def test_every_directory_with_python_files_is_a_package() -> None:
    loose = {
        path.parent.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*.py")
        if not (path.parent / "__init__.py").exists() and path.parent.name != "versions"
    }

    assert loose == set()
