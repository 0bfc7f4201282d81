"""Claims about a person: one table of names, the scope each belongs to, and its value.

Spec: OIDC Core 5.1, 5.4, 5.5.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from idp.clock import epoch_seconds
from idp.core.claim_facts import ClaimFacts


class Claim(NamedTuple):
    """One claim; `value` gives None when nothing is known, and the claim is then left out."""

    name: str
    scope: str
    value: Callable[[ClaimFacts], Any]


def _further(name: str) -> Callable[[ClaimFacts], Any]:
    return lambda facts: facts.further.get(name)


CLAIMS = (
    Claim("preferred_username", "profile", lambda facts: facts.username),
    Claim("name", "profile", lambda facts: facts.name or _full_name(facts)),
    Claim("given_name", "profile", lambda facts: facts.given_name),
    Claim("family_name", "profile", lambda facts: facts.family_name),
    Claim("middle_name", "profile", _further("middle_name")),
    Claim("nickname", "profile", _further("nickname")),
    Claim("profile", "profile", _further("profile")),
    Claim("picture", "profile", _further("picture")),
    Claim("website", "profile", _further("website")),
    Claim("gender", "profile", _further("gender")),
    Claim("birthdate", "profile", _further("birthdate")),
    Claim("zoneinfo", "profile", lambda facts: facts.zoneinfo),
    Claim("locale", "profile", lambda facts: facts.locale),
    Claim("updated_at", "profile", lambda facts: epoch_seconds(facts.updated_at)),
    Claim("email", "email", lambda facts: facts.email),
    Claim("email_verified", "email", lambda facts: facts.email_verified if facts.email else None),
    Claim("address", "address", _further("address")),
    Claim("phone_number", "phone", lambda facts: facts.phone_number),
    Claim(
        "phone_number_verified",
        "phone",
        lambda facts: facts.further.get("phone_number_verified") if facts.phone_number else None,
    ),
    Claim("groups", "groups", lambda facts: list(facts.groups)),
)
SCOPE_OF: Mapping[str, str] = {claim.name: claim.scope for claim in CLAIMS}


def claims_of(
    facts: ClaimFacts, *, scopes: Collection[str], names: Collection[str]
) -> dict[str, Any]:
    """Return the known claims that `scopes` give, and those asked for by name."""
    wanted = (c for c in CLAIMS if c.scope in scopes or c.name in names)
    found = ((claim.name, claim.value(facts)) for claim in wanted)
    return {name: value for name, value in found if value is not None}


def names_within(names: Iterable[str], scopes: Collection[str]) -> list[str]:
    """Return those of `names` that belong to one of `scopes`."""
    return [name for name in names if SCOPE_OF.get(name) in scopes]


def _full_name(facts: ClaimFacts) -> str | None:
    return " ".join(filter(None, (facts.given_name, facts.family_name))) or None
