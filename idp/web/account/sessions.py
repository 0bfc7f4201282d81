"""Where a person is signed in, and ending it."""

import re
from collections.abc import Mapping
from contextlib import suppress

from flask.typing import ResponseReturnValue

from idp.core.sessions import (
    SignedIn,
    end_other_sessions,
    end_session,
    list_client_names,
    list_sessions,
)
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.http.forms import field
from idp.http.visit import Visit
from idp.ids import SessionId
from idp.store.sessions import SessionRow
from idp.web.account.coming import coming
from idp.web.account.entry import show_to_cleared, write_for_cleared
from idp.web.routes import Route, page, see_other

_BROWSERS = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/|Chromium/", "Chrome"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "Mac"),
    (r"CrOS", "ChromeOS"),
    (r"Linux|X11", "Linux"),
)


def _show(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        rows = list_sessions(uow, signed_in.account.user_id)
        rows.sort(key=lambda row: row.id != signed_in.session.id)
        apps = list_client_names(uow, [SessionId(row.id) for row in rows])
        return page(
            200,
            "account_sessions.html",
            sessions=[_described(row, signed_in.session.id, apps) for row in rows],
            coming=coming(visit, signed_in.account, uow.now),
            action_end=visit.url("/account/sessions"),
            action_end_others=visit.url("/account/sessions/others"),
        )

    return show_to_cleared(visit, answer)


def _end_one(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        with suppress(NotFound):  # over by itself meanwhile
            end_session(uow, signed_in.account.user_id, SessionId(field("session_id")))
        return see_other(visit.url("/account/sessions"))

    return write_for_cleared(visit, answer)


def _end_others(visit: Visit) -> ResponseReturnValue:
    def answer(uow: UnitOfWork, signed_in: SignedIn) -> ResponseReturnValue:
        end_other_sessions(uow, signed_in.account.user_id, signed_in.session.id)
        return see_other(visit.url("/account/sessions"))

    return write_for_cleared(visit, answer)


def _described(
    row: SessionRow, current: SessionId, apps: Mapping[SessionId, list[str]]
) -> dict[str, object]:
    return {
        "id": row.id,
        "browser": browser_name(row.user_agent or ""),
        "address": row.address or "unknown",
        "created_at": row.created_at,
        "last_seen_at": row.last_seen_at,
        "is_current": row.id == current,
        "apps": apps.get(SessionId(row.id), []),
    }


def browser_name(user_agent: str) -> str:
    """Return what a person calls the browser: "Firefox on Windows", or "Unknown browser"."""
    browser = next((name for form, name in _BROWSERS if re.search(form, user_agent)), None)
    system = next((name for form, name in _SYSTEMS if re.search(form, user_agent)), None)
    if browser is None:
        return f"An app on {system}" if system else "Unknown browser"
    return f"{browser} on {system}" if system else browser


ROUTES = (
    Route(path="/account/sessions", show=_show, submit=_end_one),
    Route(path="/account/sessions/others", submit=_end_others),
)
