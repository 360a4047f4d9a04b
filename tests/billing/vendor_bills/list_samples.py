"""Rows of this slice's lists, for the tests of every list."""

from decimal import Decimal

from billing.vendor_bills.bills import store_bill_rows
from billing.vendor_bills.mappings import set_mapping
from billing.vendor_bills.schemas import MappingInput, MappingKind, VendorBillInput, VendorLineInput
from billing.vendor_bills.uploads import create_upload
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.usage.meters import Meters
from tests.support.list_rows import ListSample, Matches, Rows


def _vendor_line(rows: Rows, number: int) -> VendorLineInput:
    name = rows.name(number)
    return VendorLineInput(
        vendor=name, bill_number=name, line="1", client_id=name, client_name=name, product_code=f"{name} seat",
        description=name, quantity=Decimal(number), amount=Decimal(number), currency="EUR",
    )  # fmt: skip


def _month(rows: Rows, number: int) -> str:
    years, month = divmod(number - 1, 12)
    return f"{(2027 if rows.tag == 'MINE' else 2047) + years}-{month + 1:02}"


async def add_vendor_bill(rows: Rows, number: int) -> Matches:
    month, name = _month(rows, number), rows.name(number)
    async with rows.db.transaction(rows.env.msp_account) as session:
        bill = VendorBillInput(month=month, lines=[_vendor_line(rows, number)])
        await store_bill_rows(session, bill, now=utc_now(), new_id=new_id)
    return {"month": [month], "vendor": [name], "show": []}


async def add_vendor_bill_line(rows: Rows, number: int) -> Matches:
    await add_vendor_bill(rows, number)
    name = rows.name(number)
    return {
        "month": [_month(rows, number)], "vendor": [name], "number": [name], "client_key": [name],
        "product_code": [f"{name} seat"], "status": ["unmapped"],
    }  # fmt: skip


async def _map_vendor(rows: Rows, number: int, kind: MappingKind, key: str) -> Matches:
    await add_vendor_bill(rows, number)
    name, ignored = rows.name(number), number % 2
    if ignored:
        wanted = MappingInput(kind=kind, vendor=name, key=key, ignore=True)
        async with rows.db.transaction(rows.env.msp_account) as session:
            await set_mapping(session, Meters([]), wanted, client_id=None, now=utc_now())
    return {"status": ["ignored" if ignored else "unmapped"], "vendor": [name], "key": [key]}


async def add_vendor_client(rows: Rows, number: int) -> Matches:
    return await _map_vendor(rows, number, MappingKind.CLIENT, rows.name(number))


async def add_vendor_product(rows: Rows, number: int) -> Matches:
    return await _map_vendor(rows, number, MappingKind.PRODUCT, f"{rows.name(number)} seat")


async def add_vendor_upload(rows: Rows, number: int) -> Matches:
    month, name = _month(rows, number), rows.name(number)
    file = f"bill_number,customer,sku,qty,amount,currency\n{name},{name},{name},x,1,EUR\n".encode()
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_upload(session, file, month=month, vendor=name, now=utc_now(), new_id=new_id)
    return {"month": [month], "show": ["wrong"]}


SAMPLES: dict[str, ListSample] = {
    "vendor-bills": add_vendor_bill,
    "vendor-bill-lines": add_vendor_bill_line,
    "vendor-clients": add_vendor_client,
    "vendor-products": add_vendor_product,
    "vendor-uploads": add_vendor_upload,
}
