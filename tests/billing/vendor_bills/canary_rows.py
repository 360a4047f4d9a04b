"""Rows of this slice for the canary: none of them may reach another tenant."""

from decimal import Decimal

from billing.vendor_bills.bills import store_bill_rows
from billing.vendor_bills.schemas import VendorBillInput, VendorLineInput
from billing.vendor_bills.uploads import create_upload
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    row = VendorLineInput(
        vendor=text, bill_number=text, line="1", client_name=text, product_code=text, quantity=Decimal(1),
        amount=Decimal(1), currency="EUR",
    )  # fmt: skip
    file = f"bill_number,customer,sku,qty,amount,currency\n{text},{text},{text},x,1,EUR\n".encode()
    async with env.services.db.transaction(env.msp_account) as session:
        await store_bill_rows(session, VendorBillInput(month="2026-03", lines=[row]), now=utc_now(), new_id=new_id)
        await create_upload(session, file, month="2026-03", vendor=text, now=utc_now(), new_id=new_id)
