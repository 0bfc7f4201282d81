"""The application for another WSGI server than ours: `idp.wsgi:application`.

Reads the configuration that `IDP_CONFIG` names. Background jobs run in `idp worker`.
"""

from idp.app import build_runtime, create_app, start_log
from idp.config import load

_config = load()
start_log(_config)
application = create_app(build_runtime(_config))
