"""Isolated execution: runs a suspect batch in a subprocess, so that a poison job cannot take the worker down.

Only a job that ran alone and crashed its subprocess more than once is dead-lettered. The other jobs that were running
when a worker died are presumed harmless until they have been run in the same manner.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any

import msgspec

from foundation.jobs.batch import ClaimedJob, Lease
from foundation.scope import Scope

SUSPECT_AFTER = 3
"""Consecutive crashes after which a batch runs in a subprocess. Fewer are accidents; a subprocess costs a second or
two.
"""
ALONE = 4
"""Number of crashes from which on a batch is a single job."""


class LeasedBatch(msgspec.Struct, frozen=True):
    """A batch claimed by a worker and passed to a subprocess. The worker keeps renewing the lease as well."""

    scope: Scope
    lease: Lease
    items: Sequence[ClaimedJob[Any]]
    """With their payloads as stored."""


class BatchResult(Enum):
    DONE = "done"
    UNFINISHED = "unfinished"
    """Not the jobs' fault: database outage, lost lease, or the batch never started."""
    DIED = "died"


class IsolatedRun(msgspec.Struct, frozen=True):
    result: BatchResult
    how: str = ""
    """Readable description of the crash, shown on the dead letter."""


IsolatedRunner = Callable[[LeasedBatch, float], Awaitable[IsolatedRun]]
"""Port: runs a batch in a subprocess, killed after the given number of seconds."""
