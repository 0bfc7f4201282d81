"""Users: created, found, listed, changed, locked, removed and brought back; never deleted.

What a password is and how it is set belongs to `idp.core.passwords`; roles to `idp.core.roles`
and `idp.core.admins`.
"""

from idp.core.profiles import KEEP, Keep, Profile
from idp.core.users.changes import require_version, update_user
from idp.core.users.creation import NewUser, create_user
from idp.core.users.documents import user_document
from idp.core.users.listing import UserPage, UserQuery, list_users
from idp.core.users.passwords import send_reset, set_user_password
from idp.core.users.states import (
    deactivate_user,
    end_sessions,
    lock_user,
    reactivate_user,
    require_change,
    unlock_user,
)
from idp.core.users.views import PasswordView, UserStatus, UserView, find_user, get_user

__all__ = [
    "KEEP",
    "Keep",
    "NewUser",
    "PasswordView",
    "Profile",
    "UserPage",
    "UserQuery",
    "UserStatus",
    "UserView",
    "create_user",
    "deactivate_user",
    "end_sessions",
    "find_user",
    "get_user",
    "list_users",
    "lock_user",
    "reactivate_user",
    "require_change",
    "require_version",
    "send_reset",
    "set_user_password",
    "unlock_user",
    "update_user",
    "user_document",
]
