"""Rows of this slice's lists, for the tests of every list."""

from datetime import timedelta

from billing.invoices.draft import close_period
from billing.payments.models import ProviderInvoice
from billing.periods import month_of
from billing.sides import Side
from foundation.clock import utc_now
from tests.billing.conftest import START, uses
from tests.billing.price_books.list_samples import retail_market
from tests.support.list_rows import ListSample, Rows


async def add_payment_difference(rows: Rows, number: int) -> None:
    """Add an invoice whose total at Stripe differs."""
    market = await retail_market(rows, START + timedelta(days=31 * number))
    # Months are closed one after the other, and before that of `add_invoice`.
    at = START - timedelta(days=31 * (28 - number))
    await market.use(*uses(2 + number, at=at))
    period = month_of(at)
    async with rows.db.transaction(rows.env.scope) as session:
        closed = await close_period(session, side=Side.RETAIL, period=period, now=utc_now())
        session.add(
            ProviderInvoice(
                **rows.own, invoice_id=closed.id, account_id=rows.env.scope.msp_id, provider="stripe",
                external_id=rows.name(number), status="open", settled_before_minor=0, total_minor=-1,
                created_at=utc_now() - timedelta(minutes=number),
            )
        )  # fmt: skip


SAMPLES: dict[str, ListSample] = {"payment-differences": add_payment_difference}
