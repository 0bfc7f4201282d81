"""Rows, the realm filter and the migrations.

Every row but `RealmRow` itself belongs to one realm. `session` opens transactions that see and
write the rows of one realm only; the hand-tuned statements of the hot paths (`hot`) and the
queues that workers poll (`queues`) bind the realm themselves and live here for that reason.
"""

from idp.store import (
    audit,
    clients,
    decisions,
    directories,
    directory_servers,
    flow,
    groups,
    idempotency,
    jobs,
    keys,
    plans,
    policies,
    realms,
    recovery,
    resets,
    sessions,
    throttle,
    tokens,
    users,
)
from idp.store.base import Base

__all__ = [
    "Base",
    "audit",
    "clients",
    "decisions",
    "directories",
    "directory_servers",
    "flow",
    "groups",
    "idempotency",
    "jobs",
    "keys",
    "plans",
    "policies",
    "realms",
    "recovery",
    "resets",
    "sessions",
    "throttle",
    "tokens",
    "users",
]
