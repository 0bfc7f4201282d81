"""The configuration: the only reader of its file and of the environment.

Owns what settings exist (`schema`), how each is written (`values`), where they come from
(`sources`), what is said when they are wrong (`problems`) and the commented file that shows them
(`example`). Hands a checked, immutable `Config` to `idp.app` and the commands; nobody else reads
the file or the environment.
"""

from idp.config.connectors import Connector, SourceSettings
from idp.config.example import render_example, render_initial
from idp.config.loading import default_path, load
from idp.config.problems import InvalidConfigError, Problem
from idp.config.realms import Lifetimes, Realm
from idp.config.schema import Config, Hashing, Limits, Server
from idp.config.values import Address, Limit, SecretUrl, is_loopback

__all__ = [
    "Address",
    "Config",
    "Connector",
    "Hashing",
    "InvalidConfigError",
    "Lifetimes",
    "Limit",
    "Limits",
    "Problem",
    "Realm",
    "SecretUrl",
    "Server",
    "SourceSettings",
    "default_path",
    "is_loopback",
    "load",
    "render_example",
    "render_initial",
]
