"""Why somebody was asked, in the words that the person reads; no version numbers, no jargon."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from idp.core.gate import Reason
from policy.model import PolicyVersion
from policy.verdict import Finding

Params = Mapping[str, int | str]

_ACCOUNT: Mapping[Reason, str] = {
    Reason.ACCOUNT_DISABLED: "your account was switched off",
    Reason.ACCOUNT_LOCKED: "your account was locked",
    Reason.CREDENTIAL_CHANGED: "your password had been changed or reset",
    Reason.SESSION_ENDED: "you had been signed out",
    Reason.APP_NOT_ALLOWED: "the app is for members of groups that you are not in",
    Reason.SIGN_IN_REQUIRED: "the company directory could not be asked about you for too long",
}
_FINDINGS: Mapping[str, Callable[[Params], str]] = {
    "password.must_change": lambda _: "an administrator asked for a new password",
    "password.temporary_expired": lambda _: "the password you were given was only for a while",
    "password.too_old": lambda p: f"passwords last {_days(p['max_days'])}",
    "policy.not_judged": lambda _: "your password was never checked against the password rules",
    "policy.not_met": lambda _: "your password did not meet the password rules",
}
_OTHER = "your organisation asked for it"
_SIGNS = "capital letters, small letters, digits, signs"
_ASKED: Mapping[str, Callable[[int], str]] = {
    "length.min": lambda n: f"at least {_many(n, 'character')}",
    "length.max": lambda n: f"at most {_many(n, 'character')}",
    "characters.uppercase": lambda n: f"at least {_many(n, 'capital letter')}",
    "characters.lowercase": lambda n: f"at least {_many(n, 'small letter')}",
    "characters.digits": lambda n: f"at least {_many(n, 'digit')}",
    "characters.symbols": lambda n: f"at least {_many(n, 'sign')}",
    "characters.classes": lambda n: f"{n} of these: {_SIGNS}",
}
"""What a number in a rule asks for; it is stricter when it is higher, but for `length.max`."""
_RULES: Mapping[str, str] = {
    "blocklist": "a password that is neither common nor blocked",
    "breached": "a password that never leaked elsewhere",
    "not_personal": "a password that is not made of your own names",
    "strength": "a password that is harder to guess",
}
_OTHER_RULE = "more than before"


def because_of_reason(reason: Reason | None) -> str:
    """Return why an account was refused, as the end of a sentence with "because"."""
    return _OTHER if reason is None else _ACCOUNT.get(reason, _OTHER)


def because_of(finding: Finding, judge: PolicyVersion | None, policy: PolicyVersion) -> str:
    """Return what a finding says, as the end of a sentence with "because".

    Args:
        judge: the policy that had accepted the password, as it stood for its user.
        policy: the one that asked.
    """
    if finding.code == "policy.stricter" and judge is not None:
        return _stricter(str(finding.params.get("rules", "")).split(", "), judge, policy)
    say = _FINDINGS.get(finding.code)
    return _OTHER if say is None else say(finding.params)


def listed(parts: Iterable[str]) -> str:
    """Return parts of a sentence as one: "a", "a and b", "a, b and c"."""
    *most, last = list(dict.fromkeys(parts)) or [_OTHER]
    return f"{', '.join(most)} and {last}" if most else last


def _stricter(rules: Sequence[str], judge: PolicyVersion, policy: PolicyVersion) -> str:
    wanted = list(_newly_asked(rules, judge, policy))
    if judge.number == policy.number:
        return f"the rules of a group that you are in ask for {listed(wanted)}"
    characters = wanted[0].removeprefix("at least ") if rules == ["length"] else None
    if characters is not None and len(wanted) == 1 and characters != wanted[0]:
        return f"the minimum length was raised to {characters}"
    return f"the password rules began to ask for {listed(wanted)}"


def _newly_asked(
    rules: Iterable[str], judge: PolicyVersion, policy: PolicyVersion
) -> Iterator[str]:
    """Yield what the policy asks of a password that its judge did not."""
    before, now = _documents(judge), _documents(policy)
    for rule in rules:
        if rule in _RULES:
            yield _RULES[rule]
            continue
        old, new = before.get(rule, {}), now.get(rule, {})
        raised = [name for name in new if _is_raised(f"{rule}.{name}", old.get(name), new[name])]
        yield from (_ASKED[f"{rule}.{name}"](new[name]) for name in raised)
        if not raised:
            yield _OTHER_RULE


def _is_raised(setting: str, old: int | None, new: int) -> bool:
    if setting not in _ASKED:
        return False
    if setting == "length.max":
        return old is not None and new < old
    return new > (old or 0)


def _documents(policy: PolicyVersion) -> Mapping[str, Mapping[str, int]]:
    numbers: dict[str, Mapping[str, int]] = {}
    for rule in policy.rules:
        document = rule.document().items()
        numbers[rule.name] = {name: n for name, n in document if isinstance(n, int)}
    return numbers


def _many(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def _days(count: int | str) -> str:
    return _many(int(count), "day")
