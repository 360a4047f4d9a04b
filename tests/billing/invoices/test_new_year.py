"""Numbers around New Year: the year is that of the day of issue by the legal entity's calendar."""

from datetime import UTC, date, datetime

import pytest

from billing.invoices.draft import close_period
from billing.invoices.repository import load_invoice
from billing.invoices.settle import NewCredit, create_credit_note
from billing.sides import Side
from foundation.ids import new_id
from tests.billing.conftest import MARCH, Market, uses
from tests.billing.invoices.test_lifecycle import enter


@pytest.mark.parametrize(
    ("time_zone", "now", "issued_on"),
    [
        ("Pacific/Auckland", datetime(2026, 12, 31, 10, 59, tzinfo=UTC), date(2026, 12, 31)),
        ("Pacific/Auckland", datetime(2026, 12, 31, 11, 0, tzinfo=UTC), date(2027, 1, 1)),
        ("America/New_York", datetime(2027, 1, 1, 4, 59, tzinfo=UTC), date(2026, 12, 31)),
        ("America/New_York", datetime(2027, 1, 1, 5, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
async def test_numbers_have_the_year_of_the_legal_entitys_calendar(
    priced: Market, time_zone: str, now: datetime, issued_on: date
) -> None:
    await enter(priced, time_zone=time_zone)
    await priced.use(*uses(120))
    async with priced.as_client() as session:
        closed = await close_period(session, side=Side.RETAIL, period=MARCH, now=now)
        await create_credit_note(session, closed.id, NewCredit(net_minor=100, reason="agreed"), now=now, new_id=new_id)
        found = await load_invoice(session, closed.id)
    assert found.document is not None
    assert (found.document.issued_on, found.invoice.number) == (issued_on, f"R-{issued_on.year}-001")
    assert [(one.issued_on, one.number) for one in found.credit_notes] == [(issued_on, f"GR-{issued_on.year}-001")]
