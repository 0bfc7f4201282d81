"""The reads of the hot paths: one SELECT gathers every fact that an answer depends on.

They are Core statements over tables, so each binds the realm itself (ring one is here by hand).
Every row carries `realms.policy_version` and `clients.version`: caches are keyed by them. Groups
are looked up only while the policy in force asks for them.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from idp.store.base import connection_of, table_of
from idp.store.clients import ClientRow
from idp.store.directories import DirectoryLinkRow
from idp.store.hot_groups import GROUP_KEYS, is_kept_out
from idp.store.realms import RealmRow
from idp.store.sessions import SessionRow
from idp.store.tokens import AuthorizationCodeRow, RevokedAccessTokenRow, TokenFamilyRow
from idp.store.users import CredentialRow, UserRow

_realm = table_of(RealmRow)
_user = table_of(UserRow)
_credential = table_of(CredentialRow)
_session = table_of(SessionRow)
_client = table_of(ClientRow)
_code = table_of(AuthorizationCodeRow)
_family = table_of(TokenFamilyRow)
_revoked = table_of(RevokedAccessTokenRow)
_link = table_of(DirectoryLinkRow)

ACCOUNT_COLUMNS = (
    _realm.c.policy_version,
    _realm.c.keys_version,
    _realm.c.wave_hour,
    _realm.c.wave_used,
    GROUP_KEYS,
    _user.c.id.label("user_id"),
    _user.c.sub,
    _user.c.connector,
    _user.c.status,
    _user.c.locked_at,
    _user.c.epoch,
    _user.c.credential_epoch,
    _user.c.credential_generation,
    _credential.c.set_at,
    _credential.c.judged_under,
    _credential.c.judged_groups,
    _credential.c.refused_under,
    _credential.c.noted_under,
    _credential.c.placed_under,
    _credential.c.must_change,
    _credential.c.temporary_until,
)
SESSION_COLUMNS = (
    _session.c.id.label("session_id"),
    _session.c.epoch.label("session_epoch"),
    _session.c.ended_at.label("session_ended_at"),
)
_FULL_SESSION_COLUMNS = (
    *SESSION_COLUMNS,
    _session.c.auth_time,
    _session.c.amr,
    _session.c.created_at.label("session_created_at"),
    _session.c.last_seen_at,
    _session.c.expires_at.label("session_expires_at"),
)
_LINK_COLUMNS = (_link.c.stable_id, _link.c.checked_at)
_CLIENT_COLUMNS = (
    _realm.c.policy_version,
    _realm.c.keys_version,
    _client.c.client_id,
    _client.c.version.label("client_version"),
)


def _account_join(source: sa.FromClause, user_id: sa.ColumnElement[Any]) -> sa.FromClause:
    user_matches = sa.and_(_user.c.realm == sa.bindparam("realm"), _user.c.id == user_id)
    credential_matches = sa.and_(
        _credential.c.realm == sa.bindparam("realm"), _credential.c.user_id == user_id
    )
    return source.outerjoin(_user, user_matches).outerjoin(_credential, credential_matches)


def _session_join(source: sa.FromClause, session_id: sa.ColumnElement[Any]) -> sa.FromClause:
    return source.outerjoin(
        _session,
        sa.and_(_session.c.realm == sa.bindparam("realm"), _session.c.id == session_id),
    )


def _link_join(source: sa.FromClause, user_id: sa.ColumnElement[Any]) -> sa.FromClause:
    return source.outerjoin(
        _link, sa.and_(_link.c.realm == sa.bindparam("realm"), _link.c.user_id == user_id)
    )


def _client_source() -> sa.FromClause:
    return _realm.join(
        _client,
        sa.and_(_client.c.realm == _realm.c.name, _client.c.client_id == sa.bindparam("client_id")),
    )


def _family_source() -> sa.FromClause:
    return _client_source().outerjoin(
        _family,
        sa.and_(_family.c.realm == _realm.c.name, _family.c.id == sa.bindparam("family_id")),
    )


_IN_REALM = _realm.c.name == sa.bindparam("realm")

_CLIENT = sa.select(*_CLIENT_COLUMNS).select_from(_client_source()).where(_IN_REALM)

_REFRESH = (
    sa.select(
        *_CLIENT_COLUMNS[2:],
        *ACCOUNT_COLUMNS,
        *SESSION_COLUMNS,
        _family.c.id.label("family_id"),
        _family.c.client_id.label("family_client_id"),
        _family.c.session_id.label("family_session_id"),
        _family.c.scope,
        _family.c.epoch.label("family_epoch"),
        _family.c.auth_time,
        _family.c.amr,
        _family.c.acr,
        _family.c.claims_request,
        _family.c.refreshable,
        _family.c.counter,
        _family.c.rotated_at,
        _family.c.used_at,
        _family.c.expires_at,
        _family.c.revoked_at,
        is_kept_out(_family.c.client_id),
        *_LINK_COLUMNS,
    )
    .select_from(
        _link_join(
            _session_join(
                _account_join(_family_source(), _family.c.user_id),
                _family.c.session_id,
            ),
            _family.c.user_id,
        )
    )
    .where(_IN_REALM)
)

_REDEEM = (
    sa.select(
        *_CLIENT_COLUMNS[2:],
        *ACCOUNT_COLUMNS,
        *SESSION_COLUMNS,
        _code.c.code_hash,
        _code.c.client_id.label("code_client_id"),
        _code.c.session_id.label("code_session_id"),
        _code.c.family_id,
        _code.c.epoch.label("code_epoch"),
        _code.c.redirect_uri,
        _code.c.scope,
        _code.c.nonce,
        _code.c.code_challenge,
        _code.c.auth_time,
        _code.c.amr,
        _code.c.acr,
        _code.c.claims_request,
        _code.c.expires_at,
        _code.c.spent_at,
        is_kept_out(_code.c.client_id),
    )
    .select_from(
        _session_join(
            _account_join(
                _client_source().outerjoin(
                    _code,
                    sa.and_(
                        _code.c.realm == _realm.c.name,
                        _code.c.code_hash == sa.bindparam("code_hash"),
                    ),
                ),
                _code.c.user_id,
            ),
            _code.c.session_id,
        )
    )
    .where(_IN_REALM)
)

_SIGNED_IN = (
    sa.select(*ACCOUNT_COLUMNS, *_FULL_SESSION_COLUMNS, *_LINK_COLUMNS)
    .select_from(
        _link_join(
            _account_join(
                _realm.join(
                    _session,
                    sa.and_(
                        _session.c.realm == _realm.c.name,
                        _session.c.secret_hash == sa.bindparam("secret_hash"),
                    ),
                ),
                _session.c.user_id,
            ),
            _session.c.user_id,
        )
    )
    .where(_IN_REALM)
)

_ACCESS_TOKEN = (
    sa.select(
        *ACCOUNT_COLUMNS,
        *SESSION_COLUMNS,
        _family.c.id.label("family_id"),
        _family.c.claims_request,
        _family.c.revoked_at,
        _revoked.c.jti_hash.label("revoked_jti_hash"),
        _client.c.is_active.label("client_is_active"),
        _client.c.version.label("client_version"),
        is_kept_out(_family.c.client_id),
    )
    .select_from(
        _session_join(
            _account_join(
                _family_source().outerjoin(
                    _revoked,
                    sa.and_(
                        _revoked.c.realm == _realm.c.name,
                        _revoked.c.jti_hash == sa.bindparam("jti_hash"),
                    ),
                ),
                _family.c.user_id,
            ),
            _family.c.session_id,
        )
    )
    .where(_IN_REALM)
)

_ACCOUNT = (
    sa.select(*ACCOUNT_COLUMNS)
    .select_from(
        _realm.join(
            _user, sa.and_(_user.c.realm == _realm.c.name, _user.c.id == sa.bindparam("user_id"))
        ).outerjoin(
            _credential,
            sa.and_(_credential.c.realm == _user.c.realm, _credential.c.user_id == _user.c.id),
        )
    )
    .where(_IN_REALM)
)


def _one(db: Session, statement: sa.Executable, params: dict[str, object]) -> Row[Any] | None:
    return connection_of(db).execute(statement, params).first()


def client_facts(db: Session, realm: str, client_id: str) -> Row[Any] | None:
    """Read a client's version and its realm's; None when there is no such client."""
    return _one(db, _CLIENT, {"realm": realm, "client_id": client_id})


def refresh_facts(db: Session, realm: str, client_id: str, family_id: str) -> Row[Any] | None:
    """Read the client and, when it exists, the family with its account and session.

    None when the client is unknown; the family columns are None when the family is, and
    `stable_id` and `checked_at` for the account of no directory.
    """
    return _one(db, _REFRESH, {"realm": realm, "client_id": client_id, "family_id": family_id})


def redeem_facts(db: Session, realm: str, client_id: str, code_hash: str) -> Row[Any] | None:
    """Read the client and, when it exists, the code with its account and session."""
    return _one(db, _REDEEM, {"realm": realm, "client_id": client_id, "code_hash": code_hash})


def signed_in_facts(db: Session, realm: str, secret_hash: str) -> Row[Any] | None:
    """Read the SSO session of a cookie with its account; None when the cookie is unknown."""
    return _one(db, _SIGNED_IN, {"realm": realm, "secret_hash": secret_hash})


def access_token_facts(
    db: Session, realm: str, *, client_id: str, family_id: str | None, jti_hash: str
) -> Row[Any] | None:
    """Read what decides whether an access token is still good; None when its client is gone."""
    params: dict[str, object] = {
        "realm": realm,
        "client_id": client_id,
        "family_id": family_id or "",
        "jti_hash": jti_hash,
    }
    return _one(db, _ACCESS_TOKEN, params)


def account_facts(db: Session, realm: str, user_id: str) -> Row[Any] | None:
    """Read an account and its credential's standing; None when there is no such user."""
    return _one(db, _ACCOUNT, {"realm": realm, "user_id": user_id})
