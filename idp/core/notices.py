"""What the owner of an account is told after a change of the password, and what the trail keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from idp.core.accounts import Account
from idp.core.events import Event, EventCode
from idp.core.links import issue_not_me_link
from idp.core.mails import mail_password_changed, mail_shared_secret_changed
from idp.core.work import UnitOfWork
from idp.ids import UserId
from policy.verdict import Finding


@dataclass(frozen=True, slots=True)
class NewPasswordRefused:
    """The policy does not accept the new password; every finding."""

    findings: Sequence[Finding]


def tell_of_change(uow: UnitOfWork, before: Account, how: Literal["self", "recovery"]) -> None:
    """Mail the owner that the password is another one now.

    Whoever left a shared password behind gets a link that locks the account, because anybody
    could have been first (DECISIONS 13).

    Args:
        before: the account as it was before the change.
    """
    if before.password is not None and before.password.campaign_id is not None:
        mail_shared_secret_changed(uow, before.owner, issue_not_me_link(uow, before.user_id))
    else:
        mail_password_changed(uow, before.owner, how, before.entry)


def record_refusal(
    uow: UnitOfWork, user_id: UserId, refused: NewPasswordRefused
) -> NewPasswordRefused:
    """Note which rules a new password broke, and hand the refusal on."""
    codes = [finding.code for finding in refused.findings]
    uow.record(
        Event(code=EventCode.PASSWORD_REJECTED, subject_id=user_id, params={"findings": codes})
    )
    return refused
