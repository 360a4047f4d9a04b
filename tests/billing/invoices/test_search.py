"""Search of invoices by number: a client's own, and for an MSP those of all its clients."""

from billing.invoices.search import find_fleet_invoices, find_invoices
from foundation.ids import new_id
from tests.billing.conftest import Market, uses
from tests.billing.invoices.test_lifecycle import close, enter
from tests.conftest import make_scope


async def test_invoices_are_found_by_number_in_their_account_only(priced: Market) -> None:
    await enter(priced)
    await priced.use(*uses(120))
    closed = await close(priced)
    path = f"/invoices/{closed.invoice.id}"
    for wanted, found in (("r-2026-0", [path]), ("026-001", [path]), ("R-2027", []), ("%", [])):
        async with priced.as_client() as session:
            assert [hit.path for hit in await find_invoices(session, wanted)] == found, wanted
    for wanted, found in (("r-2026-0", [path]), ("026-001", []), ("R-2027", [])):
        async with priced.as_staff() as session:
            assert [hit.path for hit in await find_fleet_invoices(session, wanted)] == found, wanted
    sibling = priced.another_client()
    async with sibling.as_client() as session:
        assert await find_invoices(session, "R-2026") == []
    alien = Market(priced.db, make_scope(msp_id=new_id()), sibling.client)
    async with alien.as_staff() as session:
        assert await find_fleet_invoices(session, "R-2026") == []
