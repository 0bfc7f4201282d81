"""Mails about a stricter policy: who gets one, what it says, once, and one reminder."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from idp.adapters.mail import SmtpMailer
from idp.core.groups import create_group, update_group
from idp.core.jobs import JobState, list_jobs
from idp.core.plans import undo_plan
from idp.core.policy_versions import follow_config
from idp.core.work import HOST
from idp.jobs.runner import Runner
from idp.store.jobs import OutboxRow
from tests.support import campaigns
from tests.support.mailbox import SmtpServer
from tests.support.world import STAFF, World, open_world

LONG: Mapping[str, object] = {"length": {"min": 30, "max": 256}}


@pytest.fixture
def smtp(world: World, smtp_server: SmtpServer) -> SmtpServer:
    """Give the mail server that the world delivers to."""
    world.runtime.mailer = SmtpMailer(smtp_server.url, timeout=1)
    return smtp_server


def _publish(world: World, **more: object) -> str:
    document = {"enforcement": "everyone", "rules": LONG, "grace": "P14D", **more}
    return campaigns.publish(world, document, accept_conflicts=True).id


def _work(world: World) -> None:
    Runner(world.runtime).run_once()


def _outcomes(world: World) -> dict[str | None, int]:
    """Count the notices by what became of them; None for those still to come."""
    with world.begin(write=False) as uow:
        query = (
            sa.select(OutboxRow.outcome, sa.func.count())
            .where(OutboxRow.kind == "policy_notice")
            .group_by(OutboxRow.outcome)
        )
        return {row[0]: row[1] for row in uow.db.execute(query)}


def _counts(world: World) -> list[dict[str, object]]:
    codes = ("policy.notices_queued",)
    return [dict(event.params) for event in world.events() if event.code in codes]


def test_a_mail_says_what_is_asked_by_when_and_where(world: World, smtp: SmtpServer) -> None:
    world.add_user("ada", user={"given_name": "Ada", "zoneinfo": "Pacific/Auckland"})
    _publish(world)

    _work(world)

    [delivery] = smtp.deliveries
    assert delivery.recipients == ("ada@example.com",)
    assert delivery.message["Subject"] == "Please choose another password for TimeTrak"
    assert delivery.message["Auto-Submitted"] == "auto-generated"
    words = " ".join(delivery.text.split())
    assert words.startswith("Kia ora Ada, You will be asked to choose another password for ada ")
    assert " from 16 November 2026 at 22:00 NZDT on, because the minimum length was " in words
    assert "http://localhost:8080/realms/staff/account/password" in words
    assert _counts(world) == [{"version": 2, "mailed": 1, "without_address": 0}]


def test_one_reminder_comes_three_days_before_the_end(world: World, smtp: SmtpServer) -> None:
    world.add_user("ada")
    _publish(world)
    _work(world)
    world.advance(days=11, seconds=-1)
    _work(world)
    [first] = smtp.deliveries

    world.advance(seconds=1)
    _work(world)
    world.advance(days=10)
    _work(world)

    reminder = smtp.deliveries[-1]
    assert smtp.deliveries == (first, reminder)
    assert first.message["Subject"] == "Please choose another password for TimeTrak"
    assert reminder.message["Subject"] == "Reminder: please choose another password for TimeTrak"
    assert "This is the only reminder." in reminder.text


def test_a_reminder_is_tried_for_two_days_after_it_is_due(world: World) -> None:
    world.add_user("ada")
    _publish(world, grace="P30D")
    _work(world)

    with world.begin(write=False) as uow:
        [row] = uow.db.scalars(sa.select(OutboxRow).where(OutboxRow.done_at.is_(None)))
    assert row.created_at == row.available_at == world.clock.now() + timedelta(days=27)


@pytest.mark.parametrize(("grace", "reminders"), [("P6D", 0), ("P6DT1S", 1)])
def test_a_short_grace_needs_no_reminder(world: World, grace: str, reminders: int) -> None:
    world.add_user("ada")
    _publish(world, grace=grace)

    _work(world)

    assert _outcomes(world).get(None, 0) == reminders


def test_where_only_noncompliant_ones_change_it_says_so(world: World) -> None:
    world.add_user("ada")
    _publish(world, enforcement="noncompliant")

    _work(world)

    [message] = world.mail.messages
    assert message["Subject"] == "Your password for TimeTrak will be checked"
    assert "sign in again as ada" in " ".join(message.get_content().split())


@pytest.mark.parametrize(
    ("user", "credential"),
    [
        ({"status": "inactive"}, {}),
        ({"locked_at": "now"}, {}),
        ({}, {"hash": "!"}),
        ({}, {"must_change": True}),
    ],
)
def test_who_is_not_given_time_gets_none(
    world: World, user: Mapping[str, object], credential: Mapping[str, object]
) -> None:
    columns = {name: world.clock.now() if value == "now" else value for name, value in user.items()}
    world.add_user("ada", user=columns, credential=credential)
    _publish(world)

    _work(world)

    assert world.mail.messages == []


def test_who_meets_the_new_rules_gets_none(world: World) -> None:
    ada = world.add_user("ada")
    _publish(world)
    world.change_credential(ada, judged_under=2)

    _work(world)

    assert world.mail.messages == []
    assert _counts(world) == [{"version": 2, "mailed": 0, "without_address": 0}]


@pytest.mark.parametrize(
    "more",
    [
        {"enforcement": "observe"},
        {"enforcement": "never"},
        {"grace": "P0D"},
        {"grace": "P0D", "waves": {"percent": 50}},
    ],
)
def test_a_policy_that_gives_nobody_time_queues_nothing(
    world: World, more: Mapping[str, object]
) -> None:
    world.add_user("ada")
    _publish(world, **more)

    with world.begin(write=False) as uow:
        kinds = {job.kind for job in list_jobs(uow)}
    assert "policy.notices" not in kinds


def test_only_the_groups_that_are_hit_are_told(world: World) -> None:
    ada, _ = world.add_user("ada"), world.add_user("bob")
    with world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "Office", add=[ada])
    short = {"length": {"min": 8, "max": 256}}
    _publish(world, rules=short, groups={"Office": {"rules": LONG}})

    _work(world)

    assert [str(message["To"]) for message in world.mail.messages] == ["ada@example.com"]


def test_who_has_no_address_is_counted(world: World) -> None:
    world.add_user("ada")
    world.add_user("bob", user={"email": None, "email_key": None})
    _publish(world)

    _work(world)

    assert _counts(world) == [{"version": 2, "mailed": 1, "without_address": 1}]
    with world.begin(write=False) as uow:
        [job] = [job for job in list_jobs(uow) if job.kind == "policy.notices"]
    assert (job.state, job.done, job.params["without_address"]) == (JobState.DONE, 2, 1)
    assert len(world.mail.messages) == 1


class TestMeanwhile:
    """Between the job and the delivery of a mail something happens."""

    @pytest.fixture
    def ada(self, world: World) -> str:
        """Give somebody who was told, and for whom a reminder waits."""
        ada = world.add_user("ada")
        _publish(world)
        _work(world)
        assert len(world.mail.messages) == 1
        return ada

    def _reminded(self, world: World) -> bool:
        world.advance(days=12)
        _work(world)
        return len(world.mail.messages) == 2

    def test_nothing_happens(self, world: World, ada: str) -> None:
        assert world.credential(ada).told_until == world.clock.now() + timedelta(days=14)
        assert self._reminded(world)

    def test_the_user_changes_the_password(self, world: World, ada: str) -> None:
        world.change_credential(ada, judged_under=2)
        assert not self._reminded(world)
        assert _outcomes(world) == {
            "sent": 1,
            "not needed: the user is not given this time any more": 1,
        }

    def test_the_user_is_locked(self, world: World, ada: str) -> None:
        world.change_user(ada, locked_at=world.clock.now())
        assert not self._reminded(world)

    def test_the_user_has_no_address_any_more(self, world: World, ada: str) -> None:
        world.change_user(ada, email=None, email_key=None)
        assert not self._reminded(world)

    def test_an_administrator_asks_at_once(self, world: World, ada: str) -> None:
        world.change_credential(ada, must_change=True)
        assert not self._reminded(world)

    def test_the_policy_is_taken_back(self, world: World) -> None:
        world.add_user("ada")
        plan = _publish(world)
        _work(world)
        undo_plan(world.runtime, STAFF, plan, HOST)
        _work(world)

        world.advance(days=12)
        _work(world)

        assert len(world.mail.messages) == 1

    def test_the_policy_only_observes_now(self, world: World, ada: str) -> None:
        assert ada
        _publish(world, enforcement="observe")
        assert not self._reminded(world)


def test_a_version_that_changes_no_date_tells_nobody_again(world: World) -> None:
    world.add_user("ada")
    _publish(world)
    _work(world)
    world.advance(days=1)
    _publish(world, rules={**LONG, "min_age": {"hours": 1}})
    _work(world)
    assert len(world.mail.messages) == 1

    world.advance(days=10)
    _work(world)

    assert len(world.mail.messages) == 2  # the reminder
    assert [counts["mailed"] for counts in _counts(world)] == [1, 0]


def test_another_date_is_told_with_a_reminder_of_its_own(world: World) -> None:
    world.add_user("ada")
    _publish(world)
    _work(world)
    _publish(world, grace="P20D")
    _work(world)
    world.advance(days=30)
    with world.begin(write=False) as uow:
        waiting = uow.db.scalars(
            sa.select(OutboxRow.available_at)
            .where(OutboxRow.done_at.is_(None))
            .order_by(OutboxRow.available_at)
        ).all()

    assert len(world.mail.messages) == 2
    assert waiting[1] - waiting[0] == timedelta(days=6)


def test_a_version_that_is_superseded_before_its_job_tells_nobody(world: World) -> None:
    world.add_user("ada")
    _publish(world)
    _publish(world, grace="P21D")

    _work(world)

    [message] = world.mail.messages
    assert "23 November 2026" in message.get_content()
    assert [counts["version"] for counts in _counts(world)] == [3]


def test_a_policy_of_the_configuration_is_told_too(database_url: str) -> None:
    policy = {"enforcement": "everyone", "rules": LONG, "grace": "P14D"}
    realm = {"policy_managed_by": "config", "policy": policy}
    with open_world(database_url, settings={"realms": {"staff": realm}}) as world:
        world.add_user("ada")
        with world.begin() as uow:
            assert follow_config(uow) == 2

        _work(world)

        assert len(world.mail.messages) == 1
