"""Reading of a client's content for a template, by its MSP's staff: the request leaves the MSP account and returns."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.onboarding.client_templates.client_state import read_own_content
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.client_templates.rights import changeable_content
from governance.onboarding.client_templates.store import StoredVersion, load_version
from tenants.access import Access
from tenants.accounts import get_client_by_slug
from tenants.relations import CLIENTS


async def read_content(access: Access, slug: str) -> TemplateContent:
    """The content for a template from the client with this short name, as far as the caller may save it; the scope is
    the MSP account afterwards.

    Raises:
        NotFound: no such client of this MSP.
        AccessNeeded: the client admits staff on request only.
    """
    await access.enter_fleet()
    client = await get_client_by_slug(access.session, slug)
    await access.enter_account(client.tenant_id)
    content = await read_own_content(access.session, now=access.now)
    await access.enter_home()
    return changeable_content(access, content)


async def read_version(access: Access, template_id: UUID, version: int | None = None) -> StoredVersion:
    """A version of a template of the MSP of the client in the address; the scope is the client's account afterwards.

    Raises:
        NotFound: no such template of this MSP.
    """
    await access.enter_fleet()
    found = await load_version(access.session, template_id, version)
    await access.enter_account(access.require_client().tenant_id)
    return found


async def list_clients(session: AsyncSession) -> list[tuple[str, str]]:
    """Short name and name of each client of the MSP. In the fleet's scope."""
    rows = await session.execute(
        text(f"SELECT slug, name FROM {CLIENTS} c WHERE msp_id = :m ORDER BY name, slug LIMIT 1000"),
        {"m": scope_of(session).msp_id},
    )
    return [(row.slug, row.name) for row in rows]
