"""A sample app: its page, its sign-in, and what it does with its tokens."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue
from requests import RequestException
from werkzeug.wrappers import Response

from idp.clock import Clock
from idp.demo.relying_party import Refused, RelyingParty, SignedIn
from idp.demo.samples import SampleApp
from idp.demo.site import new_site
from idp.demo.visits import Notice, Visit, Visits
from idp.demo.words import code_of, failed_sign_in, notice_of

_UNREACHABLE = Notice(
    kind="bad",
    title="The TimeTrak server does not answer",
    text="Is the demo still running? Try again in a moment.",
)


def create_site(sample: SampleApp, party: RelyingParty, clock: Clock) -> Flask:
    """Return the web application of one sample app."""
    issuer_origin = party.app.issuer.partition("/realms/")[0]
    site = new_site(party.app.url, leads_to=issuer_origin)
    desk = _Desk(sample, party, clock, Visits())
    site.add_url_rule("/", "home", desk.show)
    site.add_url_rule("/sign-in", "sign_in", desk.begin)
    site.add_url_rule("/callback", "callback", desk.finish)
    site.add_url_rule("/refresh", "refresh", desk.refresh, methods=["POST"])
    site.add_url_rule("/who", "who", desk.ask_who, methods=["POST"])
    site.add_url_rule("/sign-out", "sign_out", desk.leave, methods=["POST"])
    site.add_url_rule("/signed-out", "signed_out", desk.note_left)
    site.register_error_handler(RequestException, lambda _error: desk.tell(_UNREACHABLE, 502))
    return site


@dataclass(frozen=True, slots=True)
class _Desk:
    """Answers the requests of one app."""

    sample: SampleApp
    party: RelyingParty
    clock: Clock
    visits: Visits

    @property
    def _cookie(self) -> str:
        return f"demo-{self.sample.key}"

    def show(self) -> ResponseReturnValue:
        """Show the app; the phone first gets new tokens when the old ones are over."""
        visit = self._visit()
        signed_in = visit.signed_in if visit else None
        is_over = signed_in is not None and signed_in.access_until <= self.clock.now()
        if visit and signed_in and is_over and self.sample.kind == "native":
            self._renew(visit, signed_in)
        return self._page(visit, visit.take_notice() if visit else None)

    def begin(self) -> ResponseReturnValue:
        """Send the browser to the server; also where the server sends people back to the app.

        Spec: OIDC Core 4.
        """
        if request.args.get("iss", self.party.app.issuer) != self.party.app.issuer:
            return self.tell(failed_sign_in(Refused("wrong_issuer", "")), 400)
        begun = self.party.begin(login_hint=request.args.get("login_hint"))
        visit = self._visit()
        if visit is not None:
            visit.remember(begun)
            return redirect(begun.url, 303)
        visit = Visit()
        visit.remember(begun)
        return self._with_cookie(redirect(begun.url, 303), self.visits.add(visit))

    def finish(self) -> ResponseReturnValue:
        """Take the server's answer; a sign-in that was not begun in this browser is refused."""
        visit = self._visit()
        begun = visit.begun.pop(request.args.get("state", ""), None) if visit else None
        if begun is None:
            text = "This sign-in was not begun in this browser. Begin it here."
            return self.tell(failed_sign_in(Refused("wrong_state", text)), 400)
        outcome = self.party.finish(begun, request.args.to_dict())
        if isinstance(outcome, Refused):
            return self.tell(failed_sign_in(outcome), 400)
        self.visits.remove(request.cookies.get(self._cookie))
        key = self.visits.add(Visit(signed_in=outcome))
        return self._with_cookie(redirect("/", 303), key)

    def refresh(self) -> ResponseReturnValue:
        """Get new tokens because somebody asked for them."""
        return self._for_signed_in(self._renew)

    def ask_who(self) -> ResponseReturnValue:
        """Ask the server who this is, as an API would."""
        return self._for_signed_in(self._ask_who)

    def leave(self) -> ResponseReturnValue:
        """Forget the tokens and sign out at the server."""
        visit = self._visit()
        if visit is None or visit.signed_in is None:
            return redirect("/", 303)
        visit.leaving = secrets.token_urlsafe(16)
        url = self.party.sign_out_url(visit.signed_in, visit.leaving)
        visit.signed_in = None
        return redirect(url, 303)

    def note_left(self) -> ResponseReturnValue:
        """Say that signing out is done, when it was begun here."""
        visit = self._visit()
        if visit and visit.leaving and request.args.get("state") == visit.leaving:
            visit.leaving = None
            visit.notice = Notice(
                kind="good",
                title="You are signed out",
                text="Here and at the server. Other apps of this sign-in get no new tokens.",
            )
        return redirect("/", 303)

    def tell(self, notice: Notice, status: int) -> ResponseReturnValue:
        """Show the app with something to tell, at once."""
        return self._page(self._visit(), notice), status

    def _renew(self, visit: Visit, signed_in: SignedIn) -> None:
        if signed_in.refresh_token is None:
            visit.notice = notice_of(Refused("no_refresh_token", ""), follows_action=False)
            return
        outcome = self.party.refresh(signed_in)
        if isinstance(outcome, Refused):
            visit.notice = notice_of(outcome, follows_action=self.sample.kind == "native")
            return
        visit.signed_in = outcome
        visit.notice = Notice(
            kind="good",
            title="New tokens",
            text=f"Received at {clock_time(outcome.received_at)}.",
        )

    def _ask_who(self, visit: Visit, signed_in: SignedIn) -> None:
        outcome = self.party.ask_who(signed_in)
        if isinstance(outcome, Refused):
            visit.notice = Notice(
                kind="bad",
                title="The access token is not accepted",
                text=outcome.description,
                code=code_of(outcome),
                action=("/sign-in", "Sign in again"),
            )
            return
        visit.notice = Notice(
            kind="good", title="The server says", text="Its userinfo answer:", shown=outcome
        )

    def _for_signed_in(self, act: Callable[[Visit, SignedIn], None]) -> ResponseReturnValue:
        visit = self._visit()
        if visit is not None and visit.signed_in is not None:
            act(visit, visit.signed_in)
        return redirect("/", 303)

    def _visit(self) -> Visit | None:
        return self.visits.find(request.cookies.get(self._cookie))

    def _page(self, visit: Visit | None, notice: Notice | None) -> str:
        signed_in = visit.signed_in if visit else None
        return render_template(
            f"{self.sample.key}.html",
            app=self.sample,
            issuer=self.party.app.issuer,
            notice=notice,
            claims=signed_in.claims if signed_in else None,
            facts=facts_of(signed_in, self.clock.now()) if signed_in else None,
        )

    def _with_cookie(self, response: Response, key: str) -> Response:
        """Keep the visit in the browser; every app has a cookie name of its own (DECISIONS 20)."""
        response.set_cookie(self._cookie, key, httponly=True, samesite="Lax", path="/")
        return response


def facts_of(signed_in: SignedIn, now: datetime) -> Mapping[str, str]:
    """Return what the page shows of the tokens, never the tokens themselves."""
    claims: Mapping[str, Any] = signed_in.claims
    signed_in_at = now.fromtimestamp(claims["auth_time"], tz=now.tzinfo)
    return {
        "Signed in": clock_time(signed_in_at),
        "Access token": _until(signed_in.access_until, now),
        "ID token": _until(signed_in.id_token_until, now),
        "Refresh token": "kept by the app" if signed_in.refresh_token else "none",
        "Last new tokens": clock_time(signed_in.received_at),
    }


def clock_time(moment: datetime) -> str:
    """Return the time of day on this machine's clock."""
    return moment.astimezone().strftime("%H:%M:%S")


def _until(end: datetime, now: datetime) -> str:
    left = int((end - now).total_seconds())
    if left <= 0:
        return f"over since {clock_time(end)}"
    return f"until {clock_time(end)} ({left // 60} min {left % 60:02} s)"
