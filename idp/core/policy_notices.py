"""Mails to those whom a stricter policy gives time: what will be asked, by when, and a reminder.

The job goes through the users in batches and queues a mail for each who is given time and was not
told of this date. Whether it is still true is looked at when a mail is sent: who has another
password by then, or is not given that time any more, gets none.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from idp.core.accounts import Account, find_account_by_id
from idp.core.decision_words import because_of, listed
from idp.core.events import Event, EventCode
from idp.core.gate import AccountFacts, find_account, standing
from idp.core.job_leases import JobKind, Step
from idp.core.jobs import Job, enqueue_job
from idp.core.mails import Deadline, policy_notice_mail
from idp.core.policy_outcomes import Outcome
from idp.core.policy_standings import Standing, list_standings
from idp.core.policy_yardstick import yardstick
from idp.core.reset_links import MailToSend, NotNeeded
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.bulk import add_messages
from idp.store.jobs import JobRow
from idp.store.notices import note_told, told_dates
from idp.store.users import UNUSABLE
from policy.model import Enforcement, PolicyVersion
from policy.verdict import RequiredAction, Withheld, WithheldBy

NOTICES_JOB = "policy.notices"
POLICY_NOTICE = "policy_notice"
"""The kind of such a message, and its template."""

BATCH = 500
REMINDER_BEFORE = timedelta(days=3)
_LONG_GRACE = timedelta(days=6)
"""A time of grace longer than this gets a reminder."""

_ASKING = (Enforcement.EVERYONE, Enforcement.NONCOMPLIANT)


def queue_notices(uow: UnitOfWork, number: int, policy: PolicyVersion) -> None:
    """Queue the mails about a version that is being published, if it gives anybody time."""
    if policy.grace and policy.enforcement in _ASKING:
        enqueue_job(uow, NOTICES_JOB, {"version": number, "mailed": 0, "without_address": 0}, 0)


def notify_batch(uow: UnitOfWork, job: Job) -> Step:
    """Queue the mails for the next users; a version that is not in force any more has none."""
    measure = yardstick(uow)
    if measure.policy.number != job.params["version"]:
        return Step(is_last=True)
    users = list_standings(uow, measure, after=job.cursor or "", most=BATCH)
    given_time = {user.user_id: user for user in users if _is_given_time(user)}
    told = told_dates(uow.db, uow.realm, list(given_time))
    news = [user for user in given_time.values() if _until(user) != told.get(user.user_id)]
    reachable = [user for user in news if user.email]
    mailed = _queue(uow, reachable, is_long=measure.policy.grace > _LONG_GRACE)
    counts = _count(uow, job, mailed=mailed, without_address=len(news) - len(reachable))
    is_last = len(users) < BATCH
    if is_last:
        uow.record(Event(code=EventCode.POLICY_NOTICES_QUEUED, params=counts))
    return Step(done=len(users), cursor=users[-1].user_id if users else job.cursor, is_last=is_last)


def make_policy_notice(
    uow: UnitOfWork, _message_id: str, payload: Mapping[str, Any]
) -> MailToSend | NotNeeded:
    """Return the mail about a date, if that is still what awaits the user."""
    facts = find_account(uow, UserId(payload["user_id"]))
    account = find_account_by_id(uow, UserId(payload["user_id"]))
    if facts is None or account is None or not _is_open(account):
        return NotNeeded("the account is not open, or has no password")
    if account.owner.email is None:
        return NotNeeded("the user has no address any more")
    verdict = standing(facts, uow.now)
    withheld = None if verdict is None or verdict.required_action else verdict.withheld
    until = datetime.fromisoformat(payload["until"])
    if withheld is None or withheld.by is not WithheldBy.GRACE or withheld.until != until:
        return NotNeeded("the user is not given this time any more")
    deadline = Deadline(
        until=until,
        is_change=withheld.action is RequiredAction.CHANGE_PASSWORD,
        because=_because(facts, withheld),
        is_reminder=payload["is_reminder"],
    )
    return policy_notice_mail(uow, account.owner, account.owner.email, deadline)


def _is_given_time(user: Standing) -> bool:
    if user.withheld is None or user.outcome is not Outcome.WITHHELD:
        return False
    return user.withheld.by is WithheldBy.GRACE


def _until(user: Standing) -> datetime | None:
    return None if user.withheld is None else user.withheld.until


def _queue(uow: UnitOfWork, users: Sequence[Standing], *, is_long: bool) -> int:
    """Queue a mail for each user whom no other job told of the date meanwhile; return how many."""
    mailed = 0
    dates: dict[datetime, list[str]] = {}
    for user in users:
        until = _until(user)
        assert until is not None  # noqa: S101 - a time of grace has an end
        dates.setdefault(until, []).append(user.user_id)
    for until, user_ids in dates.items():
        news = note_told(uow.db, uow.realm, user_ids, until=until)
        mailed += len(news)
        moments = [(uow.now, False)]
        if is_long and until - REMINDER_BEFORE > uow.now:
            moments.append((until - REMINDER_BEFORE, True))
        rows = [
            _message(uow, user_id, until, at=at, is_reminder=is_reminder)
            for user_id in news
            for at, is_reminder in moments
        ]
        add_messages(uow.db.connection(), rows)
    return mailed


def _message(
    uow: UnitOfWork, user_id: str, until: datetime, *, at: datetime, is_reminder: bool
) -> dict[str, object]:
    payload = {
        "template": POLICY_NOTICE,
        "user_id": user_id,
        "until": until.isoformat(),
        "is_reminder": is_reminder,
    }
    return {
        "realm": uow.realm,
        "id": uow.new_id(),
        "kind": POLICY_NOTICE,
        "payload": uow.runtime.box.encrypt(json.dumps(payload).encode(), purpose="outbox"),
        "available_at": at,
        "created_at": at,  # its days of trying begin when it is due
    }


def _count(uow: UnitOfWork, job: Job, **more: int) -> dict[str, object]:
    """Add to the counts that the job keeps, and return them."""
    row = uow.db.get_one(JobRow, (uow.realm, job.id))
    counts = {name: row.params[name] + number for name, number in more.items()}
    row.params = {**row.params, **counts}
    return {"version": row.params["version"], **counts}


def _is_open(account: Account) -> bool:
    stored = account.password
    return account.is_open and stored is not None and stored.hash != UNUSABLE


def _because(facts: AccountFacts, withheld: Withheld) -> str:
    judge = None if facts.credential is None else facts.credential.judged_under
    return listed(because_of(finding, judge, facts.policy) for finding in withheld.findings)


NOTICES = JobKind(name=NOTICES_JOB, step=notify_batch)
