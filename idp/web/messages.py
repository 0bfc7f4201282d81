"""In plain words: a sentence for each finding, a line for each rule, and what a scope is for."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from policy.model import Rule
from policy.verdict import Finding

Params = Mapping[str, int | str]


def _many(count: int | str, one: str, many: str) -> str:
    return f"{count} {one if int(count) == 1 else many}"


def _characters(params: Params) -> str:
    return f"At least {_many(params['min'], 'character', 'characters')}"


_STRENGTHS = {
    1: "more than a thousand guesses",
    2: "more than a million guesses",
    3: "more than a hundred million guesses",
    4: "more than ten thousand million guesses",
}

_WRONG: Mapping[str, Callable[[Params], str]] = {
    "password.too_short": lambda p: (
        f"It needs at least {_many(p['min'], 'character', 'characters')}."
    ),
    "password.too_long": lambda p: (
        f"It can have at most {_many(p['max'], 'character', 'characters')}."
    ),
    "password.too_few_uppercase": lambda p: (
        f"It needs at least {_many(p['min'], 'capital letter', 'capital letters')}."
    ),
    "password.too_few_lowercase": lambda p: (
        f"It needs at least {_many(p['min'], 'small letter', 'small letters')}."
    ),
    "password.too_few_digits": lambda p: f"It needs at least {_many(p['min'], 'digit', 'digits')}.",
    "password.too_few_symbols": lambda p: (
        f"It needs at least {_many(p['min'], 'sign', 'signs')}, such as ! or #."
    ),
    "password.too_few_classes": lambda p: (
        f"It needs {p['min']} of these four: capital letters, small letters, digits, signs."
    ),
    "password.same_as_current": lambda _: "It is the password you have now. Choose another one.",
    "password.too_similar": lambda p: (
        "It is too similar to the password you have now. "
        f"Change at least {_many(p['min_distance'], 'character', 'characters')} of it."
    ),
    "password.used_before": lambda _: "You used it before. Choose one you have not had.",
    "password.common": lambda _: "It is on the list of passwords that strangers try first.",
    "password.blocked_word": lambda _: (
        "It is a word, or made after a pattern, that your organisation does not accept."
    ),
    "password.personal": lambda _: (
        "It is too close to your name, user name or email address, or to the name of this service."
    ),
    "password.too_weak": lambda _: (
        "It is easy to guess. Make it longer, for example of words that have nothing in common."
    ),
    "password.breached": lambda _: (
        "It was in a list of passwords that leaked elsewhere, so strangers know it."
    ),
    "password.breach_check_failed": lambda _: (
        "Just now we cannot look up whether strangers know it. Try again in a few minutes."
    ),
    "password.too_new": lambda p: (
        "You chose your present password only a short while ago; "
        f"it can be changed again after {_many(p['hours'], 'hour', 'hours')}."
    ),
    "password.too_large": lambda _: "It is far longer than any password can be.",
    "password.malformed": lambda _: "It has characters that cannot be typed again.",
    "password.past_bulk_secret": lambda _: "It was once given to everybody. Choose your own.",
    "directory.too_short": lambda _: "It is too short for the company directory.",
    "directory.too_long": lambda _: "It is too long for the company directory.",
    "directory.too_young": lambda _: (
        "You got your present password only a short while ago; "
        "the company directory does not change it again yet."
    ),
    "directory.in_history": lambda _: (
        "You used it before, says the company directory. Choose one you have not had."
    ),
    "directory.too_simple": lambda _: "It is too simple for the company directory.",
    "directory.refused": lambda _: "The company directory does not accept it and does not say why.",
    "directory.not_allowed": lambda _: (
        "The company directory does not let you change it here. Ask your administrator."
    ),
}

_REASONS: Mapping[str, Callable[[Params], str]] = {
    "password.must_change": lambda _: "An administrator asked you to choose a new password.",
    "password.temporary_expired": lambda _: "The password you were given was only for a while.",
    "directory.must_change": lambda _: "The company directory asks for a new password.",
    "directory.expired": lambda _: "Your password is too old, says the company directory.",
    "password.too_old": lambda p: (
        f"Your password is older than {_many(p['max_days'], 'day', 'days')}."
    ),
    "password.expires_soon": lambda p: (
        f"Your password expires in {_many(p['days_left'], 'day', 'days')}."
        if int(p["days_left"])
        else "Your password expires today."
    ),
    "policy.stricter": lambda _: (
        "The password rules became stricter since you chose your password."
    ),
    "policy.not_judged": lambda _: "Your password was never checked against the password rules.",
    "policy.not_met": lambda _: "Your password does not meet the present password rules.",
}

_LINES: Mapping[str, Callable[[Params], str]] = {
    "rule.length": _characters,
    "rule.uppercase": lambda p: f"At least {_many(p['min'], 'capital letter', 'capital letters')}",
    "rule.lowercase": lambda p: f"At least {_many(p['min'], 'small letter', 'small letters')}",
    "rule.digits": lambda p: f"At least {_many(p['min'], 'digit', 'digits')}",
    "rule.symbols": lambda p: f"At least {_many(p['min'], 'sign', 'signs')}, such as ! or #",
    "rule.classes": lambda p: f"{p['min']} of: capital letters, small letters, digits, signs",
    "rule.differs_from_current": lambda _: "Not the password you have now",
    "rule.min_distance": lambda p: (
        f"Different from it in at least {_many(p['min_distance'], 'character', 'characters')}"
    ),
    "rule.history_last": lambda p: (
        f"Not your last {_many(p['last'], 'password', 'passwords')}"
        if int(p["last"]) > 1
        else "Not your last password"
    ),
    "rule.history_within": lambda p: (
        f"Not one you used in the last {_many(p['days'], 'day', 'days')}"
    ),
    "rule.common": lambda _: "Not a common or easily guessed password",
    "rule.blocked_words": lambda _: "Not the name of the company or the product",
    "rule.blocked_patterns": lambda _: "Not made after a pattern that your organisation blocks",
    "rule.not_personal": lambda _: "Not your name, user name or email address",
    "rule.strength": lambda p: f"Hard to guess ({_STRENGTHS[int(p['min_score'])]})",
    "rule.breached": lambda _: "Not a password that leaked elsewhere",
    "rule.max_age": lambda p: f"Lasts {_many(p['days'], 'day', 'days')}",
    "rule.min_age": lambda p: f"Can be changed again after {_many(p['hours'], 'hour', 'hours')}",
}

_SCOPES: Mapping[str, tuple[str, str]] = {
    "openid": ("Who you are", "An identifier that stays the same for this app."),
    "profile": ("Your profile", "Your name, user name, language and time zone."),
    "email": ("Your email address", "And whether it was confirmed."),
    "phone": ("Your phone number", ""),
    "address": ("Your postal address", ""),
    "groups": ("Your groups", "The teams your organisation put you in."),
    "offline_access": (
        "To stay signed in",
        "The app keeps working for you when its window is closed.",
    ),
    "admin:read": ("To see the administration", "Everything an administrator like you may see."),
    "admin:users": ("To manage people", "Add, change, lock and unlock accounts."),
    "admin:clients": ("To manage apps", "Register apps and change them."),
    "admin:policy": ("To change the password rules", ""),
    "admin:reset": ("To reset passwords", "Also those of many people at once."),
    "admin:directory": ("To manage the directory connection", ""),
    "admin:audit": ("To read the audit trail", ""),
    "admin:system": ("To look after the installation", "Keys and jobs."),
}

_OF_OTHERS: dict[str, str] = {}
"""What rules of others say, by code: format strings, filled once when a process starts."""

KNOWN_CODES = frozenset(_WRONG) | frozenset(_REASONS) | frozenset(_LINES)
_OTHER_FINDING = "It does not meet a rule of your organisation ({code})."
_OTHER_REASON = "Your organisation asks for a new password ({code})."


def learn_texts(rules: Iterable[type[Rule]]) -> None:
    """Take over what rules from elsewhere say of their codes and lines (`Rule.texts`)."""
    for rule in rules:
        _OF_OTHERS.update(rule.texts)


def wrong_with(findings: Iterable[Finding]) -> list[str]:
    """Return what speaks against a password, a sentence each, in the order of the findings."""
    return [_say(_WRONG, finding, _OTHER_FINDING) for finding in findings]


_BY_DIRECTORY = {
    "password.must_change": "directory.must_change",
    "password.temporary_expired": "directory.expired",
}
"""What the findings of an administrator's asking mean where a directory asks."""


def why_asked(findings: Iterable[Finding]) -> list[str]:
    """Return why a new password is asked for, a sentence each."""
    return [_say(_REASONS, finding, _OTHER_REASON) for finding in findings]


def why_directory_asks(findings: Iterable[Finding]) -> list[str]:
    """Return the same for the account of a directory; that it expired says it all."""
    found = {_BY_DIRECTORY.get(f.code, f.code): f for f in findings}
    if "directory.expired" in found:
        found.pop("directory.must_change", None)
    return why_asked(Finding(code, each.params) for code, each in found.items())


def requirements(lines: Sequence[Finding]) -> list[dict[str, object]]:
    """Return the rules as a page shows them: `code` and `params` for the script, `text` to read."""
    return [
        {"code": line.code, "params": dict(line.params), "text": _say(_LINES, line, "{code}")}
        for line in lines
    ]


def scope_in_words(scope: str) -> dict[str, str]:
    """Return what a scope lets an app do: its `name`, a `title` and a `description`."""
    title, description = _SCOPES.get(scope, (scope, ""))
    return {"name": scope, "title": title, "description": description}


def _say(words: Mapping[str, Callable[[Params], str]], finding: Finding, other: str) -> str:
    speak = words.get(finding.code)
    if speak is not None:
        return speak(finding.params)
    try:
        return _OF_OTHERS[finding.code].format_map(finding.params)
    except (KeyError, ValueError):  # no such code, or a text that does not fit its finding
        return other.format(code=finding.code)
