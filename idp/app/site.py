"""The WSGI application: Flask with its guards and rooms, behind what answers without it."""

import time
from pathlib import Path

import flask
from flask import Flask, Response
from werkzeug.test import create_environ, run_wsgi_app

from idp import api, oidc, web
from idp.adapters.metrics import count_request
from idp.adapters.weblog import ADDRESS_KEY
from idp.core.runtime import Runtime
from idp.http import errors, guards, headers, plain_http, probes, templating
from idp.http.front import Application, Front, PrefixMiddleware
from idp.http.templating import Site
from idp.http.visit import find_visit

_WEB = Path(web.__file__).parent
_UNMATCHED = "unmatched"


def create_site(runtime: Runtime) -> Application:
    """Return the WSGI application: everything under `public_url`."""
    site = Site("idp", template_folder=str(_WEB / "templates"), static_folder=str(_WEB / "static"))
    _measure(site)
    plain_http.install(site, runtime)
    guards.install(site, runtime)
    headers.install(site, runtime)
    errors.install(site)
    templating.install(site, runtime)
    site.register_blueprint(probes.blueprint(runtime))
    site.register_blueprint(oidc.blueprint(runtime))
    site.register_blueprint(web.blueprint(runtime))
    administration = api.create_api(runtime)
    _measure(administration)
    front = Front(site, mounts={api.ROOT: administration}, quick=oidc.quick(runtime))
    return PrefixMiddleware(front, runtime.config.server.path_prefix)


def fill_caches(site: Application, runtime: Runtime) -> None:
    """Have the JWKS of every realm at hand, so that it is answered while the database is away."""
    server = runtime.config.server
    for realm in runtime.config.realms:
        path = f"{server.path_prefix}/realms/{realm}/jwks"
        environ = create_environ(path, base_url=f"http://{server.host}")
        run_wsgi_app(site, environ, buffered=True)


def _measure(site: Flask) -> None:
    """Count and time the answers of `site`, and leave the client's address for the access log."""

    @site.before_request
    def begin() -> None:
        flask.g.began = time.perf_counter()

    @site.after_request
    def end(response: Response) -> Response:
        request = flask.request
        route = str(request.url_rule) if request.url_rule is not None else _UNMATCHED
        seconds = time.perf_counter() - flask.g.get("began", time.perf_counter())
        count_request(route, request.method, response.status_code, seconds)
        visit = find_visit()
        trace = flask.g.get("trace") if visit is None else visit.trace
        if trace is not None:
            request.environ[ADDRESS_KEY] = trace.address
        return response
