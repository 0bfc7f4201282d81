"""The flow of an authorization request: which screen comes next, as a table.

The dispatcher gathers `FlowFacts` and asks `next_prompt`; screens never link to each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from idp.core.gate import AccountFacts, Cleared, Reason, Refused, clear
from idp.core.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFacts:
    """What decides the next screen of one authorization request.

    Attributes:
        session: the live SSO session of this browser, or None.
        gate: the gate's answer for that session's account, or None without a session.
        authenticated_for_request: when the user signed in *for this request*, if so.
        prompts: the request's `prompt` values; max_age: its `max_age`.
        missing_scopes: asked for, and neither consented to nor exempt.
    """

    now: datetime
    session: Session | None
    account: AccountFacts | None
    gate: Cleared | Refused | None
    authenticated_for_request: datetime | None = None
    prompts: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    missing_scopes: tuple[str, ...] = ()
    consented_for_request: bool = False

    @property
    def must_sign_in(self) -> bool:
        """Tell whether the user must prove the password (again) first."""
        if self.session is None or self.gate is None:
            return True
        if isinstance(self.gate, Refused) and self.gate.reason not in (_CHANGE, _KEPT_OUT):
            return True
        return self._wants_fresh_sign_in()

    def _wants_fresh_sign_in(self) -> bool:
        assert self.session is not None  # noqa: S101 - the caller asked for it first
        if "login" in self.prompts and self.authenticated_for_request is None:
            return True
        if "select_account" in self.prompts and self.authenticated_for_request is None:
            return True
        if self.max_age is None or self.authenticated_for_request is not None:
            return False
        return self.now - self.session.auth_time > self.max_age

    @property
    def is_kept_out(self) -> bool:
        """Tell whether the app is for others only."""
        return isinstance(self.gate, Refused) and self.gate.reason is _KEPT_OUT

    @property
    def must_change_password(self) -> bool:
        """Tell whether only a new password lets this account on."""
        return isinstance(self.gate, Refused) and self.gate.reason is _CHANGE

    @property
    def must_consent(self) -> bool:
        """Tell whether the user has not yet allowed what the client asks for."""
        if "consent" in self.prompts and not self.consented_for_request:
            return True
        return bool(self.missing_scopes)


_CHANGE = Reason.PASSWORD_CHANGE_REQUIRED
_KEPT_OUT = Reason.APP_NOT_ALLOWED


class Prompt(NamedTuple):
    """One screen of the flow, and the error that stands for it under `prompt=none`."""

    name: str
    error: str
    is_needed: Callable[[FlowFacts], bool]


PROMPTS = (  # the order is the flow
    Prompt("sign-in", "login_required", lambda facts: facts.must_sign_in),
    Prompt("not-allowed", "access_denied", lambda facts: facts.is_kept_out),
    Prompt("change-password", "interaction_required", lambda facts: facts.must_change_password),
    Prompt("consent", "consent_required", lambda facts: facts.must_consent),
)


def next_prompt(facts: FlowFacts) -> Prompt | None:
    """Return the next screen to show, or None when a code may be issued.

    Spec: OIDC Core 3.1.2.3, 3.1.2.6.
    """
    return next((prompt for prompt in PROMPTS if prompt.is_needed(facts)), None)


def gate_for_session(account: AccountFacts, session: Session, now: datetime) -> Cleared | Refused:
    """Look what the gate says about a live SSO session; nothing is written down."""
    return clear(account, birth_epoch=session.epoch, session_ended=False, now=now)
