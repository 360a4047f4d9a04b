"""The portal that links in mails lead to, for members who did not choose their notifications on a page."""

from sqlalchemy.ext.asyncio import AsyncSession

from branding.directory import find_msp_host
from branding.hosts import origin_of
from tenants.mail.mailer import Portal


async def find_portal(session: AsyncSession, *, public_port: int | None) -> Portal:
    """Portal of the MSP's first host; without an origin while no brand has a host name."""
    found = await find_msp_host(session)
    return Portal("", None) if found is None else Portal(origin_of(found[0], public_port), found[1])
