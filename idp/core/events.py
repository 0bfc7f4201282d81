"""What the audit trail tells: every code there is, and the event that carries one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventCode(StrEnum):
    """`subject.verb` in the past; `event_meanings` says when each is recorded."""

    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_SIGNED_IN = "user.signed_in"
    USER_SIGN_IN_REFUSED = "user.sign_in_refused"
    USER_SIGNED_OUT = "user.signed_out"
    USER_THROTTLED = "user.throttled"
    USER_LOCKED = "user.locked"
    USER_UNLOCKED = "user.unlocked"
    USER_DEACTIVATED = "user.deactivated"
    USER_REACTIVATED = "user.reactivated"
    USER_MUST_CHANGE = "user.must_change"
    USERS_IMPORTED = "users.imported"
    SESSION_ENDED = "session.ended"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_SET = "password.set"
    PASSWORD_REJECTED = "password.rejected"
    PASSWORD_REHASHED = "password.rehashed"
    PASSWORD_ACCEPTED = "password.accepted"
    PASSWORD_REFUSED = "password.refused"
    PASSWORD_RESET_REQUESTED = "password.reset_requested"
    PASSWORD_RESET_SUPPRESSED = "password.reset_suppressed"
    PASSWORD_RESET_COMPLETED = "password.reset_completed"
    PASSWORD_RESET_REFUSED = "password.reset_refused"
    POLICY_PUBLISHED = "policy.published"
    POLICY_NOTICES_QUEUED = "policy.notices_queued"
    RESET_APPLIED = "reset.applied"
    RESET_USER = "reset.user_reset"
    RESET_CANCELLED = "reset.cancelled"
    RESET_UNDONE = "reset.undone"
    RESET_USER_UNDONE = "reset.user_undone"
    PLAN_CREATED = "plan.created"
    JOB_CHANGED = "job.changed"
    CODE_ISSUED = "code.issued"
    CODE_REFUSED = "code.refused"
    CODE_REPLAYED = "code.replayed"
    TOKEN_ISSUED = "token.issued"
    TOKEN_REFUSED = "token.refused"
    TOKEN_REUSE_DETECTED = "token.reuse_detected"
    TOKEN_REVOKED = "token.revoked"
    CONSENT_GRANTED = "consent.granted"
    CONSENT_DENIED = "consent.denied"
    CONSENT_REVOKED = "consent.revoked"
    CLIENT_CREATED = "client.created"
    CLIENT_CHANGED = "client.changed"
    CLIENT_SECRET_ROTATED = "client.secret_rotated"
    CLIENT_REMOVED = "client.removed"
    CLIENT_REFUSED = "client.refused"
    GROUP_CREATED = "group.created"
    GROUP_CHANGED = "group.changed"
    GROUP_REMOVED = "group.removed"
    GROUP_ROLE_GRANTED = "group.role_granted"
    GROUP_ROLE_REVOKED = "group.role_revoked"
    KEY_ROTATED = "key.rotated"
    KEY_RETIRED = "key.retired"
    ADMIN_GRANTED = "admin.granted"
    ADMIN_REVOKED = "admin.revoked"
    ADMIN_SETUP_LINK_ISSUED = "admin.setup_link_issued"
    ADMIN_SETUP_COMPLETED = "admin.setup_completed"
    ADMIN_REFUSED = "admin.refused"
    MAIL_FAILED = "mail.failed"
    DIRECTORY_SYNCED = "directory.synced"
    DIRECTORY_SYNC_HELD = "directory.sync_held"
    DIRECTORY_SYNC_FAILED = "directory.sync_failed"
    DIRECTORY_ERASED = "directory.erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; `params` are plain JSON values and hold no secret."""

    code: EventCode
    subject_id: str | None = None
    client_id: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
