"""The buyer of the scope's invoices, with the rater's rights."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.errors import PartyMissing
from billing.legal_entities.repository import find_billing_details
from billing.snapshot import Buyer, buyer_of
from foundation.marks import N_


async def load_buyer(session: AsyncSession) -> Buyer:
    """The account itself, or the client that pays for it.

    Raises:
        PartyMissing: no billing details are entered.
    """
    own = await find_billing_details(session)
    if own is None:
        raise PartyMissing(N_("The buyer has no billing details yet. Enter them, and finalise again."))
    if own.payer_id is None:
        return buyer_of(own)
    payer = await find_billing_details(session, own.payer_id)
    if payer is None:
        raise PartyMissing(N_("The client that pays has no billing details yet. Enter them, and finalise again."))
    number = own.po_number or payer.po_number
    return msgspec.structs.replace(buyer_of(payer, on_behalf_of=own.name), po_number=number)
