"""`idp policy report`, `explain` and `test` as an administrator types them on the host."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from idp.core.decisions import decide
from idp.core.gate import find_account
from idp.core.groups import create_group, update_group
from idp.ids import ClientId, UserId
from tests.support import ROOT
from tests.support.commands import run_command
from tests.support.world import World

PAGE = (ROOT / "docs" / "policy-tests.md").read_text()
LONG = {"enforcement": "everyone", "rules": {"length": {"min": 12, "max": 256}}}


def _idp(world: World | None, *arguments: str) -> Result:
    return run_command(world.runtime if world else None, "policy", *arguments)


def _json(world: World | None, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    answer = _idp(world, *arguments, "--json")
    assert answer.exit_code == code, answer.stderr
    return json.loads(answer.stdout)


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_report_counts_and_adds_up(world: World) -> None:
    world.add_user("ada")
    world.add_user("bob", password=None)
    world.publish_policy(LONG)

    table = _idp(world, "report", "--realm", "staff")
    report = _json(world, "report", "--realm", "staff")

    lines = table.stdout.splitlines()
    assert "1\tstale_by_policy\tmust change it at the next sign-in, the policy is stricter now" in (
        lines
    )
    assert any(line.startswith("2\tactive_users\t") for line in lines)
    assert "version 1\t1\t1\tlength" in lines
    assert "no password\t1\t0\t" in lines
    assert report["outcomes"]["stale_by_policy"] == report["have_to_change"] == 1
    assert report["active_users"] == sum(report["outcomes"].values()) == 2


def test_one_account_is_explained(world: World) -> None:
    ada = world.add_user("ada")
    world.publish_policy(LONG)

    told = _idp(world, "explain", "ada", "--realm", "staff").stdout
    found = _json(world, "explain", ada, "--realm", "staff")

    assert "policy in force\tversion 2, everyone\n" in told
    assert "judged under\tversion 1\n" in told
    assert "findings\tpolicy.stricter (version 2, rules length)\n" in told
    assert "next sign-in\tasked for another password\n" in told
    assert "next refresh\trefused [password_change_required]\n" in told
    assert found["findings"] == [
        {"code": "policy.stricter", "params": {"version": 2, "rules": "length"}}
    ]
    assert (found["at_sign_in"], found["user_id"]) == ("change_password", ada)


def test_odd_accounts_are_explained_too(world: World) -> None:
    world.add_user("new", password=None)
    world.add_user("imported", credential={"judged_under": 0, "refused_under": 1})
    world.add_user("shared", credential={"campaign_id": "some", "must_change": True})

    said = {
        name: _idp(world, "explain", name, "--realm", "staff").stdout
        for name in ("new", "imported", "shared")
    }

    assert "next sign-in\trefused [no_password]\n" in said["new"]
    assert "password\tnone\n" in said["new"]
    assert "judged under\tnever judged\nrefused under\tversion 1\n" in said["imported"]
    assert "password set by\tself, shared by a bulk reset\n" in said["shared"]
    assert "findings\tpassword.must_change\n" in said["shared"]
    assert "access tokens\tend at once\n" in said["shared"]


def test_what_is_not_asked_yet_and_where_rules_come_from_is_explained(world: World) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        create_group(uow, "Office")
        update_group(uow, "Office", add=[ada])
    office = {"Office": {"rules": {"length": {"min": 30}, "blocklist": {"words": ["kea"]}}}}
    rules = {"length": {"min": 8}, "differs_from_current": {}}
    graced = {"enforcement": "everyone", "rules": rules, "groups": office, "grace": "P7D"}
    world.publish_policy(graced)

    told = _idp(world, "explain", "ada", "--realm", "staff").stdout
    found = _json(world, "explain", "ada", "--realm", "staff")

    assert "groups that count\tOffice\n" in told
    assert "not asked yet\tpolicy.stricter (version 2, rules length, blocklist): its grace" in told
    assert " until 2026-11-09 09:00:00Z\n" in told
    assert "length\tmin 30, max 256\tgroup Office\n" in told
    assert "differs_from_current\ton\teverybody's rules\n" in told
    assert "words (1)" in told
    assert (found["withheld"]["by"], found["withheld"]["until"]) == (
        "grace",
        "2026-11-09T09:00:00Z",
    )
    assert found["rules"][0]["groups"] == ["Office"]


def test_the_history_of_an_account_is_told(world: World) -> None:
    ada = world.add_user("ada")
    world.publish_policy(LONG | {"enforcement": "observe"})
    _decide(world, ada)
    world.advance(days=1)
    world.publish_policy(LONG)
    _decide(world, ada)
    _decide(world, ada)

    without = _idp(world, "explain", "ada", "--realm", "staff").stdout
    told = _idp(world, "explain", "ada", "--realm", "staff", "--history").stdout
    found = _json(world, "explain", "ada", "--realm", "staff")["decisions"]

    words = "because the minimum length was raised to 12 characters.\n"
    assert "An app" not in without
    asked = f"An app asked you to choose another password, {words}"
    assert f"\t2\trefused\tpolicy.stricter\t3\t{asked}" in told
    assert "\t1\twithheld by observe\tpolicy.stricter\t2\tAn app let you in although" in told
    assert [each["decision"]["count"] for each in found] == [2, 1]
    assert [each["replay"]["agrees"] for each in found] == [True, True]
    assert found[0]["decision"]["facts"]["judged_under"] == 1


def _decide(world: World, user: UserId) -> None:
    with world.begin() as uow:
        account = find_account(uow, user)
        assert account is not None
        epoch = account.epoch
        decide(uow, account, birth_epoch=epoch, session_ended=False, client_id=ClientId("app"))


def test_nobody_cannot_be_explained(world: World) -> None:
    answer = _idp(world, "explain", "nobody", "--realm", "staff")

    assert (answer.exit_code, "user.not_found" in answer.stderr) == (1, True)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Give the fixtures and the policy of the documentation as files."""
    policy, fixtures = _blocks("toml")
    paths = tmp_path / "fixtures.toml", tmp_path / "policy.toml"
    paths[0].write_text(fixtures)
    paths[1].write_text(policy)
    return paths


def test_the_documented_example_holds_without_an_installation(files: tuple[Path, Path]) -> None:
    fixtures, policy = map(str, files)

    answer = _idp(None, "test", fixtures, "--policy", policy)

    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout == _blocks("text")[0]


def test_the_documented_difference_is_shown(files: tuple[Path, Path]) -> None:
    fixtures, policy = files
    policy.write_text(policy.read_text().replace("min = 12", "min = 8"))

    answer = _idp(None, "test", str(fixtures), "--policy", str(policy))
    found = _json(None, "test", str(fixtures), "--policy", str(policy), code=1)

    assert answer.exit_code == 1
    assert _blocks("text")[1] in answer.stdout
    assert "of 9 fixtures differ" in answer.stderr
    [differs] = [one for one in found["fixtures"] if not one["passed"]]
    assert differs["name"] == "short and well known"
    assert (differs["missing"], differs["unexpected"]) == (["password.too_short"], [])
    assert (found["passed"], found["failed"]) == (8, 1)


def test_the_policy_in_force_is_tested(world: World, tmp_path: Path) -> None:
    path = tmp_path / "fixtures.toml"
    path.write_text(
        '[[password]]\npassword = "secret-seven"\nexpect = ["password.too_short"]\n'
        '[[credential]]\nexpect = []\naction = "sign_in"\nwarn = ["password.expires_soon"]\n'
    )

    answer = _idp(world, "test", str(path), "--realm", "staff")

    assert answer.exit_code == 1
    assert answer.stdout == (
        "DIFFERS  password.1\n"
        "    - password.too_short  (expected, not found)\n"
        "DIFFERS  credential.1\n"
        "    - action: sign_in  (expected, not found)\n"
        "    - warning: password.expires_soon  (expected, not found)\n"
        "    + action: none  (found, not expected)\n"
    )
    assert "secret-seven" not in answer.output


LOOKED_UP = """
[[password]]
name = "measured"
password = "tangaroawhakapapa"
username = "whakapapa"
email = "tangaroa@example.com"
expect = ["password.too_weak"]

[[password]]
name = "said to be strong and to have leaked"
password = "password1"
strength = 4
breached = true
common = false
expect = ["password.breached"]

[[password]]
name = "nobody can look"
password = "kereru over the harbour"
breached = "unknown"
expect = ["password.breach_check_failed"]

[[password]]
name = "almost the present one"
password = "kereru over the harbour"
current_password = "Kereru over the harbour 2"
expect = ["password.too_similar"]

[[password]]
name = "the present one"
password = "kereru over the harbour"
current_password = "kereru over the harbour"
expect = ["password.same_as_current"]
"""


def test_what_is_looked_up_elsewhere_can_be_said(tmp_path: Path) -> None:
    fixtures, policy = tmp_path / "fixtures.toml", tmp_path / "policy.toml"
    fixtures.write_text(LOOKED_UP)
    policy.write_text(
        "[rules]\ndiffers_from_current = {min_distance = 4}\nstrength = {min_score = 3}\n"
        'breached = {source = "hibp", on_failure = "refuse"}\n'
    )

    answer = _idp(None, "test", str(fixtures), "--policy", str(policy))

    assert answer.exit_code == 0, answer.stdout + answer.stderr
    for wrong in ("strength = 5", 'breached = "perhaps"', 'current_password = "a\\u0000b"'):
        fixtures.write_text(f'[[password]]\npassword = "x"\nexpect = []\n{wrong}\n')
        answer = _idp(None, "test", str(fixtures), "--policy", str(policy))
        assert answer.exit_code == 1
        assert f"password.1.{wrong.split(' ')[0]}" in answer.stderr


EVERY_FACT = """
[[password]]
password = "kereru over the harbour"
forced = true
matches_current = true
earlier = [{position = 2, ago = "P30D"}, {position = 30, ago = "P400D"}]
common = true
past_bulk_secret = true
current_age = "PT1H"
email = "ada@example.com"
expect = [
    "password.same_as_current", "password.used_before", "password.common",
    "password.past_bulk_secret",
]

[[password]]
name = "too soon"
password = "takahe behind the dunes"
current_age = "PT1H"
expect = ["password.too_new"]

[[credential]]
judged_under = "nothing"
refused = true
age = "P91D"
expect = ["password.too_old", "policy.not_met"]
action = "change_password"

[[credential]]
temporary_left = "P1D"
expect = []
action = "none"
"""


def test_every_fact_counts(tmp_path: Path) -> None:
    fixtures, policy = tmp_path / "fixtures.toml", tmp_path / "policy.toml"
    fixtures.write_text(EVERY_FACT)
    policy.write_text(
        "[rules]\nhistory = {last = 5}\nblocklist = {common = true}\n"
        "max_age = {days = 90}\nmin_age = {hours = 24}\n"
    )

    answer = _idp(None, "test", str(fixtures), "--policy", str(policy))

    assert answer.exit_code == 0, answer.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "there is nothing to test"),
        ("[[passwords]]\n", "passwords"),
        ('[[password]]\nexpect = []\npassword = ""\n[[password]]\nexpect = []\n', "password.2"),
        ('[[password]]\npassword = "x"\nexpect = ["password.to_short"]\n', "password.too_short"),
        ('[[password]]\npassword = "a\\u0000b"\nexpect = []\n', "password.1.password"),
        ('[[credential]]\nexpect = []\nage = "-P1D"\n', "must not be negative"),
        ("[[credential]]\nexpect = []\nage = 3\n", "must be a duration"),
        ('[[credential]]\nexpect = []\nage = "P1Y"\n', "credential.1.age"),
        (
            "[[credential]]\nexpect = []\njudged_under = {length = {mn = 3}}\n",
            "credential.1.judged_under.length.mn",
        ),
        ("[[credential", "policy.fixtures_unreadable"),
    ],
)
def test_a_mistake_in_the_fixtures_is_placed(
    files: tuple[Path, Path], content: str, said: str
) -> None:
    fixtures, policy = files
    fixtures.write_text(content)

    answer = _idp(None, "test", str(fixtures), "--policy", str(policy))

    assert answer.exit_code == 1
    assert said in answer.stderr


@pytest.mark.parametrize("both", [True, False])
def test_one_policy_is_tested(world: World, files: tuple[Path, Path], *, both: bool) -> None:
    fixtures, policy = map(str, files)
    named = ("--realm", "staff", "--policy", policy) if both else ()

    answer = _idp(world, "test", fixtures, *named)

    assert (answer.exit_code, "--policy FILE" in answer.stderr) == (2, True)
