"""Users from files: good rows kept, bad ones told, nothing done twice."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import argon2
import pytest

from idp.core import imports
from idp.core.exports import EXPORT_COLUMNS, export_users
from idp.core.groups import create_group
from idp.core.import_files import BadRow, SourceRow, UserFile
from idp.core.import_rows import ImportRow, read_row
from idp.core.import_writing import ReadyRow, write_rows
from idp.core.imports import ImportSummary, Listener, import_users
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.roles import AdminRole, grant_role
from idp.core.users import UserStatus, UserView, find_user, set_user_password
from idp.core.work import HOST
from idp.errors import Conflict, Unavailable
from idp.ids import RealmName
from idp.store.audit import AuditEventRow
from idp.store.users import UserRow
from tests.support.world import PASSWORD, PORTAL, STAFF, World, open_world

HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class Told:
    """What an import said while it went on."""

    rejected: list[BadRow] = field(default_factory=list)
    done: list[int] = field(default_factory=list)

    @property
    def reasons(self) -> dict[int, str]:
        return {row.line: row.reason for row in self.rejected}


def run(
    world: World, text: str, realm: RealmName = STAFF, told: Told | None = None
) -> ImportSummary:
    told = told if told is not None else Told()
    rows = UserFile(io.BufferedReader(io.BytesIO(text.encode()))).rows()
    listener = Listener(told.rejected.append, told.done.append)
    return import_users(world.runtime, realm, rows, listener, actor=HOST)


def counts(summary: ImportSummary) -> tuple[int, int, int, int]:
    return summary.created, summary.updated, summary.unchanged, summary.rejected


def found(world: World, named: str, realm: RealmName = STAFF) -> UserView:
    with world.begin(realm, write=False) as uow:
        user = find_user(uow, named)
    assert user is not None
    return user


def may_sign_in(world: World, username: str, password: str = PASSWORD) -> bool:
    outcome = sign_in(world.runtime, STAFF, SignInForm(username=username, password=password))
    return isinstance(outcome, LoggedIn)


FULL = f"""\
username,email,email_verified,given_name,family_name,name,phone_number,locale,zoneinfo,status,\
groups,password,password_hash,password_set_at,must_change,external_id,claims
ada,ada@example.com,true,Ada,Lovelace,Ada Lovelace,+64 21 1,en-NZ,Pacific/Auckland,active,\
Field;Office,{PASSWORD},,2026-01-05T08:00:00Z,false,7,"{{""nickname"":""A""}}"
bob,,,,,,,,,inactive,,,,,,,
cleo,,,,,,,,,locked,office,,"{HASH}",2026-01-05,yes,,
"""


def test_every_column_is_taken_over(world: World) -> None:
    told = Told()

    summary = run(world, FULL, told=told)

    assert counts(summary) == (3, 0, 0, 0)
    assert (summary.new_groups, summary.hashed) == (("Field", "Office"), 1)
    assert told.done == [4]
    ada, bob, cleo = found(world, "ada"), found(world, "bob"), found(world, "cleo")
    assert (ada.email, ada.email_verified) == ("ada@example.com", True)
    assert (ada.given_name, ada.family_name, ada.name) == ("Ada", "Lovelace", "Ada Lovelace")
    assert (ada.phone_number, ada.locale) == ("+64 21 1", "en-NZ")
    assert (ada.zoneinfo, ada.external_id) == ("Pacific/Auckland", "7")
    assert (ada.groups, ada.claims) == (("Field", "Office"), {"nickname": "A"})
    assert ada.password is not None
    assert (ada.password.set_by, ada.password.must_change) == ("import", False)
    assert ada.password.set_at == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert (bob.status, bob.password) == (UserStatus.INACTIVE, None)
    assert (cleo.status, cleo.groups) == (UserStatus.LOCKED, ("Office",))
    assert cleo.password is not None
    assert cleo.password.must_change
    assert may_sign_in(world, "ada")


def test_running_it_again_changes_nothing(world: World) -> None:
    run(world, FULL)
    before = [found(world, name) for name in ("ada", "bob", "cleo")]
    events = world.count(AuditEventRow)
    world.advance(days=1)

    summary = run(world, FULL)

    assert counts(summary) == (0, 0, 3, 0)
    assert (summary.passwords_kept, summary.hashed, summary.new_groups) == (2, 0, ())
    assert [found(world, name) for name in ("ada", "bob", "cleo")] == before
    assert world.count(AuditEventRow) == events


def test_an_empty_or_absent_cell_leaves_what_is_stored(world: World) -> None:
    run(world, FULL)
    before = found(world, "ada")

    assert counts(run(world, "username,given_name,groups\nada,,\n")) == (0, 0, 1, 0)

    assert found(world, "ada") == before


def test_what_is_different_is_changed(world: World) -> None:
    run(world, FULL)

    summary = run(world, "username,name,groups,status\nada,A. L.,Office|New,locked\nbob,,,active\n")

    assert counts(summary) == (0, 2, 0, 0)
    ada = found(world, "ada")
    assert (ada.name, ada.groups, ada.status) == ("A. L.", ("New", "Office"), UserStatus.LOCKED)
    assert found(world, "bob").status is UserStatus.ACTIVE
    assert counts(run(world, "username,status\nada,active\nbob,locked\n")) == (0, 2, 0, 0)
    assert found(world, "ada").status is UserStatus.ACTIVE
    assert found(world, "bob").status is UserStatus.LOCKED
    assert counts(run(world, "username,status\nada,inactive\nbob,inactive\n")) == (0, 2, 0, 0)
    assert counts(run(world, "username,status\nada,locked\nbob,locked\n")) == (0, 2, 0, 0)
    assert found(world, "bob").status is UserStatus.LOCKED


def test_a_hash_from_elsewhere_signs_in_and_is_judged_then(world: World) -> None:
    run(world, f'username,password_hash\nada,"{HASH}"\n')

    user = found(world, "ada")
    assert world.credential(user.id).judged_under == 0
    assert may_sign_in(world, "ada")
    assert world.credential(user.id).judged_under == 1


def test_bad_rows_are_told_and_good_rows_are_kept(world: World) -> None:
    told = Told()
    text = (
        "username,email,status,must_change,groups,password,password_hash,claims,password_set_at\n"
        "ok1,,,,,,,,\n"
        "\u0430da,,,,,,,,\n"
        "a,nobody,,,,,,,\n"
        "b,,gone,,,,,,\n"
        "c,,,perhaps,,,,,\n"
        "d,,,,a\0b,,,,\n"
        "e,,,,,short,,,\n"
        "f,,,,,,$md5$abc,,\n"
        f"g,,,,,{PASSWORD},{HASH.replace(',', ';')},,\n"
        "h,,,,,,,[1],\n"
        "i,,,,,,,,2999-01-01\n"
        "j,,,,,,,,yesterday\n"
        ",,,,,,,,active\n"
        "k,,,,,a\0b long enough,,,\n"
        f"l,,,,,{'p' * 5000},,,\n"
        f"m,,,,,,{'h' * 2000},,\n"
        'o,,,,,,,"{""sub"":""x""}",\n'
        "ok2,,,,,,,,\n"
    )

    summary = run(world, text, told=told)

    assert counts(summary) == (2, 0, 0, 16)
    assert told.reasons.keys() == set(range(3, 19))
    for line, part in {
        3: "scripts",
        4: "email: is not an e-mail",
        5: "status: must be one of active, inactive, locked",
        6: "must_change: must be true or false",
        7: "groups: ",
        8: "the policy refuses it: too short (min 8)",
        9: "password_hash: is of no known format",
        10: "give one of them",
        11: "claims: is not a JSON object",
        12: "between 1970 and now",
        13: "must be a time",
        14: "username: is missing",
        15: "password: is not text",
        16: "password: is too long",
        17: "must not be longer",
        18: "claims: 'sub'",
    }.items():
        assert part in told.reasons[line], (line, told.reasons[line])
    assert found(world, "ok2").status is UserStatus.ACTIVE


def test_no_reason_tells_a_password(world: World) -> None:
    told = Told()

    run(
        world,
        "username,password,password_hash\na,secret1,\nb,secret\0two,\nc,,secret3\n",
        told=told,
    )

    assert len(told.rejected) == 3
    assert "secret" not in repr([row.reason for row in told.rejected])
    assert "secret" not in repr(told.rejected)


def test_one_user_stands_on_one_line(world: World) -> None:
    told = Told()
    text = "username,email,external_id\nada,,1\nADA,,\nbob,,1\ncleo,,\n\uff43leo,,\n"

    assert counts(run(world, text, told=told)) == (2, 0, 0, 3)
    assert set(told.reasons.values()) == {"is the same user as on an earlier line"}
    assert counts(run(world, "username,external_id\n,1\nada,\n", told=told)) == (0, 0, 1, 1)


def test_users_are_known_by_the_id_they_have_elsewhere(world: World) -> None:
    told = Told()
    run(world, "username,external_id\nada,1\nbob,2\ncleo,\n")

    summary = run(
        world,
        "username,external_id\nada.lovelace,1\ncleo,2\nbob,3\n",
        told=told,
    )

    assert counts(summary) == (0, 1, 0, 2)
    assert found(world, "ada.lovelace").external_id == "1"
    assert "another user than external_id" in told.reasons[3]
    assert "another external_id" in told.reasons[4]
    assert counts(run(world, "username,external_id\ncleo,4\n")) == (0, 1, 0, 0)


def test_a_name_that_passes_from_one_user_to_another_is_refused_alone(world: World) -> None:
    run(world, "username,external_id\nada,1\nbob,\n")
    told = Told()

    summary = run(world, "username,external_id\nnew,\nbob,1\nnewer,\n", told=told)

    assert counts(summary) == (2, 0, 0, 1)
    assert list(told.reasons) == [3]


def test_portal_users_are_known_by_their_email(world: World) -> None:
    told = Told()
    text = "email,name\none@example.com,One\ntwo@example.com,Two\n"
    assert counts(run(world, text, PORTAL)) == (2, 0, 0, 0)
    one = found(world, "one@example.com", PORTAL)
    world.change_user(one.id, realm=PORTAL, username="first", username_key="first")

    assert counts(run(world, text, PORTAL)) == (0, 0, 2, 0)

    world.add_user("other", realm=PORTAL, user={"email_key": "one@example.com"})
    assert counts(run(world, text, PORTAL, told=told)) == (0, 0, 1, 1)
    assert "several users" in told.reasons[2]


def test_staff_need_a_login_name(world: World) -> None:
    told = Told()

    assert counts(run(world, "email\na@example.com\n", told=told)) == (0, 0, 0, 1)
    assert told.reasons == {2: "username: is missing"}


def test_a_file_does_not_take_peoples_own_passwords_away(world: World) -> None:
    text = f"username,password\nada,{PASSWORD}\n"
    run(world, text)
    user = found(world, "ada")
    set_user_password(world.runtime, STAFF, user.id, "my very own one", permanent=True, actor=HOST)

    summary = run(world, text)

    assert (counts(summary), summary.passwords_kept) == ((0, 0, 1, 0), 1)
    assert may_sign_in(world, "ada", "my very own one")


def test_it_brings_the_first_password_of_who_never_had_one(world: World) -> None:
    run(world, "username\nada\nbob\n")
    world.add_user("cleo", password=None)

    summary = run(
        world,
        f'username,password,password_hash\nada,{PASSWORD},\nbob,,"{HASH}"\ncleo,{PASSWORD},\n',
    )

    assert counts(summary) == (0, 3, 0, 0)
    assert may_sign_in(world, "cleo")
    assert may_sign_in(world, "ada")
    assert may_sign_in(world, "bob")


def test_but_not_the_one_that_a_bulk_reset_took_away(world: World) -> None:
    user_id = world.add_user("ada", credential={"hash": "!", "set_by": "bulk"})

    assert counts(run(world, f"username,password\nada,{PASSWORD}\n")) == (0, 0, 1, 0)

    assert world.credential(user_id).hash == "!"


def test_the_last_owner_is_not_locked_by_a_file(world: World) -> None:
    user_id, told = world.add_user("boss"), Told()
    with world.begin() as uow:
        grant_role(uow, user_id, AdminRole.OWNER)

    summary = run(world, "username,status\nada,\nboss,inactive\n", told=told)

    assert counts(summary) == (1, 0, 0, 1)
    assert told.reasons == {3: "status: the last owner must stay active"}


def test_many_batches_are_many_transactions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 10)
    text = "username\n" + "\n".join(f"user{number}" for number in range(95)) + "\n"
    told = Told()

    assert counts(run(world, text, told=told)) == (95, 0, 0, 0)

    assert told.done[-1] == 96
    assert len(told.done) == 10
    assert world.event_codes().count("user.created") == 95
    assert world.event_codes()[-1] == "users.imported"


def test_many_users_are_made_known_to_the_planner_on_the_way_and_at_the_end(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    monkeypatch.setattr(imports, "MANY", 3)
    with open_world(postgresql_url) as world:
        known: list[int] = []

        def look(_line: int) -> None:
            with world.runtime.database.connection(write=False) as connection:
                query = "SELECT reltuples FROM pg_class WHERE relname = 'credentials'"
                known.append(int(connection.exec_driver_sql(query).scalar_one()))

        rows = [SourceRow(n, {"username": f"u{n}", "password_hash": HASH}) for n in range(2, 8)]
        import_users(world.runtime, STAFF, rows, Listener(lambda _: None, look), actor=HOST)
        look(0)

    assert known == [-1, 4, 4, 6]


def test_stopped_half_way_it_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 10)
    text = "username,groups\n" + "\n".join(f"user{number},Field" for number in range(50)) + "\n"
    rows = UserFile(io.BufferedReader(io.BytesIO(text.encode()))).rows()

    def pull_the_plug(line: int) -> None:
        if line > 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_users(
            world.runtime, STAFF, rows, Listener(lambda _: None, pull_the_plug), actor=HOST
        )
    assert world.count(UserRow) == 30

    assert counts(run(world, text)) == (20, 0, 30, 0)


def test_an_import_waits_for_nobody_and_loses_nothing_beside_another(world: World) -> None:
    text = "username,groups\n" + "\n".join(f"user{number},Field" for number in range(60)) + "\n"

    def one(_: int) -> tuple[int, int, int, int]:
        try:
            return counts(run(world, text))
        except Unavailable:
            return (0, 0, 0, 0)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(one, range(3)))

    assert sum(created for created, *_ in answers) == 60
    assert world.count(UserRow) == 60


def test_an_export_reads_back_as_it_was(world: World, database_url: str) -> None:
    run(world, FULL)
    run(world, "username,name,phone_number\nd,=1+1,'+1\n@e,'@x,\n")
    with world.begin() as uow:
        create_group(uow, "Empty")

    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(EXPORT_COLUMNS)
    writer.writerows(export_users(world.runtime, STAFF))

    assert counts(run(world, text.getvalue())) == (0, 0, 5, 0)
    assert counts(run(world, text.getvalue(), PORTAL)) == (5, 0, 0, 0)
    copy = found(world, "ada", PORTAL)
    original = found(world, "ada")
    assert (copy.name, copy.claims, copy.groups) == (
        original.name,
        original.claims,
        original.groups,
    )
    assert found(world, "d", PORTAL).name == "=1+1"


def test_a_long_export_is_read_page_by_page(world: World) -> None:
    run(world, "username\n" + "".join(f"user{number:03}\n" for number in range(203)))

    names = [row[0] for row in export_users(world.runtime, STAFF)]

    assert names == [f"user{number:03}" for number in range(203)]


def test_who_becomes_two_users_meanwhile_is_not_written(world: World) -> None:
    row = read_row(SourceRow(2, {"username": "ada", "external_id": "1"}), world.clock.now())
    assert isinstance(row, ImportRow)
    world.add_user("ada", user={"external_id": "2"})

    with world.begin() as uow, pytest.raises(Conflict):
        write_rows(uow, [ReadyRow(row, None)])


def test_no_cell_of_an_export_is_a_formula_or_a_secret(world: World) -> None:
    run(world, FULL)
    run(world, 'username,name\nd,=HYPERLINK("x")\n@e,+1\n-f,\u02c8\n'.replace('"x"', "x"))

    rows = [
        dict(zip(EXPORT_COLUMNS, row, strict=True)) for row in export_users(world.runtime, STAFF)
    ]

    assert [row["username"] for row in rows] == ["'-f", "'@e", "ada", "bob", "cleo", "d"]
    assert rows[-1]["name"] == "'=HYPERLINK(x)"
    assert rows[2]["phone_number"] == "'+64 21 1"
    assert rows[2]["must_change"] == "false"
    assert not {"password", "password_hash"} & set(EXPORT_COLUMNS)
    assert "$argon2" not in repr(rows)


def test_the_work_of_hashing_is_told(database_url: str) -> None:
    hashing = {"hashing": {"memory_kib": 8, "time_cost": 1, "max_concurrent": 2}}
    with open_world(database_url, settings=hashing) as world:
        lines = "".join(f"user{number},a long enough {number}\n" for number in range(20))
        summary = run(world, "username,password\n" + lines)

        assert counts(summary) == (20, 0, 0, 0)
        assert summary.hashed == 20
        assert may_sign_in(world, "user7", "a long enough 7")
