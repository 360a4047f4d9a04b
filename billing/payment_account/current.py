"""The payment account that an MSP has now, as its clients' scopes may know it."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payment_account.states import ProviderKind
from billing.sides import as_rater
from foundation.database.engine import scope_of


async def find_current_account(session: AsyncSession) -> tuple[UUID, ProviderKind] | None:
    """Id and kind of the account of the scope's MSP, in a client's scope or the MSP's own; None if clients pay outside
    the product.
    """
    async with as_rater(session):
        found = await session.execute(
            text("SELECT id, provider FROM payment_account WHERE tenant_id = :m"), {"m": scope_of(session).msp_id}
        )
        row = found.one_or_none()
    return None if row is None or row.provider == ProviderKind.MANUAL else (row.id, ProviderKind(row.provider))
