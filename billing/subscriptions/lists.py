"""The list of subscriptions."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.subscriptions.repository import load_retail_rules, load_subscriptions
from billing.subscriptions.schemas import SubscriptionView
from billing.subscriptions.views import view_of
from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ListDefinition
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page


async def _load(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[SubscriptionView]:
    scope = scope_of(session)
    own = "s.msp_id = :owner" if scope.fleet else "s.tenant_id = :owner"
    binds: dict[str, Any] = {"owner": scope.msp_id if scope.fleet else scope.tenant_id}
    source = ListSource(columns="s.id", tables="subscription s", where=own, binds=binds)
    page = await read_page(session, source, query)
    rows = {one.subscribed.id: one for one in await load_subscriptions(session, [row.id for row in page.items])}
    rules_of = await load_retail_rules(session)
    return page.map(lambda row: view_of(rows[row.id], now, rules_of(rows[row.id].client_id)))


SUBSCRIPTIONS_LIST: Final = ListDefinition[SubscriptionView](
    name="subscriptions",
    title=N_("Subscriptions"),
    item=SubscriptionView,
    load=_load,
    sorts=[
        Sort(
            name="-created",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[
                SortKey("s.created_at", "timestamptz", descending=True),
                SortKey("s.id", "uuid", descending=True),
            ],
        )
    ],
    columns=[
        "id", "client_id", CsvColumn("plan", lambda one: one.plan.code),
        CsvColumn("version", lambda one: one.plan.number), "quantity", CsvColumn("state", lambda one: one.state.value),
        "starts_at", "ends_at", "period_start", "period_end", CsvColumn("currency", lambda one: one.currency),
        CsvColumn("next_charge_at", lambda one: one.next_charge.due if one.next_charge else None),
        CsvColumn("next_charge_minor", lambda one: one.next_charge.amount_minor if one.next_charge else None),
    ],
)  # fmt: skip
