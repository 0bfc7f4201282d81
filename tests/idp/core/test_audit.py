"""The audit trail, read by what one asks and page by page."""

from idp.core.audit import AuditQuery, Place, list_events, list_events_of
from idp.core.events import Event, EventCode
from tests.support.world import PORTAL, STAFF, World


def _record(world: World, *codes: EventCode, realm: str = "staff") -> None:
    with world.begin(PORTAL if realm == "portal" else STAFF) as uow:
        for code in codes:
            uow.record(Event(code=code, subject_id="u1", client_id="c1", params={"n": 1}))


def test_an_event_tells_everything_about_it(world: World) -> None:
    _record(world, EventCode.USER_LOCKED)

    with world.begin(write=False) as uow:
        [event] = list_events(uow, AuditQuery(subject_id="u1", client_id="c1"))

    assert (event.realm, event.code, event.at) == ("staff", "user.locked", world.clock.now())
    assert (event.actor_kind, event.actor_id) == ("system", None)
    assert (event.subject_id, event.client_id, event.params) == ("u1", "c1", {"n": 1})


def test_events_are_found_by_code_time_and_actor(world: World) -> None:
    _record(world, EventCode.USER_LOCKED)
    world.advance(minutes=1)
    _record(world, EventCode.USER_UNLOCKED)
    now = world.clock.now()

    with world.begin(write=False) as uow:

        def codes(query: AuditQuery) -> list[str]:
            return [event.code for event in list_events(uow, query)]

        assert codes(AuditQuery()) == ["user.unlocked", "user.locked"]
        assert codes(AuditQuery(code="user.locked")) == ["user.locked"]
        assert codes(AuditQuery(since=now)) == ["user.unlocked"]
        assert codes(AuditQuery(until=now)) == ["user.locked"]
        assert codes(AuditQuery(actor_id="nobody")) == []
        assert codes(AuditQuery(request_id="r")) == []
        assert codes(AuditQuery(subject_id="\0")) == []


def test_pages_over_realms_follow_each_other_whole(world: World) -> None:
    for _ in range(3):
        _record(world, EventCode.USER_LOCKED, EventCode.USER_UNLOCKED)
        _record(world, EventCode.USER_LOCKED, realm="portal")
        world.advance(seconds=1)
    realms = (STAFF, PORTAL)
    whole = list_events_of(world.runtime, realms, AuditQuery(limit=100))

    found = list_events_of(world.runtime, realms, AuditQuery(limit=2))
    while True:
        before = Place(found[-1].at, found[-1].id)
        page = list_events_of(world.runtime, realms, AuditQuery(limit=2, before=before))
        if not page:
            break
        found += page

    assert len(whole) == 9
    assert found == whole
    assert {event.realm for event in whole} == {STAFF, PORTAL}
