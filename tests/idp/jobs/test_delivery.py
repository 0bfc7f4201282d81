"""The outbox on its way out: through a real mail server, retried, never lost, one by one."""

import re
import threading
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import sqlalchemy as sa

from idp.adapters.mail import FolderMailer, SmtpMailer
from idp.core.outbox import (
    GIVE_UP_AFTER,
    fail_message,
    finish_message,
    put_back_message,
    retry_message,
    take_outgoing,
)
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.profiles import Profile
from idp.core.recovery_requests import find_recovery
from idp.core.users import update_user
from idp.core.work import HOST, Message
from idp.jobs.delivery import Delivery
from idp.jobs.runner import Runner
from idp.store.jobs import OutboxRow
from tests.support.campaigns import run_reset
from tests.support.killing import LONG_AFTER, WorkerDied, dying_when
from tests.support.mailbox import Behaviour, SmtpServer
from tests.support.world import STAFF, World

LINK = re.compile(r"/reset-password/(\S+)")


@pytest.fixture
def smtp(world: World, smtp_server: SmtpServer) -> SmtpServer:
    """Give the mail server that the world's mails go to."""
    world.runtime.mailer = SmtpMailer(smtp_server.url, timeout=1)
    return smtp_server


def _notify(world: World, to: str = "ada@example.com") -> None:
    realm = {"name": "staff", "display_name": "TimeTrak"}
    context = {
        "realm": realm,
        "username": "ada",
        "how": "self",
        "changed_at": "today",
        "forgot_url": "https://id.example/forgot",
    }
    payload = {"to": to, "template": "password_changed", "context": context}
    with world.begin() as uow:
        uow.enqueue(Message(kind="mail", payload=payload))


def _rows(world: World) -> list[OutboxRow]:
    with world.begin(write=False) as uow:
        return list(uow.db.scalars(sa.select(OutboxRow).order_by(OutboxRow.created_at)))


def _run(world: World) -> None:
    Runner(world.runtime).run_once()


def test_a_mail_goes_out_once_and_its_text_is_wiped(world: World, smtp: SmtpServer) -> None:
    _notify(world)

    _run(world)
    _run(world)

    [delivery] = smtp.deliveries
    assert delivery.recipients == ("ada@example.com",)
    message = delivery.message
    assert message["Subject"] == "Your password for TimeTrak was changed"
    assert message["From"] == "TimeTrak <id@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Mon, 02 Nov 2026 09:00:00 +0000"
    [row] = _rows(world)
    assert message["Message-ID"] == f"<{row.id}@localhost>"
    assert (row.outcome, row.payload) == ("sent", b"")
    assert "https://id.example/forgot" in delivery.text


@pytest.mark.parametrize("behaviour", [Behaviour.REFUSE, Behaviour.TARPIT, Behaviour.TRY_LATER])
def test_a_mail_waits_for_a_server_in_trouble(
    world: World, smtp: SmtpServer, behaviour: Behaviour
) -> None:
    _notify(world)
    smtp.behave(behaviour)

    _run(world)
    [row] = _rows(world)
    assert row.done_at is None
    assert row.available_at > world.clock.now()

    smtp.behave(Behaviour.ACCEPT)
    _run(world)
    assert smtp.deliveries == ()
    world.advance(seconds=10)
    _run(world)
    assert len(smtp.deliveries) == 1


def test_the_wait_grows_and_ends_after_two_days(world: World, smtp: SmtpServer) -> None:
    _notify(world)
    smtp.behave(Behaviour.TRY_LATER)
    began_at, waits = world.clock.now(), []
    while True:
        tried_at = world.clock.now()
        _run(world)
        [row] = _rows(world)
        if row.done_at is not None:
            break
        waits.append(row.available_at - tried_at)
        world.clock.advance(row.available_at - tried_at)

    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
    spent = world.clock.now() - began_at
    assert GIVE_UP_AFTER - timedelta(hours=1) <= spent <= GIVE_UP_AFTER
    assert world.event_codes().count("mail.failed") == 1


def test_a_refused_mail_is_told_and_not_tried_again(world: World, smtp: SmtpServer) -> None:
    _notify(world)
    smtp.behave(Behaviour.REJECT)

    _run(world)

    [row] = _rows(world)
    assert row.done_at is not None
    assert row.outcome is not None
    assert row.outcome.startswith("failed: ")
    [event] = [event for event in world.events() if event.code == "mail.failed"]
    assert event.params["template"] == "password_changed"


def test_a_mail_that_cannot_be_written_holds_up_no_other(world: World, smtp: SmtpServer) -> None:
    with world.begin() as uow:
        uow.enqueue(Message(kind="mail", payload={"to": "a@b", "template": "no", "context": {}}))
        uow.db.add(
            OutboxRow(
                id=uow.new_id(),
                kind="mail",
                payload=b"sealed with a key that is gone",
                available_at=uow.now,
                created_at=uow.now,
            )
        )
    _notify(world, to="ada@example.com\r\nBcc: eve@example.com")
    _notify(world)

    _run(world)

    assert [delivery.recipients for delivery in smtp.deliveries] == [("ada@example.com",)]
    waiting = [row for row in _rows(world) if row.done_at is None]
    assert len(waiting) == 3
    assert all(row.attempts == 1 for row in waiting)


def test_mails_that_never_become_readable_are_given_up(world: World, smtp: SmtpServer) -> None:
    with world.begin() as uow:
        begun_at = uow.now - GIVE_UP_AFTER
        uow.db.add(
            OutboxRow(
                id=uow.new_id(),
                kind="mail",
                payload=b"?",
                available_at=begun_at,
                created_at=begun_at,
            )
        )

    _run(world)

    assert "mail.failed" in world.event_codes()
    assert smtp.deliveries == ()


def test_a_worker_that_dies_after_handing_over_repeats_with_the_same_id(
    world: World, smtp: SmtpServer
) -> None:
    _notify(world)
    _die_after_handing_over(world, smtp)

    _run(world)

    first, second = smtp.deliveries
    assert first.message["Message-ID"] == second.message["Message-ID"]
    [row] = _rows(world)
    assert row.outcome == "sent"


def _die_after_handing_over(world: World, smtp: SmtpServer) -> None:
    """Let a worker die between the server's 250 and its own commit."""
    engine = world.runtime.database.engine
    with pytest.raises(WorkerDied), dying_when(engine, lambda: bool(smtp.deliveries)):
        _run(world)
    world.clock.advance(LONG_AFTER)


def test_a_campaign_link_is_made_when_it_is_sent(world: World, smtp: SmtpServer) -> None:
    ada = world.add_user("ada", user={"given_name": "Ada"})
    run_reset(world, "link", reason="a lost laptop")
    world.advance(hours=30)

    _run(world)

    text = smtp.mail_to("ada@example.com").text
    found = LINK.search(text)
    assert found is not None
    assert "Ada" in text
    assert "a lost laptop" in text
    assert "24 hours" in text
    world.advance(hours=23, minutes=59)
    with world.begin(write=False) as uow:
        recovery = find_recovery(uow, found[1])
    assert recovery is not None
    assert recovery.user_id == ada
    world.advance(minutes=1)
    with world.begin(write=False) as uow:
        assert find_recovery(uow, found[1]) is None


@pytest.mark.parametrize(("name", "is_whole"), [("Ada", True), ("Māia", False)])
def test_a_link_stays_whole_in_the_file_of_a_mail(
    world: World, tmp_path: Path, name: str, *, is_whole: bool
) -> None:
    world.runtime.mailer = FolderMailer(tmp_path / "mail")
    world.add_user("ada", user={"given_name": name})
    run_reset(world, "link")

    _run(world)

    [file] = (tmp_path / "mail").iterdir()
    read = message_from_bytes(file.read_bytes(), policy=default)
    text = read.get_content()
    found = LINK.search(text)
    assert found is not None
    assert name in text
    assert (found[0].encode() in file.read_bytes()) == is_whole


def test_a_campaign_link_is_the_same_when_it_is_sent_again(world: World, smtp: SmtpServer) -> None:
    world.add_user("ada")
    run_reset(world, "link")
    _die_after_handing_over(world, smtp)

    _run(world)

    first, second = smtp.deliveries
    assert first.text == second.text
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_a_campaign_link_in_the_mailbox_of_before_stays_dead(
    world: World, smtp: SmtpServer
) -> None:
    ada = world.add_user("ada")
    run_reset(world, "link")
    _die_after_handing_over(world, smtp)
    with world.begin() as uow:
        update_user(uow, ada, Profile(email="ada@new.example"))

    _run(world)

    texts = [smtp.mail_to(to).text for to in ("ada@example.com", "ada@new.example")]
    before, after = (found[1] for found in map(LINK.search, texts) if found)
    with world.begin(write=False) as uow:
        assert find_recovery(uow, before) is None
        assert find_recovery(uow, after) is not None


def test_who_has_another_password_already_gets_no_link(world: World, smtp: SmtpServer) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    cleo = world.add_user("cleo")
    run_reset(world, "link")
    chosen = "takahe-behind-the-dunes"
    set_password(world.runtime, STAFF, ada, chosen, Setting(source=SetBy.IMPORT), actor=HOST)
    world.change_user(bob, status="inactive")
    world.change_user(cleo, email=None)

    _run(world)

    assert smtp.deliveries == ()
    outcomes = sorted(str(row.outcome) for row in _rows(world))
    assert outcomes == [
        "not needed: the account is not open",
        "not needed: the user has another password already",
        "not needed: the user has no address any more",
    ]


def test_mails_wait_until_they_are_due(world: World, smtp: SmtpServer) -> None:
    _notify(world)
    with world.begin() as uow:
        later = uow.now + timedelta(hours=1)
        uow.db.execute(sa.update(OutboxRow).values(available_at=later))

    _run(world)

    assert smtp.deliveries == ()


def test_a_worker_that_has_to_stop_gives_back_what_it_did_not_try(
    world: World, smtp: SmtpServer
) -> None:
    _notify(world)
    stop = threading.Event()
    stop.set()

    Delivery(world.runtime, "leaving").deliver_some(stop)

    [row] = _rows(world)
    assert (row.attempts, row.lease_owner, smtp.deliveries) == (0, None, ())
    _run(world)
    assert len(smtp.deliveries) == 1


def test_who_lost_a_message_can_no_longer_settle_it(world: World) -> None:
    _notify(world)
    [message] = take_outgoing(world.runtime, "slow", ["mail"])
    world.clock.advance(LONG_AFTER)
    take_outgoing(world.runtime, "next", ["mail"])

    with world.begin() as uow:
        finish_message(uow, message.id, "slow", "sent")
        fail_message(uow, message, "slow", "refused")
        retry_message(uow, message, "slow", "later")
        put_back_message(uow, message, "slow")

    [row] = _rows(world)
    assert (row.lease_owner, row.done_at, row.attempts) == ("next", None, 2)
