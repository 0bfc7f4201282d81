"""Bulk resets: who may ask for one, that owners find back in, what is on record (B-06, B-07, B-10).

Administrators in the selection, and scopes of services, are in `tests/idp/api/test_plans.py`; where
a cancelled job stops, in `tests/idp/core/test_jobs.py`.
"""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from idp.adapters.mail import SmtpMailer
from idp.core import reset_batches
from idp.core.jobs import Job, cancel_job, resume_job
from idp.core.work import Actor
from idp.ids import UserId
from idp.jobs.runner import Runner
from idp.store.jobs import JobRow, OutboxRow
from idp.store.users import UNUSABLE
from tests.idp.api.desk import Desk, Reply
from tests.support import campaigns
from tests.support.commands import run_command
from tests.support.pages import Visitor, visitor
from tests.support.ports import LOOPBACK, free_port
from tests.support.story import CALLBACK, open_story
from tests.support.world import PASSWORD, PORTAL, STAFF, World, open_world

PLANS = "/realms/staff/plans"
LONG = "kereru over the harbour"
NEW = "a quite different phrase"
BATCH, USERS = 3, 9


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Give the interface of a product whose mail server does not answer."""
    with open_story(database_url) as story:
        mail_url = f"smtp://{LOOPBACK}:{free_port()}"
        story.world.runtime.mailer = SmtpMailer(mail_url, timeout=1)
        yield Desk(story)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Give a product."""
    with open_world(database_url) as opened:
        yield opened


def order(mode: str, **params: object) -> dict[str, object]:
    """Return what is posted to plan a reset of everybody."""
    password = {"password": LONG} if mode == "shared" else {}
    members = {"mode": mode, "select": {"all": True}, **password, **params}
    return {"kind": "password.reset", "params": members}


def applied(desk: Desk, token: str, plan: Reply) -> Reply:
    """Return the answer to the go-ahead for a plan."""
    body = {"fingerprint": plan.json["fingerprint"]}
    return desk.post(f"/plans/{plan.json['id']}/apply", token, body)


def idp(desk: Desk, *arguments: str, stdin: str = "") -> str:
    """Return what a command on the host printed."""
    done = run_command(desk.story.world.runtime, *arguments, stdin=stdin)
    assert done.exit_code == 0, done.output
    return done.stdout


# --- B-06


@pytest.mark.parametrize(
    ("who", "status"),
    [("nobody", 401), ("portal", 401), ("person", 403), ("auditor", 403), ("service", 403)],
)
def test_who_may_not_reset_changes_nothing(desk: Desk, who: str, status: int) -> None:
    owner = desk.owner()
    ada = UserId(desk.person("ada").rpartition("/")[2])
    before = desk.story.world.credential(ada).hash
    plan = desk.post(PLANS, owner, order("link"))
    running = desk.post(PLANS, owner, order("require_change"))
    job = applied(desk, owner, running).json["job_id"]
    token = token_of(desk, who)

    refused = [
        desk.post(PLANS, token, order("shared")),
        applied(desk, token, plan),
        desk.post(f"/plans/{plan.json['id']}/undo", token),
        *(desk.post(f"/jobs/{job}/{verb}", token) for verb in ("pause", "cancel", "resume")),
    ]

    assert {reply.status for reply in refused} == {status}
    assert desk.get(f"/plans/{plan.json['id']}", owner).json["state"] == "planned"
    assert len(desk.get(PLANS, owner).json["items"]) == 2
    assert desk.get(f"/jobs/{job}", owner).json["state"] == "queued"
    assert desk.story.world.credential(ada).hash == before


def token_of(desk: Desk, who: str) -> str:
    """Return the best token that somebody without the power to reset can have."""
    match who:
        case "portal":
            app = desk.story.app("portal-app", realm=PORTAL, redirect_uris=(CALLBACK,))
            desk.story.sign_in("pat", realm=PORTAL)
            token: str = desk.story.tokens(app)["access_token"]
            return token
        case "person":
            desk.story.person("bob")
            mine: str = desk.tokens_of("bob")["access_token"]
            return mine
        case "auditor":
            return desk.auditor()
        case "service":
            return desk.service("admin:read", "admin:users", "admin:policy", "admin:audit")
        case _:
            return ""


# --- B-07


def everybody_was_reset(desk: Desk, *names: str) -> bool:
    """Tell whether nobody's earlier password works any more, and no mail could be sent."""
    with desk.story.world.begin(write=False) as uow:
        waiting = uow.db.scalars(sa.select(OutboxRow).where(OutboxRow.done_at.is_(None))).all()
    assert waiting
    hashes = {desk.story.world.credential(desk.story.people[name]).hash for name in names}
    return hashes == {UNUSABLE}


def signed_in(desk: Desk, name: str, password: str) -> Visitor:
    """Return somebody who tried to sign in."""
    person = visitor(desk.story)
    person.sign_in(name, password)
    return person


def is_in(person: Visitor) -> bool:
    """Tell whether somebody's browser is signed in."""
    return person.open("/account").status == 200


@pytest.mark.parametrize("mode", ["shared", "link", "require_change"])
def test_the_owner_who_resets_everybody_stays_in_while_no_mail_goes_out(
    desk: Desk, mode: str
) -> None:
    owner, browser = desk.owner(), signed_in(desk, "olga", PASSWORD)
    desk.person("ada")

    plan = desk.post(PLANS, owner, order(mode))
    job = applied(desk, owner, plan).json["job_id"]
    Runner(desk.story.world.runtime).run_once()

    assert plan.json["counts"]["excluded_because"] == {"acting_administrator": 1}
    assert desk.get(f"/jobs/{job}", owner).json["state"] == "done"
    assert mode != "link" or everybody_was_reset(desk, "ada")
    assert is_in(browser)
    assert is_in(signed_in(desk, "olga", PASSWORD))


@pytest.mark.parametrize("by", ["API", "CLI"])
def test_the_host_lets_the_only_owner_in_again(desk: Desk, by: str) -> None:
    owner, browser = desk.owner(), signed_in(desk, "olga", PASSWORD)
    desk.person("ada")
    if by == "API":
        applied(desk, owner, desk.post(PLANS, owner, order("link", include_self=True)))
        Runner(desk.story.world.runtime).run_once()
    else:
        which = ("--realm", "staff", "--mode", "link", "--all", "--json")
        plan = json.loads(idp(desk, "reset", "plan", *which))["id"]
        idp(desk, "reset", "apply", plan, "--realm", "staff", "--wait", "--yes")
        Runner(desk.story.world.runtime).run_once()
    assert everybody_was_reset(desk, "olga", "ada")
    assert not is_in(browser)
    assert not is_in(signed_in(desk, "olga", PASSWORD))
    assert desk.get("/realms/staff/users", owner).status == 401

    whom = ("olga", "--realm", "staff", "--permanent", "--password-stdin")
    idp(desk, "user", "set-password", *whom, stdin=f"{NEW}\n")

    assert is_in(signed_in(desk, "olga", NEW))
    again = desk.owner()
    assert desk.get("/realms/staff/users", again).status == 200
    [reset] = desk.get(PLANS, again).json["items"]
    assert desk.post(f"/plans/{reset['id']}/undo", again).status == 202
    Runner(desk.story.world.runtime).run_once()
    assert is_in(signed_in(desk, "ada", PASSWORD))
    assert is_in(signed_in(desk, "olga", NEW))


def test_the_host_takes_a_reset_of_everybody_back(desk: Desk) -> None:
    owner = desk.owner()
    desk.person("ada")
    applied(desk, owner, desk.post(PLANS, owner, order("link", include_self=True)))
    Runner(desk.story.world.runtime).run_once()
    assert everybody_was_reset(desk, "olga", "ada")

    idp(desk, "reset", "undo", "--realm", "staff", "--wait", "--yes")

    assert is_in(signed_in(desk, "olga", PASSWORD))
    assert is_in(signed_in(desk, "ada", PASSWORD))


# --- B-10


@pytest.fixture
def boss(world: World, monkeypatch: pytest.MonkeyPatch) -> Actor:
    """Give who asks for resets, which go by batches of three."""
    monkeypatch.setattr(reset_batches, "BATCH", BATCH)
    return Actor("user", world.add_user("boss"))


def test_a_reset_that_was_cancelled_and_resumed_is_told_once_for_each_user(
    world: World, boss: Actor
) -> None:
    users = sorted(campaigns.add_users(world, USERS))
    plan = campaigns.plan_reset(world, password=LONG, reason="a lost laptop", actor=boss)
    job_id = campaigns.apply(world, plan, actor=boss)

    run_to_first_batch(world, job_id, boss)
    by_then = [user for user in users if world.credential(user).set_by == "bulk"]
    told_by_then = subjects(world)
    with world.runtime.begin(STAFF, actor=boss) as uow:
        resume_job(uow, job_id)
    Runner(world.runtime).run_job(job_id)

    assert by_then == told_by_then == users[:BATCH]
    assert subjects(world) == users
    events = [event for event in world.events() if event.code.startswith(("reset.", "job."))]
    assert {(event.actor_kind, event.actor_id) for event in events} == {("user", boss.id)}
    told = [(event.code, event.params) for event in events if event.code != "reset.user_reset"]
    assert [(code, params.get("request") or params["reason"]) for code, params in told] == [
        ("job.changed", "cancel"),
        ("reset.cancelled", "a lost laptop"),
        ("job.changed", "resume"),
        ("reset.applied", "a lost laptop"),
    ]
    ends = [params for code, params in told if code != "job.changed"]
    assert [(end["looked_at"], end["planned"]) for end in ends] == [(BATCH, USERS), (USERS, USERS)]


def test_a_reset_is_one_job_on_record(world: World, boss: Actor) -> None:
    campaigns.add_users(world, USERS)
    plan = campaigns.plan_reset(world, "require_change", reason="a lost laptop", actor=boss)
    job_id = campaigns.apply(world, plan, actor=boss)
    run_to_first_batch(world, job_id, boss)
    with world.runtime.begin(STAFF, actor=boss) as uow:
        resume_job(uow, job_id)
    Runner(world.runtime).run_once()

    with world.begin(write=False) as uow:
        [record] = uow.db.scalars(sa.select(JobRow).where(JobRow.kind == "password.reset"))
    assert (record.id, record.author_id, record.state) == (job_id, boss.id, "done")
    assert (record.done, record.total) == (USERS, USERS)
    assert record.params["select"] == {"all": True}
    assert record.params["reason"] == "a lost laptop"


def run_to_first_batch(world: World, job_id: str, actor: Actor) -> None:
    """Run a job whose cancelling is asked for after its first batch."""
    asked: list[str] = []

    def cancel(job: Job) -> None:
        if not asked:
            asked.append(job.id)
            with world.runtime.begin(STAFF, actor=actor) as uow:
                cancel_job(uow, job.id)

    Runner(world.runtime).run_job(job_id, cancel)


def subjects(world: World) -> list[str]:
    """Return whom the audit trail says to have been reset, once for each time."""
    events = [event for event in world.events() if event.code == "reset.user_reset"]
    return sorted(str(event.subject_id) for event in events)
