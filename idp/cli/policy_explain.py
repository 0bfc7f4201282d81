"""`idp policy explain`: what one account is asked for, why, and what it was asked before."""

from collections.abc import Iterable

import click

from idp.cli.base import CliContext, json_option, realm_option
from idp.cli.following import look_at
from idp.cli.policy_reports import OUTCOMES
from idp.cli.user_subjects import user_argument, user_named
from idp.core.decision_records import Decided
from idp.core.decision_telling import ToldDecision
from idp.core.policy_explaining import AtSignIn, Explanation, RuleInForce, explain_account
from idp.ids import UserId
from policy.verdict import Finding, Withheld, WithheldBy

_AT_SIGN_IN = {
    AtSignIn.REFUSED: "refused",
    AtSignIn.CHANGE_PASSWORD: "asked for another password",
    AtSignIn.JUDGED: "the password is judged; asked for another one only if it is refused",
    AtSignIn.LET_IN: "let in",
}
_WITHHELD_BY = {
    WithheldBy.OBSERVE: "the policy only observes",
    WithheldBy.GRACE: "its grace is not over",
    WithheldBy.WAVE: "no wave has come yet",
}


@click.command("explain")
@user_argument
@realm_option
@click.option("--history", "has_history", is_flag=True, help="List what was decided before, too.")
@json_option
@click.pass_obj
def explain_command(
    context: CliContext, user: str, realm: str, *, has_history: bool, as_json: bool
) -> None:
    """Say what an account is asked for now, and why.

    --history adds the past decisions that were no plain pass, newest first.
    """
    found = look_at(
        context,
        context.realm(realm),
        lambda uow: explain_account(uow, UserId(user_named(uow, user).id)),
    )
    if as_json:
        context.print_json(found)
        return
    context.details(_explained(found))
    click.echo()
    context.table([_rule_row(rule) for rule in found.rules], ("rule", "asks for", "because of"))
    if has_history:
        click.echo()
        columns = ("first at", "last at", "times", "outcome", "code", "version", "in words")
        context.table([_decision_row(told) for told in found.decisions], columns)


def _explained(found: Explanation) -> dict[str, object]:
    return {
        "user": f"{found.username} ({found.user_id})",
        "account": found.state.value,
        "policy in force": f"version {found.policy_version}, {found.enforcement.value}",
        "groups that count": list(found.groups) or "-",
        **_password_facts(found),
        "outcome": f"{OUTCOMES[found.outcome]} [{found.outcome.value}]",
        "findings": _codes(found.findings),
        "warnings": _codes(found.warnings),
        "not asked yet": _withheld(found.withheld),
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
        "judged under": _judged_under(password.judged_under),
        "refused under": _judged_under(password.refused_under) if password.refused_under else "-",
        "stricter since then": list(found.stricter_rules) or "-",
    }


def _codes(findings: Iterable[Finding]) -> str:
    return "; ".join(map(_code, findings)) or "-"


def _code(finding: Finding) -> str:
    params = ", ".join(f"{name} {value}" for name, value in finding.params.items())
    return f"{finding.code} ({params})" if params else finding.code


def _with_code(text: str, code: str | None) -> str:
    return f"{text} [{code}]" if code else text


def _judged_under(number: int) -> str:
    return f"version {number}" if number else "never judged"


def _withheld(withheld: Withheld | None) -> str:
    if withheld is None:
        return "-"
    until = "" if withheld.until is None else f" until {withheld.until:%Y-%m-%d %H:%M:%SZ}"
    return f"{_codes(withheld.findings)}: {_WITHHELD_BY[withheld.by]}{until}"


def _rule_row(rule: RuleInForce) -> tuple[object, ...]:
    params = (f"{name} {_shown(value)}" for name, value in rule.params.items())
    source = ", ".join(f"group {name}" for name in rule.groups) or "everybody's rules"
    return (rule.rule, ", ".join(params) or "on", source)


def _shown(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case list() | tuple():
            return f"({len(value)})"
        case _:
            return str(value)


def _decision_row(told: ToldDecision) -> tuple[object, ...]:
    decision, answer = told.decision, told.decision.answer
    by = "" if answer.withheld_by is None else f" by {answer.withheld_by.value}"
    outcome = f"{answer.outcome.value}{by}" if answer.outcome is Decided.WITHHELD else "refused"
    return (
        decision.at,
        decision.last_at,
        decision.count,
        outcome,
        told.code,
        decision.policy_version,
        told.text,
    )
