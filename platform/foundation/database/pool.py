"""A connection pool that wakes its waiters when a connection attempt fails."""

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.pool.base import _ConnectionRecord


class ConnectingAtCheckout(AsyncAdaptedQueuePool):
    """Pool that connects after a slot was reserved, not in order to create one.

    SQLAlchemy's pool returns the slot when a connect fails or is cancelled without notifying the waiters: waiters block
    until timeout. Here the slot is returned to the queue, which wakes the next waiter.
    """

    def _create_connection(self) -> ConnectionPoolEntry:
        return _ConnectionRecord(self, connect=False)
