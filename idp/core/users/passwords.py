"""What an administrator can do about one user's password: set another one, or send a link."""

from datetime import timedelta

from idp.core.accounts import find_account_to_write, require_own_password
from idp.core.events import Event, EventCode
from idp.core.mails import mail_reset_link
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.recovery_requests import ADMIN_LINK_LIFE, issue_recovery_link
from idp.core.runtime import Runtime
from idp.core.users.views import UserView, get_user
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import RealmName, UserId

TEMPORARY = timedelta(days=3)
"""How long a password lives that an administrator chose (DECISIONS 13)."""


def set_user_password(  # noqa: PLR0913 - who acts and where from belong to every use case
    runtime: Runtime,
    realm: RealmName,
    user_id: UserId,
    new_password: str,
    *,
    permanent: bool = False,
    actor: Actor,
    trace: Trace = NO_TRACE,
) -> UserView:
    """Set the password of a user who does not know it yet; everything given before ends.

    It meets the policy like any other. Unless `permanent`, it must be changed at the next sign-in
    and works for three days (DECISIONS 13).

    Raises:
        NotFound: `user.not_found`.
        PasswordRejected: the policy does not accept it.
        Conflict: the password was changed by somebody else at this moment; `user.directory_owned`.
    """
    until = None if permanent else runtime.clock.now() + TEMPORARY
    setting = Setting(source=SetBy.ADMIN, must_change=not permanent, temporary_until=until)
    set_password(runtime, realm, user_id, new_password, setting, actor=actor, trace=trace)
    with runtime.begin(realm, write=False, actor=actor, trace=trace) as uow:
        return get_user(uow, user_id)


def send_reset(uow: UnitOfWork, user_id: UserId) -> None:
    """Mail a user a link to choose a password with; it works once, for 24 hours.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `user.directory_owned`, `user.inactive`, `user.locked`, `user.no_email`.
    """
    account = find_account_to_write(uow, user_id)
    if account is None:
        raise NotFound("user.not_found")
    require_own_password(account)
    if not account.is_active:
        raise Conflict("user.inactive")
    if account.is_locked:
        raise Conflict("user.locked")
    if account.owner.email is None:
        raise Conflict("user.no_email")
    link = issue_recovery_link(uow, user_id, generation=account.generation)
    mail_reset_link(uow, account.owner, link, ADMIN_LINK_LIFE)
    uow.record(
        Event(code=EventCode.PASSWORD_RESET_REQUESTED, subject_id=user_id, params={"by": "link"})
    )
