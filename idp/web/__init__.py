"""Pages: one screen per prompt of the flow, the account, recovery, and set-up.

A screen reads a form, calls one use case of `idp.core` and shows what it answered; inside an
authorization request it then returns to the dispatcher of `idp.oidc` and never to another screen.
"""

from flask import Blueprint

from idp.core.runtime import Runtime
from idp.web import account, interaction, one_time, recovery, setup
from idp.web.messages import learn_texts
from idp.web.routes import register

ROOMS = (interaction, account, recovery, one_time, setup)


def blueprint(runtime: Runtime) -> Blueprint:
    """Return every page of a realm; from here on they know the words of every rule."""
    learn_texts(runtime.rules)
    pages = Blueprint("web", __name__, url_prefix="/realms/<realm>")
    for room in ROOMS:
        register(pages, room.ROUTES)
    return pages
