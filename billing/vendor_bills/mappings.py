"""Use case: map a vendor's client or product."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.plans.items import list_items
from billing.vendor_bills.bills import require_msp_account
from billing.vendor_bills.models import VendorMapping
from billing.vendor_bills.parse import PLACES
from billing.vendor_bills.schemas import MappingInput, MappingKind, MappingState
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.marks import N_
from foundation.text import has_visible_text, is_storable
from foundation.usage.meters import Meters
from tenants.access import Access
from tenants.accounts import get_client_by_slug

_MOST: Final = Decimal(10) ** 9


async def change_mapping(access: Access, meters: Meters, wanted: MappingInput) -> MappingState:
    """As `set_mapping`, with the client by its short name. Ends in the caller's own account.

    Raises:
        InvalidInput: names the field.
    """
    client_id = None
    if wanted.kind is MappingKind.CLIENT and wanted.client and not wanted.ignore:
        await access.enter_fleet()
        try:
            client_id = (await get_client_by_slug(access.session, wanted.client)).tenant_id
        except NotFound:
            raise InvalidInput(N_("There is no client with this short name."), field="client") from None
        finally:  # the request's own records belong to the MSP account
            await access.enter_home()
    return await set_mapping(access.session, meters, wanted, client_id=client_id, now=access.now)


async def set_mapping(
    session: AsyncSession, meters: Meters, wanted: MappingInput, *, client_id: UUID | None, now: datetime
) -> MappingState:
    """Map a vendor's client or product: to `client_id`, to a meter or an item of a plan; or ignore or unmap it. In the
    MSP account.

    Raises:
        InvalidInput: names the field.
    """
    require_msp_account(session)
    scope, is_product = scope_of(session), wanted.kind is MappingKind.PRODUCT
    for name in ("vendor", "key"):
        text = getattr(wanted, name)
        if not is_storable(text) or not has_visible_text(text):
            raise InvalidInput(N_("Enter the name as it is on the bill."), field=name)
    meter = None
    if is_product and wanted.meter and not wanted.ignore:
        is_item = meters.get(wanted.meter) is None and wanted.meter in await list_items(session)
        meter = wanted.meter if is_item else meters.require(wanted.meter).name
    factor = wanted.factor
    if not factor.is_finite() or not 0 < factor < _MOST or factor != round(factor, PLACES):
        raise InvalidInput(N_("Enter a number above 0, such as 1."), field="factor")
    place = {"tenant_id": scope.tenant_id, "kind": wanted.kind.value, "vendor": wanted.vendor, "key": wanted.key}
    known = await session.get(VendorMapping, tuple(place.values()), with_for_update=True)
    state = MappingState.UNMAPPED
    if wanted.ignore or meter is not None or client_id is not None:
        state = MappingState.IGNORED if wanted.ignore else MappingState.MAPPED
        values = {
            "client_id": client_id, "meter": meter, "factor": wanted.factor if meter else Decimal(1),
            "is_ignored": wanted.ignore, "set_at": now, "set_by": scope.actor.name,
        }  # fmt: skip
        await session.execute(
            insert(VendorMapping)
            .values(**place, msp_id=scope.msp_id, **values)
            .on_conflict_do_update(index_elements=list(place), set_=values)
        )
    elif known is not None:
        await session.delete(known)
    data = {"state": state.value, "client_id": str(client_id or ""), "meter": meter or "", "key": wanted.key}
    append_audit(
        session, action=BillingAction.VENDOR_MAPPING_SET, subject=f"vendor:{wanted.vendor}",
        data={"kind": wanted.kind.value, **data}, at=now,
    )  # fmt: skip
    return state
