"""Rows of this slice's lists, for the tests of every list."""

from datetime import timedelta

from billing.invoices.repository import NOT_FINALISED
from billing.periods import month_of
from billing.sides import Side
from billing.states import InvoiceState
from tests.billing.conftest import START, uses
from tests.billing.price_books.list_samples import retail_market
from tests.support.list_rows import ListSample, Matches, Rows


async def add_invoice(rows: Rows, number: int) -> Matches:
    """A month of usage with its draft. The tag is not in the price book."""
    market = await retail_market(rows, START + timedelta(days=31 * number))
    at = START - timedelta(days=31 * number)
    await market.use(*uses(2 + number, at=at))
    assert await market.rate(Side.RETAIL, month_of(at)) is not None
    return {"status": [InvoiceState.DRAFT, NOT_FINALISED], "side": [Side.RETAIL]}


SAMPLES: dict[str, ListSample] = {"invoices": add_invoice}
TESTED_ELSEWHERE = {"usage-events": "tests/billing/test_pages.py: its address names a line"}
