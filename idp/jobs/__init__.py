"""What workers do: every kind of job and of outgoing message, and the loop that does them.

The work of a batch is a use case in `idp.core`; here is which kinds there are, how a mail is
written out (`mail`), and how a worker goes about it (`runner`). Knows no HTTP.
"""

from idp.core import cleanup, policy_notices, policy_snapshots, reset_batches
from idp.core.job_leases import JobKind
from idp.core.sync import applying, erasing

JOBS: tuple[JobKind, ...] = (
    reset_batches.APPLY,
    reset_batches.UNDO,
    cleanup.CLEANUP,
    cleanup.REQUESTS,
    cleanup.FORGET,
    policy_snapshots.SNAPSHOT,
    policy_notices.NOTICES,
    applying.APPLY,
    erasing.ERASE,
)
