"""What will be asked of somebody later, for the banner of the account pages."""

from datetime import datetime, timedelta

from idp.core.decision_words import because_of, listed
from idp.core.gate import AccountFacts, standing
from idp.http.visit import Visit
from idp.web.messages import why_asked
from policy.engine import warnings
from policy.verdict import RequiredAction, Withheld, WithheldBy


def coming(visit: Visit, account: AccountFacts, now: datetime) -> dict[str, object]:
    """Return what the banner says: `asked` (with its date), `warnings`, and the form's `href`.

    What is only observed is not the user's affair.
    """
    return {
        "asked": _asked(account, now),
        "warnings": _warnings(account, now),
        "href": visit.url("/account/password"),
    }


def _asked(account: AccountFacts, now: datetime) -> dict[str, object] | None:
    verdict = standing(account, now)
    withheld = None if verdict is None else verdict.withheld
    if withheld is None or withheld.by is WithheldBy.OBSERVE or withheld.until is None:
        return None
    return {
        "until": withheld.until,
        "is_soon": withheld.until - now < timedelta(days=1),
        "is_change": withheld.action is RequiredAction.CHANGE_PASSWORD,
        "because": _because(account, withheld),
    }


def _because(account: AccountFacts, withheld: Withheld) -> str:
    judge = None if account.credential is None else account.credential.judged_under
    return listed(because_of(finding, judge, account.policy) for finding in withheld.findings)


def _warnings(account: AccountFacts, now: datetime) -> list[str]:
    if account.credential is None:
        return []
    return why_asked(warnings(account.policy, account.credential, now))
