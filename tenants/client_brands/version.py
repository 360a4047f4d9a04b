"""Version of a client's parts of the brand, which an edit names. Images are added and removed one by one."""

from sqlalchemy.ext.asyncio import AsyncSession

from branding.client_brands import ClientBrand, read_client_brand
from foundation.web.etags import require_unchanged, version_of
from tenants.client_brands.schemas import own_parts


def client_brand_version(own: ClientBrand) -> str:
    return version_of(own_parts(own.parts))


async def require_client_brand_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return client_brand_version(await read_client_brand(session))

    await require_unchanged(session, "client_brand", sent, read)
