"""Job that checks the VAT id of a client's buyer and stores the result as evidence. Without a result, the hourly
review of the client requests it again.
"""

from billing.held_calls import defer_held
from billing.vat_checks.request import read_vat_question
from billing.vat_checks.vies import ViesRegister
from billing.vat_register.port import VatRegister
from billing.vat_register.store import write_check
from foundation.clock import Clock
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.client import OutboundClient
from foundation.outbound.errors import OutboundHeld


def vat_check_handler(outbound: OutboundClient, clock: Clock, url: str) -> Handler[NoPayload]:
    async def check(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        async with batch.read() as session:
            question = await read_vat_question(session)
        if question is None:
            return
        batch.check_lease()
        register: VatRegister = ViesRegister(outbound, batch.scope.msp_id, url)
        try:
            result = await register.check(question.vat_id, requester=question.requester)
        except OutboundHeld as held:
            defer_held(batch, item, held)
            return
        async with batch.commit() as session:
            await write_check(session, question.vat_id, question.requester, result, now=clock(), new_id=new_id)

    return check
