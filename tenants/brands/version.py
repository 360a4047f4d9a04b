"""Version of a brand's tokens, which an edit names. Host names and images are added and removed one by one."""

from sqlalchemy.ext.asyncio import AsyncSession

from branding import manage
from branding.brand import Brand
from foundation.web.etags import ABSENT, require_unchanged, version_of
from tenants.brands.schemas import all_tokens


def brand_version(brand: Brand | None) -> str:
    return ABSENT if brand is None else version_of(all_tokens(brand.theme))


async def require_brand_version(session: AsyncSession, slug: str, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return brand_version(await manage.try_find_brand(session, slug))

    await require_unchanged(session, f"brand:{slug}", sent, read)
