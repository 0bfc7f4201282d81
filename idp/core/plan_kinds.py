"""Every plan kind there is. A new one is one module and one line here."""

from idp.core import policy_publishing, resets
from idp.core.planning import PlanKind
from idp.core.sync import kind as directory_sync

PLAN_KINDS: tuple[PlanKind, ...] = (policy_publishing.KIND, resets.KIND, directory_sync.KIND)
