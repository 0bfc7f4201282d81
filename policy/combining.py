"""Policies of groups: what a user is asked who is in several, the stricter of everything."""

from dataclasses import replace
from functools import lru_cache

from policy.model import PolicyVersion, Rule

__all__ = ["combine", "for_groups", "group_keys"]


def group_keys(policy: PolicyVersion) -> frozenset[str]:
    """Return the folded names of the groups that the policy has rules of their own for."""
    return frozenset(group.key for group in policy.groups)


def for_groups(policy: PolicyVersion, keys: frozenset[str]) -> PolicyVersion:
    """Return the policy as it stands for a member of these groups (folded names).

    Each parameter has the strictest value of the realm's and the groups' rules, and word lists
    unite, so the order of the groups does not count. The result names no groups.
    """
    return _combined(policy, keys & group_keys(policy)) if policy.groups else policy


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
