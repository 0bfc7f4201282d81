"""Floors: what the same work costs written by hand, with no product around it.

The handlers check nothing but the client's secret; they do the same statements on the same
database engine, the same signatures, and answer with Flask.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import argon2
import flask
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.bench.calls import basic, call

_SECRET = "f" * 40
_CLIENT = basic("app", _SECRET)
_METADATA = sa.MetaData()
_CLIENTS = sa.Table(
    "clients",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("secret", sa.String),
)
_USERS = sa.Table(
    "users",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer),
)
_FAMILIES = sa.Table(
    "families",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("user_id", sa.String),
    sa.Column("counter", sa.Integer),
)
_CODES = sa.Table(
    "codes",
    _METADATA,
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("user_id", sa.String),
    sa.Column("is_spent", sa.Boolean),
)


@dataclass
class Floors:
    """The hand-written answers, each as a call that can be repeated."""

    application: Any
    codes: list[str]
    hasher: argon2.PasswordHasher
    counter: int = 0
    _stored: str = field(default="", repr=False)

    def bare(self) -> None:
        """Answer a constant."""
        call(self.application, "GET", "/bare")

    def hash(self) -> None:
        """Verify one password."""
        self.hasher.verify(self._stored, "a long enough pass phrase")

    def refresh(self) -> None:
        """Select, compare and set, sign twice."""
        self._post("/refresh", counter=str(self.counter))
        self.counter += 1

    def redeem(self) -> None:
        """Select, compare and set, insert a family, sign twice."""
        self._post("/redeem", code=self.codes.pop())

    def client_credentials(self) -> None:
        """Select, sign once."""
        self._post("/client")

    def _post(self, path: str, **form: str) -> None:
        call(self.application, "POST", path, form=form, headers={"Authorization": _CLIENT})


@contextmanager
def open_floors(folder: Path, count: int) -> Iterator[Floors]:
    """Give the hand-written handlers over a SQLite file with the product's settings."""
    engine = _engine(folder / "floors.db")
    codes = [secrets.token_urlsafe(32) for _ in range(count)]
    with engine.begin() as connection:
        _METADATA.create_all(connection)
        connection.execute(sa.insert(_CLIENTS), {"id": "app", "secret": _digest(_SECRET)})
        connection.execute(sa.insert(_USERS), {"id": "ada", "epoch": 1})
        connection.execute(sa.insert(_FAMILIES), {"id": "one", "user_id": "ada", "counter": 0})
        rows = [{"hash": _digest(code), "user_id": "ada", "is_spent": False} for code in codes]
        connection.execute(sa.insert(_CODES), rows)
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    floors = Floors(_application(engine), codes, hasher)
    floors._stored = hasher.hash("a long enough pass phrase")
    yield floors
    engine.dispose()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}")

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


class _Mint:
    """Signs an access token with ES256 and an ID token with RS256, as the product does."""

    def __init__(self) -> None:
        self._ec = ECKey.generate_key("P-256")
        self._rsa = RSAKey.generate_key(2048)

    def access_token(self) -> str:
        """Sign an access token."""
        now = int(time.time())  # noqa: TID251 - the floor knows no clock of ours
        claims = {
            "iss": "https://id.example",
            "aud": "https://id.example",
            "sub": "ada",
            "client_id": "app",
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            "scope": "openid offline_access",
        }
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "1"}, claims, self._ec)

    def id_token(self) -> str:
        """Sign an ID token."""
        now = int(time.time())  # noqa: TID251 - as above
        claims = {
            "iss": "https://id.example",
            "aud": "app",
            "sub": "ada",
            "iat": now,
            "exp": now + 3600,
            "auth_time": now,
        }
        return jwt.encode({"alg": "RS256", "kid": "2"}, claims, self._rsa)


def _require_client(connection: sa.Connection) -> None:
    authorization = flask.request.authorization
    assert authorization is not None
    stored = connection.execute(
        sa.select(_CLIENTS.c.secret).where(_CLIENTS.c.id == authorization.username)
    ).scalar_one()
    assert hmac.compare_digest(stored, _digest(authorization.password or ""))


def _answer(**members: str) -> flask.Response:
    body = {"token_type": "Bearer", "expires_in": 300, **members}
    response = flask.Response(json.dumps(body), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _application(engine: sa.Engine) -> flask.Flask:
    app = flask.Flask("floors")
    mint = _Mint()

    @app.get("/bare")
    def bare() -> str:
        return "ok"

    @app.post("/client")
    def client() -> flask.Response:
        with engine.begin() as connection:
            _require_client(connection)
        return _answer(access_token=mint.access_token())

    @app.post("/refresh")
    def refresh() -> flask.Response:
        counter = int(flask.request.form["counter"])
        with engine.begin() as connection:
            _require_client(connection)
            connection.execute(
                sa.select(_FAMILIES, _USERS).join(_USERS, _USERS.c.id == _FAMILIES.c.user_id)
            ).one()
            moved = connection.execute(
                sa.update(_FAMILIES)
                .where(_FAMILIES.c.id == "one", _FAMILIES.c.counter == counter)
                .values(counter=counter + 1)
            )
            assert moved.rowcount == 1
        return _answer(access_token=mint.access_token(), id_token=mint.id_token())

    @app.post("/redeem")
    def redeem() -> flask.Response:
        code_hash = _digest(flask.request.form["code"])
        with engine.begin() as connection:
            _require_client(connection)
            connection.execute(
                sa.select(_CODES, _USERS)
                .join(_USERS, _USERS.c.id == _CODES.c.user_id)
                .where(_CODES.c.hash == code_hash)
            ).one()
            spent = connection.execute(
                sa.update(_CODES)
                .where(_CODES.c.hash == code_hash, sa.not_(_CODES.c.is_spent))
                .values(is_spent=True)
            )
            assert spent.rowcount == 1
            family = {"id": secrets.token_hex(16), "user_id": "ada", "counter": 0}
            connection.execute(sa.insert(_FAMILIES), family)
        return _answer(access_token=mint.access_token(), id_token=mint.id_token())

    return app
