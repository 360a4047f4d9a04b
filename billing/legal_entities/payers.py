"""The client that pays for another one, chosen by their MSP."""

from collections.abc import Sequence
from uuid import UUID

from foundation.errors import Forbidden, NotFound
from foundation.marks import N_
from tenants.access import Access
from tenants.accounts import get_client_by_slug, list_clients


async def find_payer(access: Access, slug: str | None) -> UUID | None:
    """The client with this short name; None for no other payer, and if nothing is chosen.

    Raises:
        Forbidden: the caller is not of the client's MSP.
        NotFound: the MSP has no such client.
    """
    if slug is None:
        return None
    if not access.principal.is_staff or access.client is None:
        raise Forbidden(N_("Only the MSP can let another client pay."))
    if not slug:
        return None
    await access.enter_fleet()
    try:
        return (await get_client_by_slug(access.session, slug)).tenant_id
    except NotFound:
        raise NotFound(N_("You have no client with this short name.")) from None
    finally:
        await access.enter_account(access.client.tenant_id)


async def list_payers(access: Access) -> Sequence[tuple[UUID, str, str]]:
    """(id, short name, name) of the MSP's other clients, for its staff on a client's page; otherwise empty."""
    if not access.principal.is_staff or access.client is None:
        return []
    await access.enter_fleet()
    found = (await list_clients(access.session)).items
    await access.enter_account(access.client.tenant_id)
    return [(one.tenant_id, one.slug, one.name) for one in found if one.tenant_id != access.client.tenant_id]
