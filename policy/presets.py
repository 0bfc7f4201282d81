"""Ready-made policy documents, by name."""

from collections.abc import Callable, Iterable, Mapping

from policy.model import Enforcement


def nist_800_63b(words: Iterable[str]) -> dict[str, object]:
    """Return a policy for passwords as the only factor: long, not common, never expiring.

    Args:
        words: names of the realm and the product, which nobody may have as a password.

    Spec: NIST SP 800-63B-4 3.1.1.2.
    """
    return {
        "enforcement": Enforcement.NONCOMPLIANT.value,
        "rules": {
            "length": {"min": 15, "max": 256},
            "differs_from_current": {},
            "blocklist": {"common": True, "words": sorted(set(words))},
            "not_personal": {},
        },
    }


def timetrak_classic() -> dict[str, object]:
    """Return the policy TimeTrak had: five characters, and not the one before.

    Names no enforcement, so the realm's default holds: everyone in staff, never in portal.
    """
    return {"rules": {"length": {"min": 5, "max": 256}, "differs_from_current": {}}}


PRESETS: Mapping[str, Callable[[Iterable[str]], dict[str, object]]] = {
    "nist-800-63b": nist_800_63b,
    "timetrak-classic": lambda _words: timetrak_classic(),
}
"""Each takes the words that the realm blocks and returns a document."""
