"""Back-off for a job whose remote call failed."""

from typing import Any

from foundation.i18n.messages import MessageText
from foundation.jobs.batch import Batch
from foundation.jobs.types import RetryPolicy
from foundation.outbound.errors import OutboundHeld


def retry_with_backoff(
    batch: Batch[Any], error: Exception, *, reason: MessageText, retry: RetryPolicy, jitter: float
) -> None:
    """Retry after the remote's Retry-After, or by `retry`. A call blocked by our own limits was not sent and counts no
    attempt.
    """
    item = batch.items[0]
    delay = getattr(error, "retry_after", None) or retry.delay(item.attempts, jitter)
    if isinstance(error, OutboundHeld):
        batch.defer(item, delay=delay, is_retry=item.is_retry)
    else:
        batch.retry(item, delay=delay, error=reason, is_retry=True)
