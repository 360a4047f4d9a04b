"""Version of a contract for conditional edits: the number of its publications."""

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.web.etags import ABSENT, require_unchanged
from governance.elements.repository import list_contracts_of, lock_contracts


async def require_contract_version(session: AsyncSession, element: str, selector: str, sent: str) -> None:
    """Check that the contract has the version `sent`. `selector`: in its canonical form. Raises PreconditionFailed."""

    async def read() -> str:
        await lock_contracts(session)
        known = {each.selector: each.version for each in await list_contracts_of(session, element)}
        return str(known.get(selector.strip(), ABSENT))

    await require_unchanged(session, f"contract:{element}", sent, read)
