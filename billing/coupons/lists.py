"""The list of an MSP's coupons."""

from typing import Final

from billing.coupons.coupons import list_coupons
from billing.coupons.schemas import CouponView
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey

COUPONS: Final = ListDefinition[CouponView](
    name="coupons",
    title=N_("Coupons"),
    item=CouponView,
    load=list_coupons,
    filters=[
        ChoiceFilter(
            name="show",
            label=N_("Show"),
            options=[("", N_("All")), ("active", N_("In use")), ("retired", N_("Retired"))],
        )
    ],
    sorts=[
        Sort(
            name="-created",
            label=N_("Latest first"),
            reverse_label=N_("Earliest first"),
            keys=[SortKey("c.created_at", "timestamptz", descending=True), SortKey("c.id", "uuid", descending=True)],
        )
    ],
    columns=[
        "id", "code", "name", CsvColumn("percent", lambda one: one.percent), "amount_minor", "currency",
        CsvColumn("duration", lambda one: one.duration.value), "months", "recurring",
        CsvColumn("only", lambda one: one.only or None), "valid_from", "valid_until", "max_clients", "clients",
        "created_at", "created_by", "retired_at",
    ],
)  # fmt: skip
