"""Changes of layouts by members, with the account and the permission of each."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from foundation.dashboard_tiles import TileArea
from foundation.errors import Forbidden, NotFound
from foundation.marks import N_
from foundation.rooms import Rooms
from governance.dashboards.layouts import reset_layout, save_layout
from governance.dashboards.read import area_of, visible_tiles
from governance.dashboards.schemas import TileChoice, Whose
from tenants.access import Access
from tenants.permissions import TenantPermission

SHARE: Final = TenantPermission.INVITE_MEMBERS
"""Permission for the defaults of others: that of administrators."""


def may_set(access: Access, whose: Whose) -> bool:
    """Whether the caller may set this layout here."""
    if access.principal.kind != "member" or access.principal.partner_id is not None:
        return False
    if whose == "me":
        return True
    return access.may(SHARE) and (whose == "account" or (access.principal.is_staff and access.client is None))


async def change_layout(rooms: Rooms, access: Access, whose: Whose, tiles: Sequence[TileChoice] | None) -> None:
    """Save a layout, or with None return to the next default. The scope at the end is that of the layout's account.

    Raises:
        NotFound: programs and users of partners have no layout, and only the MSP's own account has one for clients.
        Forbidden: the caller may not set a default.
        InvalidInput: see `save_layout`.
    """
    owner_id, area = await _enter(access, whose)
    if tiles is None:
        await reset_layout(access.session, owner_id, area, now=access.now)
        return
    allowed = visible_tiles(rooms, access, area)
    await save_layout(access.session, owner_id, area, tiles, allowed=allowed.keys(), now=access.now)


async def _enter(access: Access, whose: Whose) -> tuple[UUID, TileArea]:
    who = access.principal
    if who.kind != "member" or who.partner_id is not None:
        raise NotFound
    if whose == "clients" and (not who.is_staff or access.client is not None):
        raise NotFound
    if whose != "me" and not access.may(SHARE):
        raise Forbidden(N_("Defaults for others are set by those who may invite members."))
    if whose == "me":
        await access.enter_home()
        return who.id, area_of(access)
    account = who.tenant_id if access.client is None else access.client.tenant_id
    return account, TileArea.CLIENT if whose == "clients" else area_of(access)
