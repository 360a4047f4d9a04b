"""A turn of one item that asked another system in vain: the item waits, and asks again."""

from foundation.jobs.batch import LaneRun
from foundation.jobs.types import RetryPolicy
from foundation.outbound.errors import OutboundHeld


def ask_later(run: LaneRun, error: Exception, *, told: str, retry: RetryPolicy, draw: float) -> None:
    """When the other system said, or by `retry`. What our own limits held back was not sent and counts no attempt."""
    item = run.items[0]
    delay = getattr(error, "retry_after", None) or retry.delay(item.attempts, draw)
    if isinstance(error, OutboundHeld):
        run.put_off(item, delay=delay, again=item.again)
    else:
        run.retry(item, delay=delay, error=told, again=True)
