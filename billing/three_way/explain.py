"""Use case: accept a difference with a reason, which stays on record."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.three_way.check import check_month
from billing.three_way.models import BillingDifference
from billing.three_way.schemas import ExplanationInput, ThreeWayDifference
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.reasons import clean_reason
from tenants.access import Access
from tenants.accounts import get_client_by_slug


async def explain(access: Access, wanted: ExplanationInput, *, new_id: NewId) -> UUID:
    """Accept a difference. Ends in the caller's own account.

    Raises:
        InvalidInput: names the field; also if there is no such difference.
    """
    await access.enter_fleet()
    try:
        try:
            client = await get_client_by_slug(access.session, wanted.client)
        except NotFound:
            raise InvalidInput(N_("There is no client with this short name."), field="client") from None
        month, found = await find_difference(access.session, wanted.month, client.tenant_id, wanted.product)
    finally:  # the request's own records belong to the MSP account
        await access.enter_home()
    return await record_explanation(
        access.session, month, found, wanted.reason, now=access.now, explanation_id=new_id()
    )


async def find_difference(
    session: AsyncSession, month: str, client_id: UUID, product: str
) -> tuple[str, ThreeWayDifference]:
    """Find the month and the difference of a client's product, in a fleet scope. Raises InvalidInput."""
    checked = await check_month(session, month)
    for one in checked.items:
        if (one.client_id, one.product) == (client_id, product):
            return checked.month, one
    raise InvalidInput(N_("There is no difference of this client and product in this month."), field="product")


async def record_explanation(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, month: str, found: ThreeWayDifference, reason: str, *, now: datetime, explanation_id: UUID
) -> UUID:
    """Store an explanation, in the MSP account. Raises InvalidInput: the reason."""
    scope, reason = scope_of(session), clean_reason(reason)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("This check is for the MSP's own members only."))
    session.add(
        BillingDifference(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=explanation_id, month=month, client_id=found.client_id,
            product=found.product, vendor_quantity=found.vendor_quantity, used_quantity=found.used_quantity,
            billed_quantity=found.billed_quantity, reason=reason, explained_at=now, explained_by=scope.actor.name,
        )
    )  # fmt: skip
    await session.flush()
    append_audit(
        session, action=BillingAction.BILLING_DIFFERENCE_EXPLAINED, subject=f"client:{found.client_id}",
        data={"month": month, "product": found.product, "reason": reason, "difference": str(found.difference)}, at=now,
    )  # fmt: skip
    return explanation_id
