"""Rows of this slice's lists, for the tests of every list."""

from decimal import Decimal

from billing.coupons.coupons import create_coupon, retire_coupon
from billing.coupons.schemas import CouponInput
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.list_rows import ListSample, Matches, Rows


async def add_coupon(rows: Rows, number: int) -> Matches:
    code = f"{rows.tag}-{number:03}".upper()
    async with rows.db.transaction(rows.env.msp_account) as session:
        new = CouponInput(code=code, name=rows.name(number), percent=Decimal(10))
        await create_coupon(session, new, now=utc_now(), new_id=new_id)
        if number % 2:
            await retire_coupon(session, code, now=utc_now())
    return {"show": ["retired" if number % 2 else "active"]}


SAMPLES: dict[str, ListSample] = {"coupons": add_coupon}
