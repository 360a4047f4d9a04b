"""The lists of a trading partner's channels: deliveries, and the values shown."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.partner_channel.products import list_products
from governance.partner_channel.queries import list_propagations, list_shown
from governance.partner_channel.schemas import ChannelProduct, ChannelValueView
from governance.propagation.schemas import PropagationView
from governance.records.keys import KEY_TYPES
from governance.records.value_columns import value_columns

CHANNEL_CHANGES: Final = ListDefinition[PropagationView](
    name="channel-changes",
    title=N_("Changes on your channel"),
    item=PropagationView,
    load=list_propagations,
    sorts=[
        Sort(
            name="-released",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("p.change_id", "uuid", descending=True), SortKey("p.connection_id", "uuid")],
        )
    ],
    columns=[
        "change_id",
        "channel",
        *KEY_TYPES,
        *value_columns("previous", lambda delivery: delivery.previous),
        *value_columns("value", lambda delivery: delivery.value),
        "state",
        "released_at",
        "slo_due_at",
        "accepted_at",
        "verified_at",
        "late",
    ],
)
_FILTERS: Final = (
    TextFilter(
        name="search",
        label=N_("Product name or SKU"),
        about="Part of a record key or product name, in upper or lower case.",
    ),
    TextFilter(name="channel", label=N_("Channel"), about="Id of a channel's connection."),
)
CHANNEL_PRODUCTS: Final = ListDefinition[ChannelProduct](
    name="channel-products",
    title=N_("Catalogue"),
    item=ChannelProduct,
    load=list_products,
    filters=_FILTERS,
    sorts=[
        Sort(
            name="record",
            label=N_("By record"),
            reverse_label=N_("By record, descending"),
            keys=[SortKey("v.record_key"), SortKey("n.name")],
        )
    ],
    columns=[
        "connection_id",
        "channel",
        "record_key",
        "name",
        *value_columns("price", lambda one: one.price),
        "prices",
        *value_columns("sale_price", lambda one: one.sale_price),
        *value_columns("stock", lambda one: one.stock),
        "status",
        "state",
        "seen_at",
    ],
)
CHANNEL_VALUES: Final = ListDefinition[ChannelValueView](
    name="channel-values",
    title=N_("Values shown"),
    item=ChannelValueView,
    load=list_shown,
    filters=_FILTERS,
    sorts=[
        Sort(
            name="record",
            label=N_("By record"),
            reverse_label=N_("By record, descending"),
            keys=[*(SortKey(f"v.{name}") for name in KEY_TYPES), SortKey("n.name")],
        )
    ],
    columns=["connection_id", "channel", *KEY_TYPES, *value_columns("value", lambda one: one.value), "seen_at"],
)
