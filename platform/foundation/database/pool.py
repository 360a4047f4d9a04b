"""A pool whose waiters are told when a connection could not be made."""

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.pool.base import _ConnectionRecord


class ConnectingAtCheckout(AsyncAdaptedQueuePool):
    """Connects with a place of the pool that is taken already, not in order to make one.

    SQLAlchemy's pool gives up the place when a connect fails or is cancelled, and tells none of those who wait for one:
    they stand until they time out. A place is given back instead, and giving back wakes the next one.
    """

    def _create_connection(self) -> ConnectionPoolEntry:
        return _ConnectionRecord(self, connect=False)
