"""Version of a price book's prices and unit costs, for conditional requests. A client's own prices have the version of
their book, which is created with the first of them.
"""

from contextlib import nullcontext
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.sides import as_rater
from foundation.database.engine import scope_of
from foundation.web.etags import ABSENT, require_unchanged, version_of

_PRICES: Final = text("""
    SELECT p.id, p.valid_from, p.valid_to FROM price p WHERE p.tenant_id = :m AND p.book_id = :b ORDER BY p.id
""")
_COSTS: Final = text("SELECT id FROM unit_cost WHERE tenant_id = :m AND book_id = :b ORDER BY id")
_OWN: Final = text("SELECT id FROM price_book WHERE tenant_id = :m AND side = 'retail' AND client_id = :c")


async def read_book_version(session: AsyncSession, book_id: UUID) -> str:
    """Version of a price book. In a fleet scope, or in the MSP account."""
    scope = scope_of(session)
    binds = {"m": scope.msp_id, "b": book_id}
    async with nullcontext() if scope.fleet else as_rater(session):
        prices = [tuple(row) for row in await session.execute(_PRICES, binds)]
        costs = list(await session.scalars(_COSTS, binds))
    return version_of([prices, costs])


async def read_own_version(session: AsyncSession, client_id: UUID) -> str:
    """Version of the client's own prices. In a fleet scope, or in the MSP account."""
    scope = scope_of(session)
    async with nullcontext() if scope.fleet else as_rater(session):
        book_id: UUID | None = await session.scalar(_OWN, {"m": scope.msp_id, "c": client_id})
    return ABSENT if book_id is None else await read_book_version(session, book_id)


async def require_book_version(session: AsyncSession, book_id: UUID, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return await read_book_version(session, book_id)

    await require_unchanged(session, f"price_book:{book_id}", sent, read)


async def require_own_version(session: AsyncSession, client_id: UUID, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return await read_own_version(session, client_id)

    await require_unchanged(session, f"own_prices:{client_id}", sent, read)
