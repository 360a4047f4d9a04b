"""Runs a suspect batch in a subprocess, so that a poison job cannot take the worker down.

Only what ends such a process, alone and more than once, is given up: everything else that was under way when a worker
died is innocent until it has been tried like that.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

import msgspec

from foundation.jobs.batch import ClaimedJob, Lease
from foundation.scope import Scope

SUSPECT_AFTER = 3
"""Turns in a row that ended with their process. Fewer are accidents; a process of its own costs a second or two."""
ALONE = 4
"""From here on a batch is one item."""


class LeasedBatch(msgspec.Struct, frozen=True):
    """What a worker has claimed, and hands on. The lease stays the worker's to renew as well."""

    scope: Scope
    lease: Lease
    items: Sequence[ClaimedJob]


class BatchResult(Enum):
    DONE = "done"
    UNFINISHED = "unfinished"
    """It was not the work's fault: the database went away, the lease was lost, or it never began."""
    DIED = "died"


class IsolatedRun(msgspec.Struct, frozen=True):
    result: BatchResult
    how: str = ""
    """In words, for the person who looks at the dead letter."""


IsolatedRunner = Callable[[LeasedBatch, float], Awaitable[IsolatedRun]]
"""Does a turn in a process of its own, ended after so many seconds."""
