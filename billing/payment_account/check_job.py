"""Job that reads an MSP's account at the provider."""

from typing import Final

import structlog

from billing.payment_account.accounts import find_payment_account, note_check, open_account
from billing.payment_account.services import PaymentServices
from billing.payments.port import ProviderBusy, ProviderRefused
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld

_HELD_SECONDS: Final = 30.0
_log = structlog.get_logger(__name__)


def check_handler(services: PaymentServices) -> Handler[NoPayload]:
    async def check(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        account = await open_account(services, batch.scope)
        if account is None or account.provider is None:
            return
        batch.check_lease()
        try:
            status = await account.provider.read_account()
        except (ProviderBusy, OutboundHeld) as held:
            batch.defer(item, delay=held.retry_after or _HELD_SECONDS, is_retry=False)
            return
        except ProviderRefused as refused:  # the check on the page shows the error
            _log.warning("payments.check_refused", msp_id=str(batch.scope.msp_id), code=refused.provider_code)
            return
        async with batch.commit() as session:
            found = await find_payment_account(session)
            if found is not None and found.id == account.id and found.external_id == status.external_id:
                await note_check(session, found, status, now=services.clock())

    return check
