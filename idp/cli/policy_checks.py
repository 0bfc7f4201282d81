"""`idp policy test`: what a policy says of made-up passwords and credentials."""

from collections.abc import Iterable
from pathlib import Path

import click

from idp.cli.base import CliContext, json_option
from idp.cli.following import look_at
from idp.cli.policy_files import read_document
from idp.cli.policy_fixtures import read_fixtures
from idp.core.policies import current_policy
from idp.core.policy_fixtures import FixtureResult, run_fixtures
from idp.core.policy_versions import read_policy
from idp.ids import RealmName
from policy.model import PolicyVersion, Rule

_NO_REALM = RealmName("staff")
"""A policy in a file is read as one of staff: the enforcement it does not name is `everyone`."""


@click.command("test")
@click.argument("fixtures", type=click.Path(path_type=Path))
@click.option("--realm", metavar="R", help="Test the policy in force there.")
@click.option(
    "--policy", "file", type=click.Path(path_type=Path), metavar="FILE", help="Test this one."
)
@json_option
@click.pass_obj
def test_command(
    context: CliContext, fixtures: Path, realm: str | None, file: Path | None, *, as_json: bool
) -> None:
    """Test a policy against expected findings.

    FIXTURES lists passwords and credentials with the codes that are expected of each. Exits 1
    when one differs. With --policy neither a configuration nor a database is needed.
    """
    parts = context.parts()
    rules = parts.policy_rules()
    policy = _policy_to_test(context, realm, file, rules)
    cases = read_fixtures(fixtures, policy, rules)
    results = run_fixtures(policy, cases, parts.common_passwords(), parts.strength_meter())
    failed = sum(not result.passed for result in results)
    if as_json:
        counts = {"passed": len(results) - failed, "failed": failed}
        context.print_json({**counts, "fixtures": results})
    else:
        for line in _tested(results):
            click.echo(line)
    if failed:
        context.fail(f"{failed} of {len(results)} fixtures differ from the policy")


def _policy_to_test(
    context: CliContext, realm: str | None, file: Path | None, rules: Iterable[type[Rule]]
) -> PolicyVersion:
    if realm is not None and file is None:
        return look_at(context, context.realm(realm), current_policy)
    if file is not None and realm is None:
        return read_policy(_NO_REALM, read_document(file), rules=rules)
    message = "say which policy: --realm R or --policy FILE"
    raise click.UsageError(message)


def _tested(results: Iterable[FixtureResult]) -> Iterable[str]:
    for result in results:
        yield f"{'ok' if result.passed else 'DIFFERS'}  {result.name}"
        yield from (f"    - {code}  (expected, not found)" for code in result.missing)
        yield from (f"    + {code}  (found, not expected)" for code in result.unexpected)
