"""The composition root: chooses the adapters, puts a runtime together, makes the application.

`parts` makes the runtime, `policy_rules` finds the rules that others wrote, `processes` is what
runs in each process, `site` the WSGI application. The commands are lent this package
(`idp.cli.base.Parts`), since they may not import it. Only what answers HTTP loads Flask and
Authlib, only what runs jobs `idp.jobs`, only what migrates Alembic.
"""

from idp.adapters.directories import seal_setting
from idp.adapters.secretbox import create_key_file, open_key_file
from idp.app.parts import assemble, build_runtime, common_passwords, strength_meter
from idp.app.policy_rules import policy_rules
from idp.app.processes import (
    check_mail,
    job_runner,
    serve_web,
    start_log,
    start_quiet_log,
    supervise,
)
from idp.core.runtime import Runtime
from idp.http.front import Application

__all__ = [
    "assemble",
    "build_runtime",
    "check_mail",
    "common_passwords",
    "create_app",
    "create_key_file",
    "job_runner",
    "open_key_file",
    "policy_rules",
    "seal_setting",
    "serve_web",
    "start_log",
    "start_quiet_log",
    "strength_meter",
    "supervise",
]


def create_app(runtime: Runtime) -> Application:
    """Return the WSGI application: everything under `public_url`."""
    from idp.app.site import create_site  # noqa: PLC0415 - only a web process pays for it

    return create_site(runtime)
