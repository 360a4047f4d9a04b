"""The API of the data that is shared with trading partners."""

from typing import Final

from litestar import get

from governance.connections.shares.queries import ShareRecord, read_shares
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CONTRACTS}


@get("/api/v1/clients/{client:str}/shared-data", opt=_READ, tags=["connections"])
async def list_shared_data(access: OpenAccess) -> ShareRecord:
    """List what each trading partner sees: its channels and the elements sent to them, since when, and granted by
    whom. It follows from connections and contracts.
    """
    access.require_client()
    return await read_shares(access.session)
