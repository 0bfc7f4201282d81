"""What else guards the account: known browsers, allowed apps, and why the user was asked."""

from contextlib import suppress
from itertools import islice

from flask.typing import ResponseReturnValue

from idp.core.consents import Consent, list_consents, revoke_consent
from idp.core.decision_telling import concerns_its_user, tell_decisions
from idp.core.devices import count_known_devices, forget_devices
from idp.core.sessions import SignedIn
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.http.forms import field
from idp.http.visit import Visit
from idp.ids import ClientId, UserId
from idp.web.account.coming import coming
from idp.web.account.entry import show_to_cleared, write_for_cleared
from idp.web.messages import scope_in_words
from idp.web.routes import Route, page, see_other

_LOOKED_AT, _SHOWN = 50, 10
"""Decisions: the last ones, and of these the ones that the user noticed."""


def _show(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        account = signed_in.account
        return page(
            200,
            "account_security.html",
            password_set_at=account.credential.password_set_at if account.credential else None,
            coming=coming(visit, account, uow.now),
            asked=_asked(uow, account.user_id),
            devices=count_known_devices(uow, account.user_id, generation=account.generation),
            action_forget=visit.url("/account/security/forget-browsers"),
            consents=[_described(consent) for consent in list_consents(uow, account.user_id)],
            action_revoke=visit.url("/account/security/revoke-consent"),
        )

    return show_to_cleared(visit, answer)


def _forget_browsers(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        forget_devices(uow, signed_in.account.user_id)
        visit.cookies.clear_device()
        return see_other(visit.url("/account/security"))

    return write_for_cleared(visit, answer)


def _revoke_consent(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        with suppress(NotFound):  # taken back already, in another window
            revoke_consent(uow, signed_in.account.user_id, ClientId(field("client_id")))
        return see_other(visit.url("/account/security"))

    return write_for_cleared(visit, answer)


def _asked(uow: UnitOfWork, user_id: UserId) -> list[dict[str, object]]:
    told = filter(concerns_its_user, tell_decisions(uow, user_id, limit=_LOOKED_AT))
    return [
        {
            "at": each.decision.at,
            "last_at": each.decision.last_at,
            "count": each.decision.count,
            "text": each.text,
        }
        for each in islice(told, _SHOWN)
    ]


def _described(consent: Consent) -> dict[str, object]:
    return {
        "client_id": consent.client_id,
        "client_name": consent.client_name,
        "scopes": [scope_in_words(scope)["title"] for scope in consent.scopes],
        "granted_at": consent.granted_at,
    }


ROUTES = (
    Route(path="/account/security", show=_show),
    Route(path="/account/security/forget-browsers", submit=_forget_browsers),
    Route(path="/account/security/revoke-consent", submit=_revoke_consent),
)
