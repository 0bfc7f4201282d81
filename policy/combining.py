"""The policy as it stands for one user: groups combined in, the stricter wins; or waived."""

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from policy.model import Enforcement, PolicyVersion, Rule

__all__ = ["asking_nothing", "combine", "for_groups", "group_keys"]


def group_keys(policy: PolicyVersion) -> frozenset[str]:
    """Return the folded names of the groups that the policy has rules of their own for."""
    return frozenset(group.key for group in policy.groups)


def for_groups(policy: PolicyVersion, keys: frozenset[str]) -> PolicyVersion:
    """Return the policy as it stands for a member of these groups (folded names).

    Each parameter has the strictest value of the realm's and the groups' rules, and word lists
    unite, so the order of the groups does not count. The result names no groups.
    """
    return _combined(policy, keys & group_keys(policy)) if policy.groups else policy


@lru_cache(maxsize=256)
def asking_nothing(policy: PolicyVersion) -> PolicyVersion:
    """Return a policy that asks nothing of a password that others' rules govern.

    A change that is asked for by name still is.
    """
    return replace(policy, enforcement=Enforcement.NEVER, grace=timedelta(0), waves=None)


@lru_cache(maxsize=1024)
def _combined(policy: PolicyVersion, keys: frozenset[str]) -> PolicyVersion:
    rules = policy.rules
    chosen = [group for group in policy.groups if group.key in keys]
    for group in chosen:
        rules = combine(rules, group.rules)
    return replace(policy, rules=rules, groups=(), of_groups=tuple(g.key for g in chosen))


def combine(one: tuple[Rule, ...], other: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules of both, the stricter parameters where both have a rule.

    Raises:
        PolicyError: no password could meet a rule of both.
    """
    more = {rule.name: rule for rule in other}
    kept = tuple(
        rule.combined_with(more.pop(rule.name)) if rule.name in more else rule for rule in one
    )
    return kept + tuple(more.values())
