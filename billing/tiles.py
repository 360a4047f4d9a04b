"""Tiles about invoices."""

from typing import Final

from billing.invoices.lists import INVOICES
from billing.invoices.repository import NOT_FINALISED
from billing.permissions import BillingPermission
from billing.states import LABELS, InvoiceState
from branding.formats import format_money, format_month
from canonical.money import Money
from foundation.dashboard_tiles import LoadTile, Tile, TileArea, TileData, TileKind, TileReader, TileRow
from foundation.i18n.localizer import translate
from foundation.marks import N_

_ROWS: Final = 5


async def _drafts(reader: TileReader) -> TileData:
    query = INVOICES.query(limit=1, status=NOT_FINALISED).with_count()
    count = (await INVOICES.load(reader.session, query, reader.now)).count
    return TileData(
        path=f"/invoices?status={NOT_FINALISED}", value=count.number if count else 0, more=bool(count and count.more)
    )


async def _newest(reader: TileReader) -> TileData:
    found = await INVOICES.load(reader.session, INVOICES.query(limit=_ROWS), reader.now)
    rows = [
        TileRow(
            format_month(one.period_start),
            f"/invoices/{one.id}",
            format_money(Money(one.total_minor, one.currency)),
            translate(LABELS[InvoiceState(one.state)][0]),
        )
        for one in found.items
    ]
    return TileData(path="/invoices", rows=rows)


def _both(code: str, label: str, about: str, kind: TileKind, load: LoadTile) -> tuple[Tile, ...]:
    return tuple(
        Tile(
            code=f"invoices.{code}", label=label, about=about, kind=kind, area=area,
            permission=BillingPermission.READ_INVOICES, load=load, fleet=area is TileArea.MSP,
        )
        for area in TileArea
    )  # fmt: skip


TILES: Final = (
    *_both("drafts", N_("Draft invoices"), N_("Invoices that are not finalised yet."), TileKind.FIGURE, _drafts),
    *_both("newest", N_("Newest invoices"), N_("With their totals."), TileKind.LIST, _newest),
)
