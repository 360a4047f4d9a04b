"""The list of orders."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.orders.queries import list_orders
from governance.orders.schemas import OrderItem
from governance.orders.states import FulfilmentState
from governance.records.value_columns import value_columns

ORDERS: Final = ListDefinition[OrderItem](
    name="orders",
    title=N_("Orders"),
    item=OrderItem,
    load=list_orders,
    filters=[
        TextFilter(
            name="search",
            label=N_("Number or customer"),
            about="Part of the number, or of the customer's name or e-mail address, in upper or lower case.",
        ),
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), *((one.value, one.label) for one in FulfilmentState)],
        ),
        TextFilter(name="channel", label=N_("Channel"), about="Id of the connection that took the order."),
        TextFilter(
            name="currency", label=N_("Currency"), about="Code of the order's currency, such as EUR.", hidden=True
        ),
    ],
    sorts=[
        Sort(
            name="-received",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("v.received_at", "timestamptz", descending=True), SortKey("v.record_key", descending=True)],
        ),
        Sort(
            name="number",
            label=N_("By number"),
            reverse_label=N_("By number, descending"),
            keys=[SortKey("v.record_key")],
        ),
    ],
    columns=[
        "number",
        "customer",
        "state",
        *value_columns("total", lambda order: order.total),
        "lines",
        "channel",
        "connection_id",
        "received_at",
        "changed_at",
        "change_id",
    ],
)
