"""What a policy leans on besides itself: a list of leaked passwords that must be at hand."""

from idp.core.parts import Parts
from idp.errors import InvalidInput
from policy.model import Need, PolicyVersion

_PATH = "rules.breached.source"
_ANY_PASSWORD = "password"  # noqa: S105 - any will do: the answer does not matter


def require_sources(parts: Parts, policy: PolicyVersion) -> None:
    """Return when what the policy looks passwords up in is there; called before it is published.

    Raises:
        InvalidInput: `policy.invalid`: it asks for a file that the configuration does not name,
            or that is no list of hashes.
    """
    rules = (*policy.rules, *(rule for group in policy.groups for rule in group.rules))
    if not any(Need.BREACHED_FILE in rule.active_needs() for rule in rules):
        return
    if parts.config.breaches.file is None:
        reason = '"file" needs the setting breaches.file in the configuration'
        raise InvalidInput("policy.invalid", path=_PATH, reason=reason)
    if parts.breached_passwords.look_in_file(_ANY_PASSWORD) is None:
        reason = "the file of the setting breaches.file cannot be read as a sorted list of hashes"
        raise InvalidInput("policy.invalid", path=_PATH, reason=reason)
