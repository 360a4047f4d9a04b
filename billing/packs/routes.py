"""API of a client's packs of units."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from billing.packs.ledger import load_packs
from billing.packs.schemas import PackWithdrawal, UnitPackInput, UnitPacks
from billing.packs.sell import sell_pack, withdraw_pack
from billing.permissions import BillingPermission
from billing.web.dependencies import KnownMeters
from foundation.ids import new_id
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess

_PACKS: Final = "/api/v1/clients/{client:str}/unit-packs"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_TAGS: Final = ["unit packs"]


@get(_PACKS, opt=_READ, tags=_TAGS)
async def show_packs(access: OpenAccess) -> UnitPacks:
    """Return a client's packs of prepaid units, with the units left and each change."""
    return UnitPacks(await load_packs(access.session))


@post(_PACKS, opt=_WRITE, tags=_TAGS)
async def sell_client_pack(access: OpenAccess, meters: KnownMeters, data: JSONBody[UnitPackInput]) -> UnitPacks:
    """Sell a pack of units to a client. Its next invoice charges it; drafts draw from it within moments."""
    await sell_pack(access.session, meters, data, now=access.now, new_id=new_id)
    await access.session.flush()
    return UnitPacks(await load_packs(access.session))


@post(f"{_PACKS}/{{pack_id:uuid}}/withdrawal", opt=_WRITE, tags=_TAGS, status_code=200)
async def withdraw_client_pack(
    access: OpenAccess, pack_id: FromPath[UUID], data: JSONBody[PackWithdrawal]
) -> UnitPacks:
    """End a pack. Finalised invoices keep their draws and charges."""
    await withdraw_pack(access.session, pack_id, data.reason, now=access.now, new_id=new_id)
    await access.session.flush()
    return UnitPacks(await load_packs(access.session))


PACK_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_packs, sell_client_pack, withdraw_client_pack)
