"""The policy as its owners and its users meet it (Y-06, Y-08, Y-12, Y-14, Y-15).

Each rule, what its patterns may cost (Y-14), the reading of documents and the arithmetic of groups
are tested in `tests/policy`; that a group counts from the next token on (Y-12), in
`tests/idp/oidc/test_decisions.py`; that the preview equals what happens to everybody (Y-15), in
`tests/campaigns/test_preview.py`.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result

from idp.app import assemble
from idp.config import load
from idp.core.groups import create_group, update_group
from idp.core.policy_versions import get_policy_version
from idp.core.policy_words import find_conflicts
from idp.ids import RealmName
from idp.store.policies import PolicyVersionRow
from policy.model import Enforcement
from policy.parse import parse
from tests.idp.api.desk import USERS, Reply
from tests.idp.doors import NO_BRAKES, House
from tests.support.commands import run_command
from tests.support.story import open_story
from tests.support.world import PASSWORD, PORTAL, STAFF

Document = Mapping[str, object]

PLANS, POLICY = "/realms/staff/plans", "/realms/staff/policy"
EIGHT: Document = {"enforcement": "everyone", "rules": {"length": {"min": 8, "max": 256}}}
TWENTY: Document = {"enforcement": "everyone", "rules": {"length": {"min": 20, "max": 256}}}
LONG = "kereru over the dunes"
"""Twenty-one characters, no digit, no capital letter."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Give the product over a database of each kind."""
    with open_story(database_url, policy=EIGHT, settings={"limits": NO_BRAKES}) as story:
        yield House(story, tmp_path)


def order(house: House, document: object, **params: object) -> Reply:
    """Return the answer to somebody who plans to publish a policy over REST."""
    body = {"kind": "policy.publish", "params": {"policy": document, **params}}
    return house.desk.post(PLANS, house.owner, body)


def publish(house: House, document: object, **params: object) -> None:
    """Publish a policy over REST."""
    plan = order(house, document, **params)
    body = {"fingerprint": plan.json["fingerprint"]}
    applied = house.desk.post(f"/plans/{plan.json['id']}/apply", house.owner, body)
    assert applied.status == 202, applied.text


def idp(house: House, *arguments: str) -> Result:
    """Return what a command about the policy of the staff answered."""
    runtime = house.story.world.runtime
    return run_command(runtime, "policy", *arguments, "--realm", "staff")


def in_a_file(house: House, document: object) -> str:
    """Return the path of a file with a policy in it."""
    file = house.folder / "policy.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


# --- Y-06: what NIST advises against

CONFLICTS = {
    "characters": ({"digits": 1}, "composition rules", "digits off → 1: stricter"),
    "max_age": ({"days": 90}, "periodic changes", "maximum age in days off → 90: stricter"),
}


@pytest.mark.database
def test_a_fresh_installation_asks_for_neither_composition_nor_periodic_change(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.toml"
    assert run_command(None, "init", "--config", str(file)).exit_code == 0
    runtime = assemble(load(file))
    for realm in (STAFF, PORTAL):
        with runtime.begin(RealmName(realm), write=False) as uow:
            document = get_policy_version(uow).document
        policy = parse(document, default_enforcement=Enforcement.EVERYONE)
        names = {rule.name for rule in policy.rules}

        assert names == {"length", "differs_from_current", "blocklist", "not_personal"}
        assert find_conflicts(policy) == ()
    runtime.database.close()


@pytest.mark.parametrize("rule", CONFLICTS)
@pytest.mark.parametrize("part", ["everybody", "a group"])
def test_switching_it_on_is_confirmed_by_name_and_on_record(
    house: House, rule: str, part: str
) -> None:
    params, conflict, change = CONFLICTS[rule]
    document: dict[str, object] = {**EIGHT, "rules": {"length": {"min": 8, "max": 256}}}
    if part == "everybody":
        document["rules"] = {"length": {"min": 8, "max": 256}, rule: params}
    else:
        with house.story.world.begin() as uow:
            create_group(uow, "Office")
        document["groups"] = {"Office": {"rules": {rule: params}}}
    file = in_a_file(house, document)

    over_rest = order(house, document)
    on_the_host = [idp(house, verb, file) for verb in ("plan", "publish")]
    assert (over_rest.status, over_rest.code) == (409, "policy.conflicts_with_nist")
    [named] = over_rest.json["params"]["conflicts"]
    for said in (named, *(answer.output for answer in on_the_host)):
        assert conflict in said
    assert [answer.exit_code for answer in on_the_host] == [1, 1]
    assert house.desk.get(POLICY, house.owner).json["number"] == 1

    publish(house, document, accept_conflicts=True)

    [event] = [event for event in house.story.world.events() if event.code == "policy.published"]
    assert event.actor_id == house.story.people["olga"]
    assert any(line.endswith(change) for line in event.params["diff"]), event.params["diff"]
    [plan] = house.desk.get(PLANS, house.owner).json["items"]
    assert plan["counts"]["conflicts"] == [named]


# --- Y-08: versions


def test_every_edit_is_a_version_that_stays_as_it_was(house: House) -> None:
    rows = [version_rows(house)]
    for document in (TWENTY, EIGHT):
        publish(house, document)
        rows.append(version_rows(house))

    assert [sorted(each) for each in rows] == [[1], [1, 2], [1, 2, 3]]
    for earlier, later in pairwise(rows):
        assert earlier.items() <= later.items()
    documents = {
        number: house.desk.get(f"{POLICY}/versions/{number}", house.owner).json
        for number in (1, 2, 3)
    }
    assert [documents[number]["document"] for number in (1, 2, 3)] == [EIGHT, TWENTY, EIGHT]
    assert documents[1]["digest"] == documents[3]["digest"] != documents[2]["digest"]
    assert [documents[number]["is_current"] for number in (1, 2, 3)] == [False, False, True]
    verbs = (house.desk.patch, house.desk.post)
    tries = [verb(f"{POLICY}/versions/1", house.owner, {"document": TWENTY}) for verb in verbs]
    assert {answer.status for answer in tries} == {405}


def version_rows(house: House) -> dict[int, str]:
    """Return everything that is stored of each version, by its number."""
    columns = PolicyVersionRow.__table__.c
    with house.story.world.begin(write=False) as uow:
        rows = uow.db.scalars(sa.select(PolicyVersionRow)).all()
        return {row.number: repr([getattr(row, column.name) for column in columns]) for row in rows}


def test_users_keep_the_version_they_passed_and_the_report_adds_up(house: House) -> None:
    house.person("early")
    house.person("never-back")
    house.person("imported", credential={"judged_under": 0})
    house.person("none", password=None)
    house.story.world.add_user("gone", user={"status": "inactive"})
    assert house.owner
    counted = [report(house)]

    publish(house, TWENTY)
    counted.append(report(house))
    person = house.sign_in("early", PASSWORD)
    passwords = {"new_password": LONG, "confirm_password": LONG}
    person.submit(current_password=PASSWORD, **passwords)
    house.desk.post(USERS, house.owner, {"username": "middle", "password": LONG})
    counted.append(report(house))

    publish(house, EIGHT)
    counted.append(report(house))
    assert house.gets_in("never-back", PASSWORD)
    house.idp(
        "user", "add", "--username", "late", "--realm", "staff", "--password-stdin", stdin=LONG
    )
    counted.append(report(house))

    assert [versions_of(each) for each in counted] == [
        {1: 3, 0: 1, None: 1},
        {1: 3, 0: 1, None: 1},
        {2: 2, 1: 2, 0: 1, None: 1},
        {2: 2, 1: 2, 0: 1, None: 1},
        {3: 1, 2: 2, 1: 2, 0: 1, None: 1},
    ]
    for each in counted:
        assert sum(versions_of(each).values()) == each["active_users"]
        assert sum(each["outcomes"].values()) == each["active_users"]
        assert sum(line["have_to_change"] for line in each["versions"]) == each["have_to_change"]
    assert [each["have_to_change"] for each in counted] == [0, 3, 2, 0, 0]
    passed = {"early": 2, "never-back": 1, "imported": 0, "middle": 2, "late": 3}
    assert {name: passed_under(house, name) for name in passed} == passed


def report(house: House) -> dict[str, Any]:
    """Return the report over REST, which is what the host prints."""
    answer = house.desk.get(f"{POLICY}/report", house.owner).json
    assert answer == json.loads(idp(house, "report", "--json").stdout)
    return answer


def versions_of(told: Mapping[str, Any]) -> dict[int | None, int]:
    """Return how many users passed which version, by a report."""
    return {line["version"]: line["users"] for line in told["versions"]}


def passed_under(house: House, name: str) -> int:
    """Return the version that somebody's password passed."""
    told = json.loads(idp(house, "explain", name, "--json").stdout)
    number: int = told["password"]["judged_under"]
    return number


# --- Y-12: several policies

BOTH: dict[str, Any] = {
    **EIGHT,
    "groups": {
        "Office": {"rules": {"length": {"min": 16, "max": 256}}},
        "Field": {"rules": {"length": {"min": 12, "max": 30}, "blocklist": {"words": [LONG]}}},
    },
}
MEMBERS = {
    "both": ("Office", "Field"),
    "other-way": ("Field", "Office"),
    "office": ("Office",),
    "field": ("Field",),
    "nobody": (),
}
REFUSED = {
    "kereru 7": {"both", "other-way", "office", "field"},
    "kereru over 7": {"both", "other-way", "office"},
    LONG: {"both", "other-way", "field"},
    "the quiet heron of the tarn": set(),
    "the quiet heron of the silver tarn": {"both", "other-way", "field"},
}
"""Which members are refused a password."""


def test_the_strictest_of_several_policies_holds_whatever_the_order(house: House) -> None:
    for realm in (STAFF, PORTAL):
        with house.story.world.begin(realm) as uow:
            for name in ("Office", "Field"):
                create_group(uow, name)
    house.story.world.publish_policy(BOTH)
    for name, groups in MEMBERS.items():
        join(house, name, *groups)
    pat = house.story.person("pat", realm=PORTAL)
    with house.story.world.begin(PORTAL) as uow:
        for name in ("Office", "Field"):
            update_group(uow, name, add=[pat])

    for password, refused in REFUSED.items():
        answers = {name: give(house, "staff", name, password) for name in MEMBERS}
        answers["pat"] = give(house, "portal", "pat", password)
        assert {name for name, status in answers.items() if status == 422} == refused, password
        assert set(answers.values()) <= {200, 204, 422}


def test_groups_hold_no_groups(house: House) -> None:
    groups = "/realms/staff/groups"
    with house.story.world.begin() as uow:
        create_group(uow, "Office")
        create_group(uow, "Office North")
    house.story.world.publish_policy(BOTH | {"groups": {"Office": BOTH["groups"]["Office"]}})
    join(house, "ada", "Office North")

    for member in ("parent", "groups", "members"):
        refused = house.desk.post(groups, house.owner, {"name": "South", member: "Office"})
        assert (refused.status, refused.code) == (422, "request.invalid")
    assert give(house, "staff", "ada", "kereru 7") in (200, 204)


def join(house: House, name: str, *groups: str) -> None:
    """Add somebody and have them join groups, one after the other."""
    user_id = house.person(name)
    for group in groups:
        with house.story.world.begin() as uow:
            update_group(uow, group, add=[user_id])


def give(house: House, realm: str, name: str, password: str) -> int:
    """Return the status with which an administrator may give somebody a password."""
    path = f"/realms/{realm}/users/{house.story.people[name]}/set-password"
    return house.desk.post(path, house.owner, {"password": password}).status


# --- Y-14: rules that would cost much, or that no password meets

ABSURD: Mapping[str, tuple[Document, str]] = {
    "negative": ({"length": {"min": -1}}, "length.min"),
    "nothing": ({"length": {"min": 0}}, "length.min"),
    "ten thousand": ({"length": {"min": 10_000, "max": 10_000}}, "length.min"),
    "min over max": ({"length": {"min": 20, "max": 10}}, "length.min"),
    "more digits than places": (
        {"length": {"min": 1, "max": 5}, "characters": {"digits": 6}},
        "characters",
    ),
    "a strength that is too long": (
        {"length": {"min": 1, "max": 5}, "strength": {"min_score": 4}},
        "strength",
    ),
    "a regular expression": ({"blocklist": {"regex": "(a+)+$"}}, "blocklist.regex"),
    "everything": ({"blocklist": {"patterns": ["*"]}}, "blocklist.patterns.0"),
    "too many words": ({"blocklist": {"words": ["word"] * 10_001}}, "blocklist.words"),
    "too many patterns": ({"blocklist": {"patterns": ["a*"] * 1001}}, "blocklist.patterns"),
}


@pytest.mark.parametrize("part", ["everybody", "a group"])
def test_an_absurd_policy_is_not_saved(house: House, part: str) -> None:
    with house.story.world.begin() as uow:
        create_group(uow, "Office")

    for what, (rules, path) in ABSURD.items():
        document: dict[str, object] = {"rules": rules}
        place = f"rules.{path}"
        if part == "a group":
            document = {"rules": {}, "groups": {"Office": {"rules": rules}}}
            place = f"groups.Office.rules.{path}"
        over_rest = order(house, document, accept_conflicts=True)
        on_the_host = idp(house, "publish", in_a_file(house, document), "--yes")

        assert (over_rest.status, over_rest.code) == (422, "policy.invalid"), what
        assert over_rest.json["params"]["path"] == place, what
        assert (on_the_host.exit_code, place in on_the_host.stderr) == (1, True), what
    assert list(version_rows(house)) == [1]


def test_groups_that_no_member_of_both_could_satisfy_are_not_saved(house: House) -> None:
    groups = {
        "Field": {"rules": {"length": {"min": 1, "max": 10}}},
        "Office": {"rules": {"length": {"min": 16, "max": 256}}},
    }
    with house.story.world.begin() as uow:
        for name in groups:
            create_group(uow, name)

    refused = order(house, {"rules": {}, "groups": groups})

    assert (refused.status, refused.code) == (422, "policy.invalid")
    assert str(refused.json["params"]["path"]).startswith("groups.Office.rules")


def test_what_looks_like_a_costly_expression_is_plain_letters(house: House) -> None:
    nasty = ["(a+)+$", "(?:a|a)*b", "*a*a*a*a*a*a*a*a*a*!"]
    rules = {"length": {"min": 8, "max": 256}, "blocklist": {"common": False, "patterns": nasty}}
    publish(house, {"enforcement": "everyone", "rules": rules})
    house.person("ada")

    for taken in ("aaaaaaaaaaaa", "aaaaaaaaaaab", "(A+)+$ and more", "a" * 256):
        assert give(house, "staff", "ada", taken) in (200, 204), taken
    for refused in ("(?:A|A) at the b", f"{'kea ' * 20}!"):
        assert give(house, "staff", "ada", refused) == 422, refused


def test_a_gigabyte_is_not_read(house: House) -> None:
    file = house.folder / "huge.toml"
    with file.open("wb") as stream:
        stream.truncate(1 << 30)

    on_the_host = idp(house, "publish", str(file), "--yes")
    length = {"CONTENT_LENGTH": str(1 << 30)}
    over_rest = house.desk.call(
        "POST",
        PLANS,
        house.owner,
        data=b"{",
        content_type="application/json",
        environ_overrides=length,
    )

    assert (on_the_host.exit_code, "is too large" in on_the_host.stderr) == (1, True)
    assert over_rest.status == 413


# --- Y-15: the preview


@pytest.mark.parametrize("way", ["API", "CLI"])
def test_a_preview_counts_whom_it_would_hit_and_changes_nothing(house: House, way: str) -> None:
    for document in (TWENTY, EIGHT):
        house.story.world.publish_policy(document)
    for name in ("ada", "ben"):
        house.person(name)
    house.person("fine", credential={"judged_under": 2})
    house.person("imported", credential={"judged_under": 0})
    house.person("none", password=None)
    house.story.sign_in("ada")
    assert house.owner
    before = everything(house)

    if way == "API":
        plan = order(house, TWENTY).json
    else:
        plan = json.loads(idp(house, "plan", in_a_file(house, TWENTY), "--json").stdout)

    assert everything(house) == before
    assert plan["counts"]["stricter"] == ["length"]
    assert plan["counts"]["marked"] == 3  # olga, whose token plans it, is one of them
    assert plan["counts"]["never_judged"] == 1
    states = {state: users for state, users in plan["counts"]["states"].items() if users}
    assert states == {"must_change": 3, "judged": 1, "compliant": 1, "exempt": 1}
    assert house.gets_in("ada", PASSWORD)
    assert house.desk.get(POLICY, house.owner).json["number"] == 3


def everything(house: House) -> dict[str, list[str]]:
    """Return all rows of all tables, but plans and what the audit trail says of them."""
    found = {}
    with house.story.world.runtime.database.connection(write=False) as connection:
        for name in sa.inspect(connection).get_table_names():
            query: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(sa.table(name))
            lines = map(repr, connection.execute(query).all())
            found[name] = sorted(line for line in lines if "plan.created" not in line)
    del found["plans"]
    return found
