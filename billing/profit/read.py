"""Entry point for pages, the API and commands: month, grouping and client by name; and the labels of its rows."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import month_before
from billing.price_books.books import ALL_BOOKS, list_price_books
from billing.profit.report import read_profit_grouping, report_profit
from billing.profit.schemas import ProfitGrouping, ProfitReport
from foundation.errors import InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.usage.meters import Meters
from tenants.accounts import get_client_by_slug, name_clients


async def read_profit(session: AsyncSession, month: str, by: str, client: str, *, now: datetime) -> ProfitReport:
    """`month`: the last one if empty. `by`: client if empty. In a fleet scope. Raises InvalidInput: names the field."""
    client_id = None
    if client:
        try:
            client_id = (await get_client_by_slug(session, client)).tenant_id
        except NotFound:
            raise InvalidInput(N_("There is no client with this short name."), field="client") from None
    grouping = read_profit_grouping(by or ProfitGrouping.CLIENT)
    return await report_profit(session, month or f"{month_before(now).start:%Y-%m}", grouping, client_id=client_id)


async def label_rows(session: AsyncSession, report: ProfitReport, meters: Meters) -> Mapping[str, str]:
    """Labels by key of the rows."""
    keys = {row.key for row in report.rows}
    if report.by is ProfitGrouping.CLIENT:
        names = await name_clients(session, {UUID(key) for key in keys})
        return {str(each): name for each, name in names.items()}
    if report.by is ProfitGrouping.BOOK:
        books = (await list_price_books(session, ALL_BOOKS)).items
        owners = await name_clients(session, {book.client_id for book in books if book.client_id is not None})
        found = {str(book.id): (book.name, owners.get(book.client_id) if book.client_id else None) for book in books}
        labels = {key: f"{name}, {owner}" if owner else name for key, (name, owner) in found.items()}
        return labels | {"": translate("without a price book")}
    labels = {key: meters.label_of(key) if meters.get(key) is not None else key for key in keys}
    return labels | {"": translate("credit notes without lines")}
