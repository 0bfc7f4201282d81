"""What is installed is pinned, new enough, and fetched from wherever the installer says."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support import ROOT
from tests.support.tree import list_text_files, shown

LOCK = ROOT / "requirements.lock"

# The versions below which a known weakness stands (ASVS 15.2.1).
SAFE_FROM = {
    "authlib": "1.9.1",
    "joserfc": "1.7.4",
    "flask": "3.1.3",
    "werkzeug": "3.1.9",
    "pyasn1": "0.6.4",
}

# Put together here, so that this file does not name what it looks for.
_HOSTS = (
    "pypi" + ".org",
    "pypi.python" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "unpkg" + ".com",
    "jsdelivr" + ".net",
    "docker" + ".io",
    "docker" + ".com",
    "ghcr" + ".io",
    "quay" + ".io",
    "deb.debian" + ".org",
    "archive.ubuntu" + ".com",
    "proxy.golang" + ".org",
    "crates" + ".io",
)
_OPTIONS = (
    "--index" + "-url",
    "--extra-index" + "-url",
    "--find" + "-links",
    "PIP_INDEX" + "_URL",
    "UV_INDEX" + "_URL",
    "index" + "-url =",
)
_REGISTRY = re.compile("|".join(map(re.escape, (*_HOSTS, *_OPTIONS))), re.IGNORECASE)
# `uv` is told to leave these options out of the lock file.
_LEFT_OUT = re.compile("--no-emit-(index" + "-url|find" + "-links)")


def _locked() -> dict[str, Version]:
    lines = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    pins = [re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)", line) for line in lines]
    assert all(pins), "every line of the lock file is `name==version`"
    return {pin[1]: Version(pin[2]) for pin in pins if pin}


def test_no_committed_file_names_a_registry() -> None:
    named = {
        f"{shown(path)}:{number}": line.strip()
        for path in list_text_files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if _REGISTRY.search(_LEFT_OUT.sub("", line))
    }

    assert named == {}


def test_the_lock_file_names_no_address() -> None:
    assert not re.search(r"://|@|\bfile:", LOCK.read_text())


@pytest.mark.parametrize(("name", "oldest"), SAFE_FROM.items())
def test_a_locked_version_has_no_known_weakness(name: str, oldest: str) -> None:
    assert _locked()[name] >= Version(oldest)


def test_the_lock_file_answers_everything_that_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [Requirement(r) for r in (*project["dependencies"], *extras["dev"], *extras["ldap"])]
    locked = _locked()

    unanswered = [
        str(wish)
        for wish in asked
        if (version := locked.get(canonicalize_name(wish.name))) is None
        or not wish.specifier.contains(version)
    ]

    assert unanswered == []
