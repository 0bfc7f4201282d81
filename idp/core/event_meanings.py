"""What each code of the audit trail means; `docs/events.md` is made from this."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from idp.core.events import EventCode


class About(StrEnum):
    """Whom an event names: in `subject_id`, in `client_id`, in both, or in neither."""

    NOBODY = "nobody"
    USER = "the user"
    CLIENT = "the client"
    BOTH = "the user and the client"
    GROUP = "the group"


class Meaning(NamedTuple):
    """What an event tells: when it is recorded, whom it names, what its `params` may hold."""

    when: str
    about: About
    params: tuple[str, ...]


MEANINGS: Mapping[EventCode, Meaning] = {
    EventCode.USER_CREATED: Meaning(
        "An account was made: by an administrator, an import or the set-up link.",
        About.USER,
        ("username", "status"),
    ),
    EventCode.USER_CHANGED: Meaning(
        "Something about an account was changed; names the fields, not the values.",
        About.USER,
        ("fields",),
    ),
    EventCode.USER_SIGNED_IN: Meaning(
        "The right password opened a session.", About.USER, ("session_id", "amr")
    ),
    EventCode.USER_SIGN_IN_REFUSED: Meaning(
        "A sign-in, or the current password on a change form, was refused. The reason is "
        "for the trail only; the page says the same for all. A directory's own codes are in "
        "`detail`.",
        About.USER,
        ("reason", "name_mac", "detail"),
    ),
    EventCode.USER_SIGNED_OUT: Meaning(
        "Somebody signed out, at an app's wish or by hand.", About.USER, ("session_id",)
    ),
    EventCode.USER_THROTTLED: Meaning(
        "Further tries began to wait, for an account or for a network address.",
        About.USER,
        ("scope", "name_mac"),
    ),
    EventCode.USER_LOCKED: Meaning(
        'An account was locked: by an administrator, or by its owner with the link "this '
        'was not me".',
        About.USER,
        ("cause",),
    ),
    EventCode.USER_UNLOCKED: Meaning(
        "An administrator unlocked an account and forgot its failed tries.", About.USER, ()
    ),
    EventCode.USER_DEACTIVATED: Meaning(
        "An account was taken out of use; by a directory, if one is named.",
        About.USER,
        ("connector",),
    ),
    EventCode.USER_REACTIVATED: Meaning(
        "An account was taken back into use; by a directory, if one is named.",
        About.USER,
        ("connector",),
    ),
    EventCode.USER_MUST_CHANGE: Meaning(
        "An administrator asked one user for another password.", About.USER, ("end_sessions",)
    ),
    EventCode.USERS_IMPORTED: Meaning(
        "A file of users was read to its end and changed something; how many of what.",
        About.NOBODY,
        ("created", "updated", "unchanged", "rejected", "passwords_kept", "hashed"),
    ),
    EventCode.SESSION_ENDED: Meaning(
        "One session was ended (`session_id`), or all others of a user (`count`).",
        About.USER,
        ("session_id", "count"),
    ),
    EventCode.PASSWORD_CHANGED: Meaning(
        "A user chose another password and knew the current one.",
        About.USER,
        ("forced", "policy_version"),
    ),
    EventCode.PASSWORD_SET: Meaning(
        "Somebody else set a password, other than in bulk.", About.USER, ("by", "must_change")
    ),
    EventCode.PASSWORD_REJECTED: Meaning(
        "A new password was refused by the policy.", About.USER, ("findings",)
    ),
    EventCode.PASSWORD_REHASHED: Meaning(
        "A sign-in stored the same password with the present cost of hashing, or with a "
        "salt of its own.",
        About.USER,
        (),
    ),
    EventCode.PASSWORD_ACCEPTED: Meaning(
        "A sign-in judged a marked password under the present policy, and it passed.",
        About.USER,
        ("policy_version",),
    ),
    EventCode.PASSWORD_REFUSED: Meaning(
        "A sign-in judged a marked password under the present policy, and it has to be changed.",
        About.USER,
        ("policy_version", "findings"),
    ),
    EventCode.PASSWORD_RESET_REQUESTED: Meaning(
        "A reset mail was made: after a request (`email_mac`), or sent by an administrator (`by`).",
        About.USER,
        ("email_mac", "by"),
    ),
    EventCode.PASSWORD_RESET_SUPPRESSED: Meaning(
        "A request for a reset mail beyond the limits was left without one.",
        About.NOBODY,
        ("email_mac",),
    ),
    EventCode.PASSWORD_RESET_COMPLETED: Meaning(
        "A password was chosen with a link or a typed code from a mail.",
        About.USER,
        ("policy_version",),
    ),
    EventCode.PASSWORD_RESET_REFUSED: Meaning(
        "A reset link or a typed code was wrong, used or too old.", About.USER, ("reason",)
    ),
    EventCode.POLICY_PUBLISHED: Meaning(
        "A version of the realm's policy came into force.",
        About.NOBODY,
        ("version", "base_version", "digest", "diff", "comment"),
    ),
    EventCode.POLICY_NOTICES_QUEUED: Meaning(
        "Everybody whom a version gives time has a mail about it on the way.",
        About.NOBODY,
        ("version", "mailed", "without_address"),
    ),
    EventCode.RESET_APPLIED: Meaning(
        "A bulk reset reached its end.",
        About.NOBODY,
        ("plan_id", "mode", "reason", "planned", "looked_at", "skipped"),
    ),
    EventCode.RESET_USER: Meaning(
        "A bulk reset changed one account.", About.USER, ("campaign_id", "mode")
    ),
    EventCode.RESET_CANCELLED: Meaning(
        "A bulk reset was cancelled; who comes after the place named was not touched.",
        About.NOBODY,
        ("plan_id", "mode", "reason", "planned", "looked_at", "skipped"),
    ),
    EventCode.RESET_UNDONE: Meaning(
        "The undoing of a bulk reset reached its end.",
        About.NOBODY,
        ("plan_id", "mode", "looked_at", "restored"),
    ),
    EventCode.RESET_USER_UNDONE: Meaning(
        "An undo gave one account back what it had.", About.USER, ("campaign_id", "mode")
    ),
    EventCode.PLAN_CREATED: Meaning(
        "A plan was made and waits for its review.", About.NOBODY, ("plan_id", "kind", "summary")
    ),
    EventCode.JOB_CHANGED: Meaning(
        "Somebody paused, resumed or cancelled a job.",
        About.NOBODY,
        ("job_id", "kind", "request", "done"),
    ),
    EventCode.CODE_ISSUED: Meaning(
        "An authorization code went to an app.", About.BOTH, ("scope", "session_id")
    ),
    EventCode.CODE_REFUSED: Meaning(
        "A code was unknown, too old, or came with the wrong client, address or verifier; "
        "nothing was spent.",
        About.BOTH,
        ("reason",),
    ),
    EventCode.CODE_REPLAYED: Meaning(
        "A spent code came again from its own client; everything it gave was revoked.",
        About.BOTH,
        ("family_id",),
    ),
    EventCode.TOKEN_ISSUED: Meaning(
        "A code was redeemed. A rotation of a refresh token leaves no event.",
        About.BOTH,
        ("family_id", "session_id"),
    ),
    EventCode.TOKEN_REFUSED: Meaning(
        "The gate, or a rule of the protocol, refused new tokens; nothing was spent.",
        About.BOTH,
        ("reason", "family_id", "findings"),
    ),
    EventCode.TOKEN_REUSE_DETECTED: Meaning(
        "A refresh token that had been replaced came again after its grace; its family "
        "was revoked.",
        About.BOTH,
        ("family_id",),
    ),
    EventCode.TOKEN_REVOKED: Meaning(
        "An app gave back a refresh token (`family_id`) or an access token (`jti`).",
        About.BOTH,
        ("family_id", "jti"),
    ),
    EventCode.CONSENT_GRANTED: Meaning("A user let an app have scopes.", About.BOTH, ("scope",)),
    EventCode.CONSENT_DENIED: Meaning(
        "A user did not let an app have what it asked for.", About.BOTH, ()
    ),
    EventCode.CONSENT_REVOKED: Meaning("A user took back what an app was allowed.", About.BOTH, ()),
    EventCode.CLIENT_CREATED: Meaning("A client was registered.", About.CLIENT, ()),
    EventCode.CLIENT_CHANGED: Meaning(
        "A client's registration was changed; names the members, not the values.",
        About.CLIENT,
        ("changed",),
    ),
    EventCode.CLIENT_SECRET_ROTATED: Meaning("A client got another secret.", About.CLIENT, ()),
    EventCode.CLIENT_REMOVED: Meaning("A client was removed.", About.CLIENT, ()),
    EventCode.CLIENT_REFUSED: Meaning(
        "A client could not prove itself.", About.CLIENT, ("reason",)
    ),
    EventCode.GROUP_CREATED: Meaning("A group was made.", About.GROUP, ("name",)),
    EventCode.GROUP_CHANGED: Meaning(
        "A group was renamed or described anew, its members changed (how many), or its directory"
        " has it no more, or again.",
        About.GROUP,
        ("name", "added", "removed", "is_missing"),
    ),
    EventCode.GROUP_REMOVED: Meaning("A group was removed.", About.GROUP, ("name",)),
    EventCode.GROUP_ROLE_GRANTED: Meaning(
        "A group was given an administrator's role: whoever is in it holds it.",
        About.GROUP,
        ("name", "role"),
    ),
    EventCode.GROUP_ROLE_REVOKED: Meaning(
        "A group gives an administrator's role no more.",
        About.GROUP,
        ("name", "role"),
    ),
    EventCode.KEY_ROTATED: Meaning(
        "New signing keys were made: the first, the next, or in an emergency.",
        About.NOBODY,
        ("reason", "emergency", "algorithms"),
    ),
    EventCode.KEY_RETIRED: Meaning(
        "A replaced signing key was dropped before its time.", About.NOBODY, ("kid", "algorithms")
    ),
    EventCode.ADMIN_GRANTED: Meaning(
        "A user got an administrator's role; through a group, if one is named.",
        About.USER,
        ("role", "group"),
    ),
    EventCode.ADMIN_REVOKED: Meaning(
        "A user lost an administrator's role; that of a group, if one is named.",
        About.USER,
        ("role", "group"),
    ),
    EventCode.ADMIN_SETUP_LINK_ISSUED: Meaning(
        "A link that makes the first owner was printed.", About.NOBODY, ()
    ),
    EventCode.ADMIN_SETUP_COMPLETED: Meaning(
        "The first owner was made with that link.", About.USER, ()
    ),
    EventCode.ADMIN_REFUSED: Meaning(
        "A caller of the admin API was not allowed what it asked for.",
        About.CLIENT,
        ("operation", "reason", "client_id"),
    ),
    EventCode.MAIL_FAILED: Meaning(
        "A mail was given up: refused for good, never readable, or not taken for two days.",
        About.USER,
        ("message_id", "template", "attempts", "reason"),
    ),
    EventCode.DIRECTORY_SYNCED: Meaning(
        "What a run over a directory found was applied; with how many changes of each kind.",
        About.NOBODY,
        ("connector", "mode", "run_id", "counts"),
    ),
    EventCode.DIRECTORY_SYNC_HELD: Meaning(
        "A run over a directory would take too much away and waits for an administrator.",
        About.NOBODY,
        ("connector", "mode", "run_id", "counts", "held_because"),
    ),
    EventCode.DIRECTORY_SYNC_FAILED: Meaning(
        "A run over a directory failed; nothing was changed.",
        About.NOBODY,
        ("connector", "mode", "reason"),
    ),
    EventCode.DIRECTORY_ERASED: Meaning(
        "The personal data of an account that left its directory was erased.",
        About.USER,
        ("connector",),
    ),
}
"""Every code there is, in the order of the enumeration."""
