"""What every page template finds in its context, and how static files are addressed.

A template may use nothing that was not given (undefined names fail). Static files carry a digest
of their content in their address, so they may be kept for a year and never go stale.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import CodeType

import flask
from flask import Flask
from jinja2 import BytecodeCache, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from idp.core.runtime import Runtime
from idp.http.csrf import csrf_field
from idp.http.visit import current_visit, find_visit

_YEAR = 365 * 24 * 3600
_SHORT = 300
_DIGEST_LENGTH = 12


class _Compiled(BytecodeCache):
    """What was compiled of templates in this process, which may make more than one site."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code of this template of this text, if there is any."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_compiled = _Compiled()


class Site(Flask):
    """A Flask application whose static files are kept long only under their digest."""

    digests: Mapping[str, str]

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how many seconds a static file may be kept under the address asked for."""
        is_exact = flask.request.args.get("v") == self.digests.get(filename or "", "")
        return _YEAR if is_exact else _SHORT


def install(site: Site, runtime: Runtime) -> None:
    """Give every template of `site` its realm, its addresses and its form field."""
    prefix = runtime.config.server.path_prefix
    site.digests = _digests(Path(site.static_folder or ""))
    site.jinja_env.undefined = StrictUndefined
    site.jinja_env.bytecode_cache = _compiled

    def static(name: str) -> str:
        return f"{prefix}/static/{name}?v={site.digests[name]}"

    @site.context_processor
    def context() -> dict[str, object]:
        visit = find_visit()
        base = f"{prefix}/realms/{visit.realm}" if visit else prefix

        def url(path: str) -> str:
            return base + path

        shown = None
        if visit is not None:
            settings = runtime.config.realm(visit.realm)
            shown = {"name": visit.realm, "display_name": settings.display_name}
        return {
            "realm": shown,
            "url": url,
            "static": static,
            "csrf_field": _csrf_field,
            "support": None,
        }


def _csrf_field() -> Markup:
    return csrf_field(current_visit())


def _digests(folder: Path) -> Mapping[str, str]:
    """Return a short digest of each file by its name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[
            :_DIGEST_LENGTH
        ]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
