"""Giving a coupon of the MSP to one of its clients: the coupon is read in the fleet's scope, all else in the
client's.
"""

from uuid import UUID

from billing.coupons.client_coupons import give_coupon
from billing.coupons.coupons import find_coupon
from billing.coupons.schemas import GiveCouponInput
from foundation.database.engine import change_scope, scope_of
from foundation.errors import NotFound
from foundation.ids import NewId
from tenants.access import Access


async def give_as_staff(access: Access, given: GiveCouponInput, *, new_id: NewId) -> UUID:
    """Give a coupon, on a client's page or route. Ends in the client's scope, also after an error.

    Raises:
        NotFound: the caller is not of the MSP's staff.
        InvalidInput, Conflict: as `find_coupon` and `give_coupon`.
    """
    if access.client is None or not access.principal.is_staff:
        raise NotFound
    session, own = access.session, scope_of(access.session)
    await access.enter_fleet()
    try:
        coupon = await find_coupon(session, given.code, now=access.now)
    finally:
        await change_scope(session, own)
    return await give_coupon(session, coupon, given, now=access.now, new_id=new_id)
