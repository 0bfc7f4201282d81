"""Erasing the personal data of accounts that left their directory long enough ago."""

from datetime import timedelta

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.job_leases import JobKind, Step
from idp.core.jobs import Job
from idp.core.work import UnitOfWork
from idp.store.directories import DirectoryLinkRow
from idp.store.users import UserRow

ERASE_JOB = "directory.erase"
BATCH = 500
_EVERY = timedelta(hours=1)
_PERSONAL = ("email", "email_key", "given_name", "family_name", "name", "phone_number")


def erase_batch(uow: UnitOfWork, _job: Job) -> Step:
    """Erase what is known about some of those who left; their ids and their history stay."""
    erased = 0
    for name, connector in uow.runtime.config.connectors_of(uow.realm).items():
        query = (
            sa.select(UserRow)
            .join(
                DirectoryLinkRow,
                sa.and_(
                    UserRow.realm == DirectoryLinkRow.realm,
                    UserRow.id == DirectoryLinkRow.user_id,
                ),
            )
            .where(
                DirectoryLinkRow.connector == name,
                DirectoryLinkRow.gone_since < uow.now - connector.erase_after,
                DirectoryLinkRow.erased_at.is_(None),
            )
            .limit(BATCH - erased)
        )
        for user in uow.db.scalars(query.with_for_update(of=UserRow)).all():
            link = uow.db.get_one(
                DirectoryLinkRow, (uow.realm, user.id), with_for_update=True, populate_existing=True
            )
            if link.gone_since is not None and link.erased_at is None:
                _erase(uow, link, user)
            erased += 1
    return Step(done=erased, cursor="more" if erased == BATCH else None, is_last=erased < BATCH)


def _erase(uow: UnitOfWork, link: DirectoryLinkRow, user: UserRow) -> None:
    for column in _PERSONAL:
        setattr(user, column, None)
    user.username = user.username_key = f"erased-{user.id}"
    user.claims = {}
    user.version += 1
    user.updated_at = uow.now
    link.login = ""
    link.erased_at = uow.now
    told = {"connector": link.connector}
    uow.record(Event(code=EventCode.DIRECTORY_ERASED, subject_id=user.id, params=told))


ERASE = JobKind(name=ERASE_JOB, step=erase_batch, every=_EVERY)
