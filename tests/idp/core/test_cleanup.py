"""Cleaning up: what is over goes, what is live or still needed for an answer stays."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from idp.core import cleanup
from idp.core.plans import create_plan
from idp.core.work import HOST, Message
from idp.ids import RealmName
from idp.jobs.runner import Runner
from idp.store.base import InRealm
from idp.store.directory_servers import read_failures, write_failure
from idp.store.flow import AuthorizationRequestRow
from idp.store.idempotency import IdempotencyRow
from idp.store.jobs import OutboxRow
from idp.store.plans import PlanRow, PlanTargetRow
from idp.store.recovery import OneTimeLinkRow, RecoveryRequestRow
from idp.store.sessions import SessionRow
from idp.store.sweep import SWEEPS
from idp.store.throttle import ThrottleRow
from idp.store.tokens import AuthorizationCodeRow, RevokedAccessTokenRow, TokenFamilyRow
from idp.store.users import KnownDeviceRow
from tests.support.campaigns import plan_reset
from tests.support.world import PORTAL, STAFF, World

LONG = "kereru-over-the-harbour"


def _hash(name: str) -> str:
    return name.ljust(64, "0")


def _rows(name: str, user_id: str, now: datetime, ends_at: datetime) -> list[InRealm]:
    """Return one row of every kind that ends at a moment."""
    began = {"created_at": now}
    session_id = name
    return [
        AuthorizationRequestRow(
            id_hash=_hash(name),
            browser_hash=_hash(name),
            client_id="app",
            params={},
            consented=[],
            expires_at=ends_at,
            **began,
        ),
        AuthorizationCodeRow(
            code_hash=_hash(name),
            client_id="app",
            user_id=user_id,
            session_id=session_id,
            family_id=name,
            epoch=1,
            redirect_uri="https://app.example/cb",
            scope="openid",
            auth_time=now,
            amr=[],
            issued_at=now,
            expires_at=ends_at,
        ),
        TokenFamilyRow(
            id=name,
            client_id="app",
            user_id=user_id,
            session_id=session_id,
            scope="openid",
            epoch=1,
            auth_time=now,
            amr=[],
            used_at=now,
            expires_at=ends_at,
            **began,
        ),
        RevokedAccessTokenRow(jti_hash=_hash(name), expires_at=ends_at),
        RecoveryRequestRow(
            id=name,
            user_id=user_id,
            link_hash=_hash(name),
            generation=1,
            code_tries=0,
            expires_at=ends_at,
            **began,
        ),
        OneTimeLinkRow(token_hash=_hash(name), purpose="not_me", expires_at=ends_at, **began),
        KnownDeviceRow(token_hash=_hash(name), user_id=user_id, generation=1, expires_at=ends_at),
        ThrottleRow(bucket=_hash(name), count=1, window_ends_at=ends_at),
        IdempotencyRow(
            actor_id="x",
            key_hash=_hash(name),
            request_digest=_hash(name),
            status=200,
            expires_at=ends_at,
        ),
        _session(session_id, user_id, now, ends_at),
    ]


def _session(session_id: str, user_id: str, now: datetime, ends_at: datetime) -> SessionRow:
    return SessionRow(
        id=session_id,
        secret_hash=_hash(session_id),
        user_id=user_id,
        epoch=1,
        auth_time=now,
        amr=[],
        created_at=now,
        last_seen_at=now,
        expires_at=ends_at,
    )


def _clean(world: World) -> None:
    world.advance(hours=2)
    Runner(world.runtime).run_once()


def _names(world: World, row: type[InRealm], realm: RealmName = STAFF) -> list[str]:
    with world.begin(realm, write=False) as uow:
        found = uow.db.scalars(sa.select(row))
        return sorted(str(sa.inspect(one).identity[-1])[:4] for one in found)


def test_what_is_over_goes_and_what_is_live_stays(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        over, live = uow.now - timedelta(days=2), uow.now + timedelta(hours=3)
        uow.db.add_all(_rows("over", ada, uow.now, over))
        uow.db.add_all(_rows("live", ada, uow.now, live))
        kinds = [type(row) for row in _rows("x", ada, uow.now, live)]

    _clean(world)

    for kind in kinds:
        assert len(_names(world, kind)) == 1, kind
        with world.begin(write=False) as uow:
            [row] = uow.db.scalars(sa.select(kind))
            ends_at = (
                row.window_ends_at if isinstance(row, ThrottleRow) else vars(row)["expires_at"]
            )
            assert ends_at > uow.now


def test_nothing_of_another_realm_is_kept_longer(world: World) -> None:
    cleo = world.add_user("cleo", realm=PORTAL)
    with world.begin(PORTAL) as uow:
        over = uow.now - timedelta(days=2)
        uow.db.add_all(_rows("over", cleo, uow.now, over))

    _clean(world)

    assert _names(world, TokenFamilyRow, PORTAL) == []


def test_an_ended_session_stays_while_a_family_hangs_on_it(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        ended = _session("sess", ada, uow.now, uow.now - timedelta(days=3))
        ended.ended_at = uow.now - timedelta(days=3)
        uow.db.add(ended)
        family = _rows("live", ada, uow.now, uow.now + timedelta(days=30))[2]
        assert isinstance(family, TokenFamilyRow)
        family.session_id = "sess"
        uow.db.add(family)

    _clean(world)
    assert _names(world, SessionRow) == ["sess"]

    world.advance(days=32)
    _clean(world)
    assert _names(world, SessionRow) == []


def test_a_spent_code_stays_long_enough_to_notice_its_replay(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        rows = _rows("code", ada, uow.now, uow.now + timedelta(minutes=1))
        uow.db.add(rows[1])

    _clean(world)
    assert world.count(AuthorizationCodeRow) == 1


def test_sent_messages_go_after_a_while_and_waiting_ones_stay(world: World) -> None:
    with world.begin() as uow:
        uow.enqueue(Message(kind="unknown", payload={}))
        uow.enqueue(Message(kind="unknown", payload={}))
        uow.db.flush()
        first = uow.db.scalars(sa.select(OutboxRow)).first()
        assert first is not None
        first.done_at = uow.now

    _clean(world)
    assert world.count(OutboxRow) == 2
    world.advance(days=15)
    _clean(world)
    assert world.count(OutboxRow) == 1


def test_a_server_of_a_directory_that_failed_long_ago_is_forgotten(world: World) -> None:
    with world.begin() as uow:
        write_failure(uow.db, STAFF, "corp", "ldaps://one:636", uow.now)
    world.advance(hours=20)
    with world.begin() as uow:
        write_failure(uow.db, STAFF, "corp", "ldaps://two:636", uow.now)

    world.advance(hours=5)
    _clean(world)

    with world.begin(write=False) as uow:
        assert list(read_failures(uow.db, STAFF, "corp")) == ["ldaps://two:636"]


def test_an_expired_plan_forgets_its_password_and_later_its_targets(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, password=LONG)
    world.advance(days=1)
    _clean(world)
    with world.begin(write=False) as uow:
        assert uow.db.get_one(PlanRow, (STAFF, plan.id)).secret is None
    assert world.count(PlanTargetRow) == 1

    world.advance(days=31)
    _clean(world)
    assert world.count(PlanTargetRow) == 0


def test_the_targets_of_an_applied_plan_stay(world: World) -> None:
    world.add_user("ada")
    plan = create_plan(
        world.runtime,
        STAFF,
        "password.reset",
        {"mode": "require_change", "select": {"all": True}},
        HOST,
    )
    with world.begin() as uow:
        uow.db.get_one(PlanRow, (STAFF, plan.id)).state = "applied"

    world.advance(days=60)
    _clean(world)

    assert world.count(PlanTargetRow) == 1


def test_a_large_heap_is_cleared_in_bounded_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 4)
    with world.begin() as uow:
        ended = uow.now - timedelta(days=2)
        for number in range(11):
            uow.db.add(ThrottleRow(bucket=_hash(f"{number:02d}"), count=1, window_ends_at=ended))

    _clean(world)

    assert world.count(ThrottleRow) == 0


def test_sessions_are_swept_after_the_families_that_hold_them() -> None:
    names = list(SWEEPS)
    assert names.index("token_families") < names.index("sso_sessions")
