"""The first schema.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from idp.store.base import JsonDocument, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "realms",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=256), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("keys_version", sa.Integer(), nullable=False),
        sa.Column("policy_by_group", sa.Boolean(), nullable=False),
        sa.Column("wave_hour", UtcDateTime(), nullable=True),
        sa.Column("wave_used", sa.Integer(), nullable=False),
        sa.Column("policy_managed_by", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_realms")),
    )
    op.create_table(
        "audit_events",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=256), nullable=True),
        sa.Column("subject_id", sa.String(length=256), nullable=True),
        sa.Column("client_id", sa.String(length=256), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("params", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_audit_events_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_realm_at", "audit_events", ["realm", "at"], unique=False)
    op.create_index(
        "ix_audit_events_realm_subject_id", "audit_events", ["realm", "subject_id"], unique=False
    )
    op.create_table(
        "authorization_requests",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("params", JsonDocument, nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=True),
        sa.Column("authenticated_at", UtcDateTime(), nullable=True),
        sa.Column("consented", JsonDocument, nullable=False),
        sa.Column("is_attended", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"],
            ["realms.name"],
            name=op.f("fk_authorization_requests_realm"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("realm", "id_hash", name=op.f("pk_authorization_requests")),
    )
    op.create_index(
        "ix_authorization_requests_expires_at",
        "authorization_requests",
        ["expires_at"],
        unique=False,
    )
    op.create_table(
        "bulk_secrets",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_bulk_secrets_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "mac", name=op.f("pk_bulk_secrets")),
    )
    op.create_index(
        "ix_bulk_secrets_realm_created_at", "bulk_secrets", ["realm", "created_at"], unique=False
    )
    op.create_table(
        "clients",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("client_name", sa.String(length=256), nullable=False),
        sa.Column("application_type", sa.String(length=16), nullable=False),
        sa.Column("token_endpoint_auth_method", sa.String(length=32), nullable=False),
        sa.Column("secret_mac", sa.String(length=64), nullable=True),
        sa.Column("redirect_uris", JsonDocument, nullable=False),
        sa.Column("post_logout_redirect_uris", JsonDocument, nullable=False),
        sa.Column("backchannel_logout_uri", sa.String(length=2048), nullable=True),
        sa.Column("initiate_login_uri", sa.String(length=2048), nullable=True),
        sa.Column("grant_types", JsonDocument, nullable=False),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("spa_origins", JsonDocument, nullable=False),
        sa.Column("jwks", JsonDocument, nullable=True),
        sa.Column("pkce_required", sa.Boolean(), nullable=False),
        sa.Column("consent_required", sa.Boolean(), nullable=False),
        sa.Column("may_introspect", sa.Boolean(), nullable=False),
        sa.Column("id_token_signed_response_alg", sa.String(length=16), nullable=False),
        sa.Column("metadata_extra", JsonDocument, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_clients_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "client_id", name=op.f("pk_clients")),
    )
    op.create_table(
        "groups",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("name_key", sa.String(length=256), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_groups_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_groups")),
        sa.UniqueConstraint("realm", "name_key", name=op.f("uq_groups_realm_name_key")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", JsonDocument, nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_idempotency_keys_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "actor_id", "key_hash", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        "ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("params", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cursor", sa.String(length=256), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("errors", JsonDocument, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("requested", sa.String(length=16), nullable=True),
        sa.Column("author_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_jobs_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_state_available_at", "jobs", ["state", "available_at"], unique=False)
    op.create_table(
        "one_time_links",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("client_id", sa.String(length=256), nullable=True),
        sa.Column("family_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_one_time_links_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "token_hash", name=op.f("pk_one_time_links")),
    )
    op.create_index("ix_one_time_links_expires_at", "one_time_links", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_one_time_links_family_id"), "one_time_links", ["family_id"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=512), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_outbox_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_done_at_available_at", "outbox", ["done_at", "available_at"], unique=False
    )
    op.create_table(
        "plans",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("params", JsonDocument, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.String(length=1024), nullable=False),
        sa.Column("counts", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("author_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_plans_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_plans")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("author_id", sa.String(length=36), nullable=True),
        sa.Column("comment", sa.String(length=1024), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_policy_versions_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "number", name=op.f("pk_policy_versions")),
    )
    op.create_table(
        "reset_campaigns",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=1024), nullable=True),
        sa.Column("author_id", sa.String(length=36), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("undo_until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_reset_campaigns_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_reset_campaigns")),
    )
    op.create_table(
        "revoked_access_tokens",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("jti_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"],
            ["realms.name"],
            name=op.f("fk_revoked_access_tokens_realm"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("realm", "jti_hash", name=op.f("pk_revoked_access_tokens")),
    )
    op.create_index(
        "ix_revoked_access_tokens_expires_at", "revoked_access_tokens", ["expires_at"], unique=False
    )
    op.create_table(
        "signing_keys",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("alg", sa.String(length=16), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("public_jwk", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("state_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_signing_keys_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "kid", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "throttle",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_throttle_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "bucket", name=op.f("pk_throttle")),
    )
    op.create_index("ix_throttle_window_ends_at", "throttle", ["window_ends_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sub", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=256), nullable=False),
        sa.Column("username_key", sa.String(length=256), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("given_name", sa.String(length=256), nullable=True),
        sa.Column("family_name", sa.String(length=256), nullable=True),
        sa.Column("name", sa.String(length=256), nullable=True),
        sa.Column("phone_number", sa.String(length=64), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("zoneinfo", sa.String(length=64), nullable=True),
        sa.Column("claims", JsonDocument, nullable=False),
        sa.Column("external_id", sa.String(length=256), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("locked_at", UtcDateTime(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("epoch_cause", sa.String(length=32), nullable=True),
        sa.Column("epoch_at", UtcDateTime(), nullable=True),
        sa.Column("credential_epoch", sa.Integer(), nullable=False),
        sa.Column("credential_generation", sa.Integer(), nullable=False),
        sa.Column("last_sign_in_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_users_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_users")),
        sa.UniqueConstraint("realm", "sub", name=op.f("uq_users_realm_sub")),
        sa.UniqueConstraint("realm", "username_key", name=op.f("uq_users_realm_username_key")),
    )
    op.create_index("ix_users_realm_email_key", "users", ["realm", "email_key"], unique=False)
    op.create_index("ix_users_realm_external_id", "users", ["realm", "external_id"], unique=True)
    op.create_table(
        "authorization_codes",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("family_id", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("redirect_uri", sa.String(length=2048), nullable=False),
        sa.Column("scope", sa.String(length=2048), nullable=False),
        sa.Column("nonce", sa.String(length=2048), nullable=True),
        sa.Column("code_challenge", sa.String(length=128), nullable=True),
        sa.Column("auth_time", UtcDateTime(), nullable=False),
        sa.Column("amr", JsonDocument, nullable=False),
        sa.Column("acr", sa.String(length=256), nullable=True),
        sa.Column("claims_request", JsonDocument, nullable=True),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_authorization_codes_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"],
            ["realms.name"],
            name=op.f("fk_authorization_codes_realm"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("realm", "code_hash", name=op.f("pk_authorization_codes")),
    )
    op.create_index(
        "ix_authorization_codes_expires_at", "authorization_codes", ["expires_at"], unique=False
    )
    op.create_table(
        "consents",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "client_id"],
            ["clients.realm", "clients.client_id"],
            name=op.f("fk_consents_realm_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_consents_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_consents_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "user_id", "client_id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_realm_client_id", "consents", ["realm", "client_id"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.String(length=1024), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=16), nullable=False),
        sa.Column("judged_under", sa.Integer(), nullable=False),
        sa.Column("judged_groups", sa.Text(), nullable=False),
        sa.Column("refused_under", sa.Integer(), nullable=True),
        sa.Column("noted_under", sa.Integer(), nullable=True),
        sa.Column("placed_under", sa.Integer(), nullable=True),
        sa.Column("told_until", UtcDateTime(), nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("temporary_until", UtcDateTime(), nullable=True),
        sa.Column("campaign_id", sa.String(length=36), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("throttled_until", UtcDateTime(), nullable=True),
        sa.Column("blocked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_credentials_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_credentials_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "user_id", name=op.f("pk_credentials")),
    )
    op.create_index(
        "ix_credentials_realm_campaign_id", "credentials", ["realm", "campaign_id"], unique=False
    )
    op.create_table(
        "decisions",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("withheld_by", sa.String(length=16), nullable=True),
        sa.Column("action", sa.String(length=32), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("findings", JsonDocument, nullable=False),
        sa.Column("facts", JsonDocument, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_decisions_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_decisions_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_last_at", "decisions", ["last_at"], unique=False)
    op.create_index("ix_decisions_realm_key_hash", "decisions", ["realm", "key_hash"], unique=True)
    op.create_index(
        "ix_decisions_realm_policy_version",
        "decisions",
        ["realm", "policy_version", "outcome"],
        unique=False,
    )
    op.create_index(
        "ix_decisions_realm_user_id", "decisions", ["realm", "user_id", "id"], unique=False
    )
    op.create_table(
        "policy_snapshots",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("active_users", sa.Integer(), nullable=False),
        sa.Column("have_to_change", sa.Integer(), nullable=False),
        sa.Column("on_shared_password", sa.Integer(), nullable=False),
        sa.Column("counts", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_policy_snapshots_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "at", name=op.f("pk_policy_snapshots")),
    )
    op.create_index("ix_policy_snapshots_at", "policy_snapshots", ["at"], unique=False)
    op.create_table(
        "known_devices",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_known_devices_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_known_devices_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "token_hash", "user_id", name=op.f("pk_known_devices")),
    )
    op.create_index("ix_known_devices_expires_at", "known_devices", ["expires_at"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "group_id"],
            ["groups.realm", "groups.id"],
            name=op.f("fk_memberships_realm_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_memberships_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_memberships_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "group_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index(
        "ix_memberships_realm_user_id",
        "memberships",
        ["realm", "user_id", "group_id"],
        unique=False,
    )
    op.create_table(
        "password_history",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.String(length=1024), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("replaced_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_password_history_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_password_history_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_password_history")),
    )
    op.create_index(
        "ix_password_history_realm_user_id",
        "password_history",
        ["realm", "user_id", "replaced_at"],
        unique=False,
    )
    op.create_table(
        "plan_targets",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("excluded", sa.String(length=64), nullable=True),
        sa.Column("warning", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "plan_id"],
            ["plans.realm", "plans.id"],
            name=op.f("fk_plan_targets_realm_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_plan_targets_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "plan_id", "user_id", name=op.f("pk_plan_targets")),
    )
    op.create_index(
        "ix_plan_targets_realm_plan_id_outcome",
        "plan_targets",
        ["realm", "plan_id", "outcome"],
        unique=False,
    )
    op.create_table(
        "recovery_requests",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("link_hash", sa.String(length=64), nullable=False),
        sa.Column("code_mac", sa.String(length=64), nullable=True),
        sa.Column("browser_hash", sa.String(length=64), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_recovery_requests_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_recovery_requests_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_recovery_requests")),
    )
    op.create_index(
        "ix_recovery_requests_expires_at", "recovery_requests", ["expires_at"], unique=False
    )
    op.create_index(
        "ix_recovery_requests_realm_browser_hash",
        "recovery_requests",
        ["realm", "browser_hash"],
        unique=False,
    )
    op.create_index(
        "ix_recovery_requests_realm_link_hash",
        "recovery_requests",
        ["realm", "link_hash"],
        unique=True,
    )
    op.create_index(
        "ix_recovery_requests_realm_user_id",
        "recovery_requests",
        ["realm", "user_id"],
        unique=False,
    )
    op.create_table(
        "reset_members",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("previous_hash", sa.String(length=1024), nullable=True),
        sa.Column("previous_set_at", UtcDateTime(), nullable=True),
        sa.Column("previous_set_by", sa.String(length=16), nullable=True),
        sa.Column("previous_judged_under", sa.Integer(), nullable=True),
        sa.Column("previous_judged_groups", sa.Text(), nullable=True),
        sa.Column("previous_must_change", sa.Boolean(), nullable=True),
        sa.Column("previous_temporary_until", UtcDateTime(), nullable=True),
        sa.Column("previous_campaign_id", sa.String(length=36), nullable=True),
        sa.Column("previous_blocked_at", UtcDateTime(), nullable=True),
        sa.Column("restored_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "campaign_id"],
            ["reset_campaigns.realm", "reset_campaigns.id"],
            name=op.f("fk_reset_members_realm_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_reset_members_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_reset_members_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "campaign_id", "user_id", name=op.f("pk_reset_members")),
    )
    op.create_table(
        "role_grants",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_role_grants_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_role_grants_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "user_id", "role", name=op.f("pk_role_grants")),
    )
    op.create_table(
        "sso_sessions",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("auth_time", UtcDateTime(), nullable=False),
        sa.Column("amr", JsonDocument, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=512), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_sso_sessions_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_sso_sessions_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_sso_sessions")),
        sa.UniqueConstraint("realm", "secret_hash", name=op.f("uq_sso_sessions_realm_secret_hash")),
    )
    op.create_index("ix_sso_sessions_expires_at", "sso_sessions", ["expires_at"], unique=False)
    op.create_index(
        "ix_sso_sessions_realm_user_id", "sso_sessions", ["realm", "user_id"], unique=False
    )
    op.create_table(
        "token_families",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=2048), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("auth_time", UtcDateTime(), nullable=False),
        sa.Column("amr", JsonDocument, nullable=False),
        sa.Column("acr", sa.String(length=256), nullable=True),
        sa.Column("claims_request", JsonDocument, nullable=True),
        sa.Column("refreshable", sa.Boolean(), nullable=False),
        sa.Column("counter", sa.Integer(), nullable=False),
        sa.Column("rotated_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_token_families_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_token_families_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_token_families")),
    )
    op.create_index("ix_token_families_expires_at", "token_families", ["expires_at"], unique=False)
    op.create_index(
        "ix_token_families_realm_session_id",
        "token_families",
        ["realm", "session_id"],
        unique=False,
    )
    op.create_index(
        "ix_token_families_realm_user_id", "token_families", ["realm", "user_id"], unique=False
    )
