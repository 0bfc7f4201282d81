"""The account at a glance."""

from datetime import datetime

from flask.typing import ResponseReturnValue

from idp.core.gate import AccountFacts
from idp.core.sessions import SignedIn
from idp.core.work import UnitOfWork
from idp.http.visit import Visit
from idp.web.account.coming import coming
from idp.web.account.entry import show_to_cleared
from idp.web.changing import owner_of_account
from idp.web.routes import Route, page

_LINKS = (
    ("/account/password", "Password", "Choose a new one.", "key"),
    ("/account/sessions", "Where you are signed in", "See it and end it.", "browser"),
    (
        "/account/security",
        "Security",
        "Known browsers, apps you allowed, why you were asked.",
        "lock",
    ),
)


def _show(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        owner = owner_of_account(uow, signed_in.account.user_id)
        return page(
            200,
            "account.html",
            username=owner.username,
            name=owner.given_name or owner.name,
            email=owner.email,
            password_set_at=_set_at(signed_in.account),
            coming=coming(visit, signed_in.account, uow.now),
            links=[
                {"href": visit.url(path), "title": title, "description": text, "icon": icon}
                for path, title, text, icon in _LINKS
            ],
            sign_out_url=visit.url("/logout"),
        )

    return show_to_cleared(visit, answer)


def _set_at(account: AccountFacts) -> datetime | None:
    return account.credential.password_set_at if account.credential else None


ROUTES = (Route(path="/account", show=_show),)
