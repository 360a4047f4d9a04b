"""Tiles about revenue, of all clients of an MSP."""

from typing import Final

from billing.periods import parse_month
from billing.permissions import BillingPermission
from billing.price_books.wording import write_amount
from billing.revenue.report import load_outstanding, report_revenue, total_outstanding
from branding.formats import format_month
from foundation.dashboard_tiles import Tile, TileArea, TileData, TileKind, TileReader, TileRow, TileSeries
from foundation.i18n.localizer import translate
from foundation.marks import N_


async def _months(reader: TileReader) -> TileData:
    """Data of the revenue tiles, in the currency with the most revenue."""
    found = await report_revenue(reader.session, "", "", now=reader.now)
    sums: dict[str, float] = {}
    for one in found.months:
        sums[one.currency] = sums.get(one.currency, 0.0) + float(one.invoiced)
    currency = max(sums, key=lambda each: sums[each], default="")
    own = [one for one in found.months if one.currency == currency]
    return TileData(
        path="/revenue",
        note=currency,
        labels=[format_month(parse_month(one.month).start) for one in own],
        series=[TileSeries(translate("Invoiced"), [float(one.invoiced) for one in own])],
    )


async def _outstanding(reader: TileReader) -> TileData:
    rows = []
    for one in total_outstanding(await load_outstanding(reader.session, reader.now)):
        for label, amount in (
            (translate("Not due yet"), one.not_due), (translate("Up to 30 days"), one.days_0_30),
            (translate("31 to 60 days"), one.days_31_60), (translate("61 to 90 days"), one.days_61_90),
            (translate("Over 90 days"), one.days_over_90),
        ):  # fmt: skip
            if amount:
                rows.append(TileRow(label, "/revenue", write_amount(amount, one.currency)))
    return TileData(path="/revenue", rows=rows)


TILES: Final = (
    Tile(
        code="revenue.months", label=N_("Revenue by month"), about=N_("What clients were invoiced, before tax."),
        kind=TileKind.BARS, area=TileArea.MSP, permission=BillingPermission.READ_PROFIT, load=_months, fleet=True,
    ),
    Tile(
        code="revenue.outstanding", label=N_("Outstanding by age"), about=N_("Unpaid invoices by days since due."),
        kind=TileKind.LIST, area=TileArea.MSP, permission=BillingPermission.READ_PROFIT, load=_outstanding, fleet=True,
    ),
)  # fmt: skip
