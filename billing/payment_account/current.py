"""The MSP's present payment account, in the form that its clients' scopes may read."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payment_account.states import ProviderKind
from billing.sides import as_rater
from foundation.database.engine import scope_of


async def find_connected(session: AsyncSession, external_id: str) -> UUID | None:
    """Id of the MSP of a connected account, in a transaction without a scope: row-level security shows only this
    account's row.
    """
    await session.execute(text("SELECT set_config('app.connected_account', :account, true)"), {"account": external_id})
    found = await session.scalar(
        text("SELECT msp_id FROM payment_account WHERE connected AND external_id = :account"), {"account": external_id}
    )
    return None if found is None else UUID(str(found))


async def find_current_account(session: AsyncSession) -> tuple[UUID, ProviderKind] | None:
    """Id and kind of the account of the scope's MSP, in a client's scope or the MSP's own; None if clients pay outside
    the product.
    """
    async with as_rater(session):
        found = await session.execute(
            text(
                "SELECT id, provider FROM payment_account WHERE tenant_id = :m AND (NOT connected OR external_id <> '')"
            ),
            {"m": scope_of(session).msp_id},
        )
        row = found.one_or_none()
    return None if row is None or row.provider == ProviderKind.MANUAL else (row.id, ProviderKind(row.provider))
