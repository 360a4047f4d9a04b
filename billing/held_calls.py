"""Deferral of jobs whose call to a provider was held back."""

from typing import Final

from billing.payments.port import ProviderBusy
from foundation.jobs.batch import Batch, ClaimedJob
from foundation.jobs.types import P
from foundation.outbound.errors import OutboundHeld

_USUAL_SECONDS: Final = 30.0


def defer_held(batch: Batch[P], item: ClaimedJob[P], held: ProviderBusy | OutboundHeld) -> None:
    """Reschedule the job for the time that the provider or the outbound limits name, without counting an attempt."""
    batch.defer(item, delay=held.retry_after or _USUAL_SECONDS, is_retry=False)
