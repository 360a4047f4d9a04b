"""Storage of vendor bills: each row once, in any order, with its mapping, and for its own MSP only."""

from decimal import Decimal
from uuid import UUID

import pytest

from billing.vendor_bills.bills import store_bill_rows, withdraw_bill
from billing.vendor_bills.lists import VENDOR_BILL_LINES, VENDOR_BILLS, VENDOR_CLIENTS
from billing.vendor_bills.mappings import set_mapping
from billing.vendor_bills.schemas import (
    MappingInput,
    MappingKind,
    MappingState,
    VendorBillInput,
    VendorBillLineView,
    VendorLineInput,
    VendorReceipt,
)
from billing.vendor_bills.uploads import create_upload, load_upload, store_upload
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.usage.meters import Meter, Meters
from tests.billing.conftest import METER, START, Market
from tests.conftest import make_scope

FILE = b"bill_number,customer,sku,qty,amount,currency\nB1,Birch,SEAT,3,30,EUR\nB1,Birch,SEAT,x,30,EUR\n"


async def _nothing(*_: object) -> dict[UUID, object]:
    return {}


METERS = Meters([Meter(name=METER, unit=("{number}", "{number}"), label="Use", permission="x", describe=_nothing)])  # type: ignore[arg-type]


def row(line: str = "1", **changes: object) -> VendorLineInput:
    fields = {
        "vendor": "Cirrus", "bill_number": "B1", "line": line, "client_id": "c-1", "client_name": "Birch",
        "product_code": "SEAT", "quantity": Decimal(3), "unit_cost": Decimal(10), "currency": "EUR",
    }  # fmt: skip
    return VendorLineInput(**{**fields, **changes})  # type: ignore[arg-type]


async def store(market: Market, *rows: VendorLineInput, month: str = "2026-03") -> VendorReceipt:
    async with market.as_msp_account() as session:
        wanted = VendorBillInput(month=month, lines=list(rows))
        return await store_bill_rows(session, wanted, now=START, new_id=new_id)


async def map_to(market: Market, kind: MappingKind, key: str, target: object = None, **more: object) -> MappingState:
    wanted = MappingInput(
        kind=kind, vendor="Cirrus", key=key, meter=str(target) if kind is MappingKind.PRODUCT and target else "",
        **more,  # type: ignore[arg-type]
    )  # fmt: skip
    client = target if kind is MappingKind.CLIENT else None
    async with market.as_msp_account() as session:
        return await set_mapping(session, METERS, wanted, client_id=client, now=START)  # type: ignore[arg-type]


async def lines(market: Market) -> list[VendorBillLineView]:
    async with market.as_staff() as session:
        return list(await VENDOR_BILL_LINES.load_most(session, START))


async def test_a_row_counts_once_and_never_changes(market: Market) -> None:
    first = await store(market, row("1"), row("2", quantity=Decimal("0.5"), amount=Decimal("2.345")), row("1"))
    assert [one.result for one in first.items] == ["new", "new", "existing"]
    again = await store(market, row("1", quantity=Decimal("3.00")), row("2", quantity=Decimal(9)), row("3"))
    assert [one.result for one in again.items] == ["existing", "wrong", "wrong"], "of that bill nothing is stored"
    assert [one.code for one in again.items[1:]] == ["conflict", "conflict"]
    assert (await store(market, row("3"))).new == 1
    later = await store(market, row("4"), month="2026-04")
    assert (later.wrong, later.new) == (1, 0)
    assert sorted((one.line, one.amount) for one in await lines(market)) == [
        ("1", Decimal(30)), ("2", Decimal("2.345")), ("3", Decimal(30)),
    ]  # fmt: skip


async def test_a_withdrawn_bill_does_not_count_and_can_be_stored_again(market: Market) -> None:
    await store(market, row("1"))
    async with market.as_staff() as session:
        [bill] = await VENDOR_BILLS.load_most(session, START)
    assert (bill.amount, bill.currency, bill.unmapped) == (Decimal(30), "EUR", 1)
    async with market.as_msp_account() as session:
        await withdraw_bill(session, bill.id, now=START)
        with pytest.raises(Conflict):
            await withdraw_bill(session, bill.id, now=START)
    assert await lines(market) == []
    assert (await store(market, row("1", quantity=Decimal(4)), month="2026-04")).new == 1


async def test_a_mapping_applies_to_all_months_until_it_is_removed(market: Market) -> None:
    await store(market, row("1"))
    assert await map_to(market, MappingKind.CLIENT, "c-1", market.client.tenant_id) is MappingState.MAPPED
    assert [one.mapping for one in await lines(market)] == [MappingState.UNMAPPED]  # the product is not mapped
    assert await map_to(market, MappingKind.PRODUCT, "SEAT", METER, factor=Decimal(2)) is MappingState.MAPPED
    await store(market, row("1", bill_number="B2"), month="2026-04")
    assert {(one.mapping, one.client_id, one.meter) for one in await lines(market)} == {
        (MappingState.MAPPED, market.client.tenant_id, METER)
    }
    assert await map_to(market, MappingKind.CLIENT, "c-1", ignore=True) is MappingState.IGNORED
    assert {one.mapping for one in await lines(market)} == {MappingState.IGNORED}
    assert await map_to(market, MappingKind.CLIENT, "c-1") is MappingState.UNMAPPED
    async with market.as_staff() as session:
        [client] = await VENDOR_CLIENTS.load_most(session, START)
    assert (client.mapping, client.lines, client.last_month) == (MappingState.UNMAPPED, 2, "2026-04")
    for wrong in ({"factor": Decimal(0)}, {"factor": Decimal("NaN")}):
        with pytest.raises(InvalidInput):
            await map_to(market, MappingKind.PRODUCT, "SEAT", METER, **wrong)


async def test_a_file_keeps_its_wrong_rows_and_stores_the_others_once(market: Market) -> None:
    async with market.as_msp_account() as session:
        upload_id, same = [
            await create_upload(session, FILE, month="2026-03", vendor="Cirrus", now=START, new_id=new_id)
            for _ in range(2)
        ]
        seen = await load_upload(session, upload_id)
    assert upload_id == same
    assert (seen.new, seen.wrong, seen.items[0].raw) == (1, 1, "B1,Birch,SEAT,x,30,EUR")
    assert [(one.currency, one.amount) for one in seen.totals] == [("EUR", Decimal(30))]
    assert await lines(market) == []
    for _ in range(2):
        async with market.as_msp_account() as session:
            stored = await store_upload(session, upload_id, now=START, new_id=new_id)
    assert (stored.existing, stored.wrong, stored.items[0].place) == (1, 1, 3)
    assert [one.amount for one in await lines(market)] == [Decimal(30)]


async def test_bills_of_another_account_are_not_listed(market: Market) -> None:
    await store(market, row("1"))
    async with market.as_msp_account() as session:
        [bill] = await VENDOR_BILLS.load_most(session, START)
        upload_id = await create_upload(session, FILE, month="2026-03", vendor="V", now=START, new_id=new_id)
    msp_id = new_id()
    other = Market(market.db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))
    assert await lines(other) == []
    async with other.as_msp_account() as session:
        with pytest.raises(NotFound):
            await withdraw_bill(session, bill.id, now=START)
        with pytest.raises(NotFound):
            await load_upload(session, upload_id)
    async with market.as_client() as session:
        assert list(await VENDOR_BILLS.load_most(session, START)) == []
        with pytest.raises(Forbidden):
            await store_bill_rows(session, VendorBillInput(month="2026-03", lines=[row()]), now=START, new_id=new_id)
    assert (await store(other, row("1"))).new == 1
