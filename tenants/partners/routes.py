"""API of a client's trading partners."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import delete, post, put
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.partners import manage
from tenants.partners.schemas import PartnerInput, PartnerView
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

_ALL: Final = "/api/v1/clients/{client:str}/partners"
_ONE: Final = f"{_ALL}/{{partner_id:uuid}}"
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_TAGS: Final = ["partners"]


async def _view(access: Access, partner_id: UUID) -> PartnerView:
    return (await manage.view_partners(access.session, partner_id))[0]


@get(_ALL, opt=_READ, tags=_TAGS)
async def list_partners(access: OpenAccess) -> Sequence[PartnerView]:
    """List the client's trading partners by name."""
    return await manage.view_partners(access.session)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_partner(access: OpenAccess, partner_id: FromPath[UUID]) -> PartnerView:
    """Show a trading partner."""
    return await _view(access, partner_id)


@post(_ALL, opt=_WRITE, tags=_TAGS)
async def create_partner(access: OpenAccess, data: JSONBody[PartnerInput]) -> PartnerView:
    """Create a trading partner. Its members are invited with the role “partner” and its id."""
    partner_id = new_id()
    await manage.create_partner(access.session, partner_id=partner_id, name=data.name, kind=data.kind, now=access.now)
    return await _view(access, partner_id)


@put(_ONE, opt=_WRITE, tags=_TAGS, status_code=200)
async def change_partner(access: OpenAccess, partner_id: FromPath[UUID], data: JSONBody[PartnerInput]) -> PartnerView:
    """Rename a trading partner, or correct its kind."""
    await manage.change_partner(access.session, partner_id, name=data.name, kind=data.kind, now=access.now)
    return await _view(access, partner_id)


@post(f"{_ONE}/suspension", opt=_WRITE, tags=_TAGS, status_code=200)
async def suspend_partner(access: OpenAccess, partner_id: FromPath[UUID]) -> PartnerView:
    """Suspend a trading partner: its members are refused. The channel continues."""
    await manage.suspend_partner(access.session, partner_id, now=access.now)
    return await _view(access, partner_id)


@delete(f"{_ONE}/suspension", opt=_WRITE | STEP_UP, tags=_TAGS, status_code=200)
async def resume_partner(access: OpenAccess, partner_id: FromPath[UUID]) -> PartnerView:
    """Resume a suspended trading partner."""
    await manage.resume_partner(access.session, partner_id, now=access.now)
    return await _view(access, partner_id)


PARTNER_ROUTES: Final[tuple[Any, ...]] = (
    list_partners, show_partner, create_partner, change_partner, suspend_partner, resume_partner,
)  # fmt: skip
