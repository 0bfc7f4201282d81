"""An app's side of signing in, with Authlib's client: begin, finish, refresh, sign out.

Spec: OIDC Core 3.1, 12; RFC 7636; RFC 9207; OIDC RP-Initiated Logout 2.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from requests import RequestException, Response

from idp.clock import Clock

_ALGORITHMS = ["RS256"]
_LEEWAY_S = 60
_TIMEOUT_S = 10
_LONG, _SHORT = 64, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What an app knows of its registration; `secret` is None for an app that can keep none."""

    issuer: str
    client_id: str
    secret: str | None = field(repr=False)
    url: str
    scope: str

    @property
    def redirect_uri(self) -> str:
        """Give the address that the server answers to."""
        return f"{self.url}/callback"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way; `verifier` and `nonce` never leave the app and the server."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who signed in, and the tokens that say so."""

    claims: Mapping[str, Any]
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    access_until: datetime
    received_at: datetime

    @property
    def id_token_until(self) -> datetime:
        """Give the moment after which the ID token says nothing any more."""
        until: float = self.claims["exp"]
        return self.received_at.fromtimestamp(until, tz=self.received_at.tzinfo)


@dataclass(frozen=True, slots=True)
class Refused:
    """What the server answered instead of tokens; `reason` and `action_uri` are its own members."""

    error: str
    description: str
    reason: str | None = None
    action_uri: str | None = None


class RelyingParty:
    """Signs people in to one app. Safe to use from several threads."""

    def __init__(self, app: Registered, clock: Clock) -> None:
        self.app = app
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None

    def begin(self, *, login_hint: str | None = None) -> Begun:
        """Return where to send the browser, and what to remember until it comes back.

        Raises:
            RequestException: the server cannot be reached.
        """
        nonce, verifier = generate_token(_SHORT), generate_token(_LONG)
        extra = {"login_hint": login_hint} if login_hint else {}
        url, state = self._session().create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=generate_token(_SHORT),
            code_verifier=verifier,
            nonce=nonce,
            **extra,
        )
        return Begun(url, state, nonce, verifier)

    def finish(self, begun: Begun, answer: Mapping[str, str]) -> SignedIn | Refused:
        """Take the server's answer in the browser's query and return who signed in."""
        if answer.get("iss") != self.app.issuer:
            return Refused("wrong_issuer", "The answer does not come from the TimeTrak server.")
        if "error" in answer:
            return Refused(answer["error"], answer.get("error_description", ""))
        try:
            tokens = self._session().fetch_token(
                self._endpoint("token_endpoint"),
                grant_type="authorization_code",
                code=answer.get("code", ""),
                code_verifier=begun.verifier,
            )
            return self._with_userinfo(self._signed_in(tokens, begun.nonce))
        except OAuthError as error:
            return Refused(str(error.error), str(error.description or ""))
        except (RequestException, JoseError, ValueError, KeyError) as error:
            return Refused("no_tokens", type(error).__name__)

    def refresh(self, before: SignedIn) -> SignedIn | Refused:
        """Return new tokens for the refresh token, or why there are none."""
        answers: list[Response] = []

        def note(answer: Response) -> Response:
            answers.append(answer)
            return answer

        session = self._session(scope=None)
        session.register_compliance_hook("refresh_token_response", note)
        try:
            tokens = session.refresh_token(
                self._endpoint("token_endpoint"), refresh_token=before.refresh_token
            )
            return self._renewed(before, tokens)
        except OAuthError as error:
            told = answers[-1].json()
            return Refused(
                str(error.error),
                str(error.description or ""),
                told.get("idp_reason"),
                told.get("idp_action_uri"),
            )
        except (RequestException, JoseError, ValueError, KeyError) as error:
            return Refused("no_tokens", type(error).__name__)

    def ask_who(self, signed_in: SignedIn) -> Mapping[str, Any] | Refused:
        """Return what the server's userinfo endpoint says of the access token."""
        try:
            answer = self._session().request(
                "GET",
                self._endpoint("userinfo_endpoint"),
                headers={"Authorization": f"Bearer {signed_in.access_token}"},
                withhold_token=True,
            )
            if answer.ok:
                claims: Mapping[str, Any] = answer.json()
                return claims
        except (RequestException, ValueError) as error:
            return Refused("no_answer", type(error).__name__)
        challenge = answer.headers.get("WWW-Authenticate", "")
        error_name = "invalid_token" if "invalid_token" in challenge else "no_answer"
        return Refused(error_name, f"The server answered {answer.status_code}.")

    def sign_out_url(self, signed_in: SignedIn, state: str) -> str:
        """Return where to send the browser to sign out everywhere.

        Raises:
            RequestException: the server cannot be reached.
        """
        query = {
            "id_token_hint": signed_in.id_token,
            "client_id": self.app.client_id,
            "post_logout_redirect_uri": f"{self.app.url}/signed-out",
            "state": state,
        }
        return f"{self._endpoint('end_session_endpoint')}?{urlencode(query)}"

    def _session(self, scope: str | None = "") -> OAuth2Session:
        """Return a fresh client; the machine's proxy settings are not for the loopback."""
        session = OAuth2Session(
            client_id=self.app.client_id,
            client_secret=self.app.secret,
            redirect_uri=self.app.redirect_uri,
            scope=self.app.scope if scope == "" else scope,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_S,
        )
        session.trust_env = False
        return session

    def _signed_in(self, tokens: Mapping[str, Any], nonce: str | None) -> SignedIn:
        """Check the ID token and return what the tokens say."""
        now = self._clock.now()
        access_token = tokens["access_token"]
        return SignedIn(
            claims=self._check(tokens["id_token"], access_token, nonce, now),
            id_token=tokens["id_token"],
            access_token=access_token,
            refresh_token=tokens.get("refresh_token"),
            access_until=now + timedelta(seconds=int(tokens["expires_in"])),
            received_at=now,
        )

    def _renewed(self, before: SignedIn, tokens: Mapping[str, Any]) -> SignedIn:
        """Return what new tokens say; they must be the same person's."""
        after = self._signed_in(tokens, None)
        if after.claims["sub"] != before.claims["sub"]:
            raise ValueError("the new tokens are somebody else's")
        return replace(after, claims={**before.claims, **after.claims})

    def _with_userinfo(self, signed_in: SignedIn) -> SignedIn:
        """Add what the server tells of the person; the ID token itself says little."""
        told = self.ask_who(signed_in)
        if isinstance(told, Refused):
            return signed_in
        if told.get("sub") != signed_in.claims["sub"]:
            raise ValueError("userinfo is somebody else's")
        return replace(signed_in, claims={**told, **signed_in.claims})

    def _check(
        self, id_token: str, access_token: str, nonce: str | None, now: datetime
    ) -> Mapping[str, Any]:
        try:
            decoded = jwt.decode(id_token, self._key_set(), algorithms=_ALGORITHMS)
        except InvalidKeyIdError:
            decoded = jwt.decode(id_token, self._key_set(anew=True), algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.app.issuer},
                "aud": {"essential": True, "value": self.app.client_id},
            },
            {"nonce": nonce, "client_id": self.app.client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
        return dict(claims)

    def _endpoint(self, name: str) -> str:
        with self._lock:
            if self._metadata is None:
                document = self._get(f"{self.app.issuer}/.well-known/openid-configuration")
                if document["issuer"] != self.app.issuer:
                    raise RequestException("the server calls itself by another name")
                self._metadata = document
            endpoint: str = self._metadata[name]
            return endpoint

    def _key_set(self, *, anew: bool = False) -> KeySet:
        address = self._endpoint("jwks_uri")
        with self._lock:
            if self._keys is None or anew:
                self._keys = KeySet.import_key_set(self._get(address))
            return self._keys

    def _get(self, address: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._session().request("GET", address, withhold_token=True)
        answer.raise_for_status()
        return answer.json()
