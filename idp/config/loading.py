"""From a file and an environment to a checked `Config`, or to everything that is wrong with it."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from idp.config.problems import InvalidConfigError, Problem, explain
from idp.config.realms import REALMS
from idp.config.schema import Config
from idp.config.sources import PREFIX, Layers, read_file
from policy.model import Enforcement
from policy.parse import PolicyError, parse

_PATH_VARIABLE = "IDP_CONFIG"
_DEFAULT_NAME = "config.toml"


def default_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return the file that is read when none is named: `IDP_CONFIG`, else `./config.toml`."""
    return Path(_environment(environ).get(_PATH_VARIABLE) or _DEFAULT_NAME)


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration in force.

    Relative paths in it are taken from the folder of the file.

    Args:
        path: the TOML file; `default_path` when absent. Only the default `./config.toml` may be
            missing, and only when the environment sets something.
        environ: overrides as `IDP__SECTION__KEY`; the process's own environment when absent. A
            value is read as TOML where it is valid TOML (`4`, `true`, `["a"]`), else as text.

    Raises:
        InvalidConfigError: lists every problem with its source, dotted key and reason.
        ConfigError: the file cannot be read.
    """
    variables = _environment(environ)
    file = path or default_path(variables)
    is_optional = path is None and not variables.get(_PATH_VARIABLE)
    if is_optional and not file.exists() and any(name.startswith(PREFIX) for name in variables):
        layers = Layers("environment", {})
    else:
        layers = Layers(str(file), read_file(file))
    layers.override(variables)
    _complete(layers.document)
    config, problems = _validate(layers, file.parent)
    problems = [*layers.problems, *problems, *_policy_problems(layers)]
    if config is None or problems:
        raise InvalidConfigError(problems)
    return config


def _environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ


def _complete(document: dict[str, object]) -> None:
    """Add the realms that always exist, a name for each that has none, and empty tables.

    A table that is there, even an empty one, has its default paths taken from the file's folder.
    """
    for section in ("database", "secrets"):
        document.setdefault(section, {})
    realms = document.setdefault("realms", {})
    if not isinstance(realms, dict):
        return
    for name in REALMS:
        realms.setdefault(name, {})
    for name, realm in realms.items():
        if isinstance(realm, dict):
            realm.setdefault("display_name", REALMS.get(name, name.title()))


def _validate(layers: Layers, folder: Path) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(layers.document, context={"folder": folder}), []
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    # Left behind here: pydantic's error holds the values, and a value may be a password.
    explained = [explain(Config, details) for details in found]
    return None, [
        Problem(layers.origin_of(path), ".".join(path), reason) for path, reason in explained
    ]


def _policy_problems(layers: Layers) -> list[Problem]:
    realms = layers.document.get("realms")
    problems: list[Problem] = []
    for name, realm in realms.items() if isinstance(realms, dict) else ():
        document = realm.get("policy") if isinstance(realm, dict) else None
        if not isinstance(document, dict):
            continue
        try:
            # Which enforcement an absent one stands for is the realm's affair, not the form's.
            parse(document, default_enforcement=Enforcement.EVERYONE)
        except PolicyError as error:
            path = ("realms", name, "policy", *filter(None, error.path.split(".")))
            problems.append(Problem(layers.origin_of(path), ".".join(path), error.reason))
    return problems
