"""Rules that other distributions bring, found by their entry points."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from idp.app import create_app, policy_rules
from idp.clock import FakeClock
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.work import HOST
from idp.errors import ConfigError, PasswordRejected, Unavailable
from idp.web import messages
from policy.engine import describe, judge
from policy.model import Enforcement, Rule
from policy.parse import PolicyError, parse
from policy.rules import RULES
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate
from tests.support import ROOT
from tests.support.commands import run_command
from tests.support.world import STAFF, World, open_world

PAGE = (ROOT / "docs" / "third-party-rules.md").read_text(encoding="utf-8")
MODULE, OTHER_MODULE = "acme_rules", "beta_rules"
GROUP = "idp.policy_rules"

Install = Callable[..., None]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


SOURCE = blocks("python")[0]
PROJECT, POLICY = map(tomllib.loads, blocks("toml"))
POINTS: dict[str, str] = PROJECT["project"]["entry-points"][GROUP]
PROBLEM = "distribution acme-rules, entry point no_run: "


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Give a way to install a distribution for the length of a test."""

    def put(
        source: str = SOURCE,
        points: dict[str, str] = POINTS,
        *,
        name: str = "acme-rules",
        module: str = MODULE,
    ) -> None:
        folder = tmp_path / name
        information = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        information.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        lines = "".join(f"{key} = {value}\n" for key, value in points.items())
        (information / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
        monkeypatch.syspath_prepend(folder)

    monkeypatch.setattr(messages, "_OF_OTHERS", {})
    yield put
    for module in (MODULE, OTHER_MODULE):
        sys.modules.pop(module, None)


def problem_of(source: str, points: dict[str, str], install: Install) -> str:
    """Return why a rule is not taken."""
    install(source, points)
    with pytest.raises(ConfigError) as refused:
        policy_rules()
    return str(refused.value)


def test_without_others_there_are_the_built_in_rules() -> None:
    assert policy_rules() == RULES


def test_the_rule_of_the_page_is_one_like_any_other(install: Install) -> None:
    install()
    rules = policy_rules()
    policy = parse(POLICY, default_enforcement=Enforcement.NEVER, rules=rules)
    messages.learn_texts(rules)

    assert [rule.name for rule in rules] == [*(rule.name for rule in RULES), "no_run"]
    refused = judge(policy, a_candidate("aaab over the hills"))
    assert refused == (Finding("acme.run", {"most": 2}),)
    assert judge(policy, a_candidate("aabb over the hills")) == ()
    assert messages.wrong_with(refused) == ["It has a character more than 2 times in a row."]
    assert [line["text"] for line in messages.requirements(describe(policy))] == [
        "At least 12 characters",
        "No character more than 2 times in a row",
    ]
    looser = parse(
        {"rules": {"no_run": {"most": 3}}}, default_enforcement=Enforcement.NEVER, rules=rules
    )
    assert policy.rules[-1].direction(looser.rules[0]) is Direction.STRICTER
    with pytest.raises(PolicyError, match=r"rules\.no_run\.most.*between 1 and 9"):
        parse(
            {"rules": {"no_run": {"most": 0}}}, default_enforcement=Enforcement.NEVER, rules=rules
        )


def test_it_holds_where_passwords_are_set_and_is_told_in_its_words(
    install: Install, database_url: str, clock: FakeClock
) -> None:
    install()
    with open_world(database_url, clock) as world:
        world.runtime.rules = policy_rules()
        create_app(world.runtime)
        world.publish_policy(POLICY)
        ada = world.add_user("ada")

        with pytest.raises(PasswordRejected) as refused:
            _set(world, ada, "aaab over the hills")
        findings = [Finding(found.code, found.params) for found in refused.value.findings]
        assert messages.wrong_with(findings) == ["It has a character more than 2 times in a row."]
        _set(world, ada, "aabb over the hills")


def _set(world: World, user_id: str, password: str) -> None:
    setting = Setting(source=SetBy.ADMIN)
    set_password(world.runtime, STAFF, user_id, password, setting, actor=HOST)  # type: ignore[arg-type]


def test_nothing_is_judged_without_a_rule_that_is_gone(
    install: Install, database_url: str, clock: FakeClock
) -> None:
    install()
    with open_world(database_url, clock) as world:
        ada = world.add_user("ada")
        world.runtime.rules = policy_rules()
        world.publish_policy(POLICY)
        world.runtime.rules = RULES

        with pytest.raises(Unavailable, match=r"policy\.unreadable"):
            _set(world, ada, "aabb over the hills")


def test_a_policy_in_a_file_can_be_tested_with_it(install: Install, tmp_path: Path) -> None:
    install()
    policy, fixtures = tmp_path / "policy.toml", tmp_path / "fixtures.toml"
    policy.write_text(blocks("toml")[1])
    fixtures.write_text(
        '[[password]]\npassword = "aaab over the hills"\nexpect = ["acme.run"]\n'
        "[[credential]]\njudged_under = {no_run = {most = 3}, length = {min = 12}}\n"
        'expect = ["policy.stricter"]\n'
    )

    answer = run_command(None, "policy", "test", str(fixtures), "--policy", str(policy))

    assert answer.exit_code == 0, answer.stderr + answer.stdout


def test_rules_stand_in_the_order_of_their_distributions(install: Install) -> None:
    install(name="zeta-rules")
    second = SOURCE.replace('"no_run"', '"no_walk"').replace("acme.", "beta.")
    install(second, {"z": f"{OTHER_MODULE}:NoRun"}, name="beta-rules", module=OTHER_MODULE)

    assert [rule.name for rule in policy_rules()[len(RULES) :]] == ["no_walk", "no_run"]


def changed(old: str, new: str) -> str:
    assert old in SOURCE
    return SOURCE.replace(old, new)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "cannot be loaded: AttributeError"),
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError"),
        ("raise SystemError('broken')", "cannot be loaded: SystemError: broken"),
        ("NoRun = 5", "is not a subclass of policy.model.Rule"),
        ("class NoRun: pass", "is not a subclass of policy.model.Rule"),
        (changed("@dataclass(frozen=True, slots=True)\n", ""), "is not a frozen dataclass"),
        (
            changed("Annotated[int, Whole(1, 9, Tightens.DOWN)]", "int"),
            "has a field that is not declared as Annotated",
        ),
        (
            changed("Annotated[int, Whole(1, 9, Tightens.DOWN)]", "Annotated[int, 5]"),
            "has a field that is not declared as Annotated",
        ),
        (changed('    name: ClassVar[str] = "no_run"\n', ""), "needs a name"),
        (changed('= "no_run"', '= "No Run"'), "needs a name"),
        (changed("= (code,)", "= ()"), "needs codes and lines"),
        (changed("= (code,)", "= code"), "needs codes and lines"),
        (changed("= (code,)", '= ("acme.other",)'), "needs codes and lines"),
        (changed('("acme.rule.no_run",)', '("no run",)'), "needs codes and lines"),
        (changed("= Kind.CONTENT", '= "content"'), "needs a kind"),
        (
            changed("    texts:", "    needs: ClassVar[object] = ('common',)\n    texts:"),
            "needs as needs a frozenset",
        ),
        (changed('        "acme.run": ', '        "acme.ran": '), "has no text for acme.run"),
        (
            changed("= {\n", "= [\n").replace("\n    }\n", "\n    ]\n").replace('": "', '", "'),
            "needs as texts a mapping",
        ),
        (changed("than {most} times", "than {} times"), "whose fields are not plain names"),
        (
            changed("than {most} times", "than {most.real} times"),
            "whose fields are not plain names",
        ),
        (changed("than {most} times", "than {most times"), "whose fields are not plain names"),
        (changed('"no_run"', '"length"'), "has the name length, which policy.rules.length.Length"),
        (
            changed('"acme.run"', '"password.common"'),
            "has the name password.common, which policy.rules.blocklist.Blocklist",
        ),
        (changed('"acme.run"', '"policy.stricter"'), "which the policy engine has already"),
        (changed('"acme.rule.no_run"', '"acme.run"'), "has the name acme.run twice"),
    ],
)
def test_a_rule_that_cannot_be_used_stops_the_start(
    source: str, reason: str, install: Install
) -> None:
    problem = problem_of(source, POINTS, install)

    assert problem.startswith(PROBLEM)
    assert reason in problem


def test_a_rule_is_not_taken_twice(install: Install) -> None:
    problem = problem_of(SOURCE, POINTS | {"same": POINTS["no_run"]}, install)

    assert "has the name no_run, which acme_rules.NoRun has already" in problem


def test_words_that_do_not_fit_a_finding_give_way_to_its_code(install: Install) -> None:
    install(
        changed(
            'more than {most} times in a row.",\n        "acme.rule',
            '{other:d}.",\n        "acme.rule',
        )
    )
    messages.learn_texts(policy_rules())

    for finding in (Finding("acme.run", {"most": 2}), Finding("acme.run", {"other": "x"})):
        assert "(acme.run)" in messages.wrong_with([finding])[0]


def test_every_rule_is_the_same_class_in_all_places(install: Install) -> None:
    install()
    first, second = policy_rules()[-1], policy_rules()[-1]

    assert first is second
    assert issubclass(first, Rule)
