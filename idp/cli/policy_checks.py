"""`idp policy report`, `explain` and `test`: looking at what a policy does, changing nothing."""

from collections.abc import Iterable
from pathlib import Path

import click

from idp.cli.base import CliContext, json_option, realm_option
from idp.cli.following import look_at
from idp.cli.policy_files import read_document
from idp.cli.policy_fixtures import read_fixtures
from idp.cli.user_subjects import user_argument, user_named
from idp.core.policies import current_policy
from idp.core.policy_explaining import AtSignIn, Explanation, explain_account
from idp.core.policy_fixtures import FixtureResult, run_fixtures
from idp.core.policy_report import Outcome, PolicyReport, VersionCount, get_policy_report
from idp.core.policy_versions import read_policy
from idp.ids import RealmName, UserId
from policy.model import PolicyVersion
from policy.verdict import Finding

_NO_REALM = RealmName("staff")
"""A policy in a file is read as one of staff: the enforcement it does not name is `everyone`."""

_OUTCOMES = {
    Outcome.TEMPORARY_EXPIRED: "had a temporary password whose time is over",
    Outcome.MUST_CHANGE: "must change it now, an administrator says so",
    Outcome.TOO_OLD: "must change it now, it is too old",
    Outcome.REFUSED: "must change it, the policy refused it at a sign-in",
    Outcome.STALE: "must change it at the next sign-in, the policy is stricter now",
    Outcome.TO_BE_JUDGED: "is judged at the next sign-in",
    Outcome.TEMPORARY: "still uses a temporary or shared password",
    Outcome.EXEMPT: "is not asked, the policy's enforcement exempts them",
    Outcome.OK: "has a password that the policy accepts",
    Outcome.NO_PASSWORD: "has no password",
}
_AT_SIGN_IN = {
    AtSignIn.REFUSED: "refused",
    AtSignIn.CHANGE_PASSWORD: "asked for another password",
    AtSignIn.JUDGED: "the password is judged; asked for another one only if it is refused",
    AtSignIn.LET_IN: "let in",
}


@click.command("report")
@realm_option
@json_option
@click.pass_obj
def report_command(context: CliContext, realm: str, *, as_json: bool) -> None:
    """Count who still has to change the password, and why."""
    report = look_at(context, context.realm(realm), get_policy_report)
    if as_json:
        context.print_json(report)
        return
    context.table(_report_rows(report), ("users", "outcome", "meaning"))
    click.echo()
    columns = ("judged under", "users", "have to change", "stricter now")
    context.table([_version_row(row) for row in report.versions], columns)


@click.command("explain")
@user_argument
@realm_option
@json_option
@click.pass_obj
def explain_command(context: CliContext, user: str, realm: str, *, as_json: bool) -> None:
    """Say what an account is asked for now, and why."""
    name = context.realm(realm)
    found = look_at(
        context, name, lambda uow: explain_account(uow, UserId(user_named(uow, user).id))
    )
    if as_json:
        context.print_json(found)
        return
    context.details(_explained(found))


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
    policy = _policy_to_test(context, realm, file)
    cases = read_fixtures(fixtures, policy)
    results = run_fixtures(policy, cases, context.parts().common_passwords())
    failed = sum(not result.passed for result in results)
    if as_json:
        counts = {"passed": len(results) - failed, "failed": failed}
        context.print_json({**counts, "fixtures": results})
    else:
        for line in _tested(results):
            click.echo(line)
    if failed:
        context.fail(f"{failed} of {len(results)} fixtures differ from the policy")


def _report_rows(report: PolicyReport) -> list[tuple[object, ...]]:
    version = f"policy version {report.policy_version}, enforcement {report.enforcement.value}"
    return [
        *((count, outcome.value, _OUTCOMES[outcome]) for outcome, count in report.outcomes.items()),
        (report.active_users, "active_users", f"all of these; {version}"),
        (report.have_to_change, "have_to_change", "of them get no token before they change it"),
        (
            report.accounts_on_shared_password,
            "accounts_on_shared_password",
            "of them have a password that others know",
        ),
        (
            report.accounts_on_temporary_password,
            "accounts_on_temporary_password",
            "of them have a password with a deadline",
        ),
    ]


def _version_row(row: VersionCount) -> tuple[object, ...]:
    return (_version(row.version), row.users, row.have_to_change, row.stricter_rules)


def _version(number: int | None) -> str:
    if number is None:
        return "no password"
    return f"version {number}" if number else "never judged"


def _explained(found: Explanation) -> dict[str, object]:
    return {
        "user": f"{found.username} ({found.user_id})",
        "account": found.state.value,
        "policy in force": f"version {found.policy_version}, {found.enforcement.value}",
        **_password_facts(found),
        "outcome": f"{_OUTCOMES[found.outcome]} [{found.outcome.value}]",
        "findings": _codes(found.findings),
        "warnings": _codes(found.warnings),
        "next sign-in": _with_code(_AT_SIGN_IN[found.at_sign_in], found.sign_in_refusal),
        "next refresh": _with_code(
            "refused" if found.refresh_refusal else "goes on", found.refresh_refusal
        ),
        "access tokens": (
            "end at once" if found.ends_access_tokens else "are good until they expire"
        ),
    }


def _password_facts(found: Explanation) -> dict[str, object]:
    password = found.password
    if password is None:
        return {"password": "none"}
    shared = ", shared by a bulk reset" if password.is_shared else ""
    return {
        "password set at": password.set_at,
        "password set by": f"{password.set_by}{shared}",
        "temporary until": password.temporary_until or "-",
        "judged under": _version(password.judged_under),
        "refused under": _version(password.refused_under) if password.refused_under else "-",
        "stricter since then": list(found.stricter_rules) or "-",
    }


def _codes(findings: Iterable[Finding]) -> str:
    return "; ".join(map(_code, findings)) or "-"


def _code(finding: Finding) -> str:
    params = ", ".join(f"{name} {value}" for name, value in finding.params.items())
    return f"{finding.code} ({params})" if params else finding.code


def _with_code(text: str, code: str | None) -> str:
    return f"{text} [{code}]" if code else text


def _policy_to_test(context: CliContext, realm: str | None, file: Path | None) -> PolicyVersion:
    if realm is not None and file is None:
        return look_at(context, context.realm(realm), current_policy)
    if file is not None and realm is None:
        return read_policy(_NO_REALM, read_document(file))
    message = "say which policy: --realm R or --policy FILE"
    raise click.UsageError(message)


def _tested(results: Iterable[FixtureResult]) -> Iterable[str]:
    for result in results:
        yield f"{'ok' if result.passed else 'DIFFERS'}  {result.name}"
        yield from (f"    - {code}  (expected, not found)" for code in result.missing)
        yield from (f"    + {code}  (found, not expected)" for code in result.unexpected)
