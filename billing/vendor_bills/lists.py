"""The lists of vendor bills, their rows, their files, and the vendors' clients and products."""

from typing import Final

from billing.vendor_bills.queries import (
    list_bill_lines,
    list_bills,
    list_uploads,
    list_vendor_clients,
    list_vendor_products,
)
from billing.vendor_bills.schemas import (
    MappingState,
    MappingView,
    VendorBillLineView,
    VendorBillView,
    VendorUploadView,
)
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition, Load, TextFilter
from foundation.web.pagination import Sort, SortKey

_MONTH: Final = TextFilter(name="month", label=N_("Month"), about="The billed month, such as 2026-11.")
_VENDOR: Final = TextFilter(name="vendor", label=N_("Vendor"), about="As on the bill.")
_STATE: Final = ChoiceFilter(
    name="status", label=N_("State"), options=[("", N_("Any")), *((one.value, one.label) for one in MappingState)]
)
_BY_MONTH: Final = Sort(
    name="-month",
    label=N_("Latest month first"),
    reverse_label=N_("Earliest month first"),
    keys=[SortKey("b.month", descending=True), SortKey("b.id", "uuid", descending=True)],
)
VENDOR_BILLS: Final = ListDefinition[VendorBillView](
    name="vendor-bills",
    title=N_("Vendor bills"),
    item=VendorBillView,
    load=list_bills,
    filters=[
        _MONTH,
        _VENDOR,
        ChoiceFilter(
            name="show", label=N_("Show"), options=[("", N_("Bills that count")), ("withdrawn", N_("Withdrawn bills"))]
        ),
    ],
    sorts=[_BY_MONTH],
    columns=[
        "id", "month", "vendor", "number", "lines", "unmapped", CsvColumn("amount", lambda one: one.amount), "currency",
        "created_at", "created_by", "withdrawn_at", "withdrawn_by",
    ],
)  # fmt: skip
VENDOR_BILL_LINES: Final = ListDefinition[VendorBillLineView](
    name="vendor-bill-lines",
    title=N_("Rows of vendor bills"),
    item=VendorBillLineView,
    load=list_bill_lines,
    filters=[
        _MONTH,
        _VENDOR,
        TextFilter(name="number", label=N_("Bill"), about="The number of the bill."),
        TextFilter(name="client_key", label=N_("Vendor's client"), about="The vendor's ID of the client, or its name."),
        TextFilter(name="product_code", label=N_("Product"), about="The vendor's code."),
        _STATE,
    ],
    sorts=[_BY_MONTH],
    columns=[
        "id", "month", "vendor", "number", "line", "client_key", "client_name", "product_code", "description",
        CsvColumn("quantity", lambda one: one.quantity), CsvColumn("unit_cost", lambda one: one.unit_cost),
        CsvColumn("amount", lambda one: one.amount), "currency", "service_from", "service_to", "mapping", "client_id",
        "meter",
    ],
)  # fmt: skip
VENDOR_UPLOADS: Final = ListDefinition[VendorUploadView](
    name="vendor-uploads",
    title=N_("Files of vendor bills"),
    item=VendorUploadView,
    load=list_uploads,
    filters=[
        _MONTH,
        ChoiceFilter(name="show", label=N_("Show"), options=[("", N_("All")), ("wrong", N_("Files with wrong rows"))]),
    ],
    sorts=[
        Sort(
            name="-uploaded",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("b.id", "uuid", descending=True)],
        )
    ],
    columns=["id", "month", "vendor", "rows", "wrong", "uploaded_at", "uploaded_by", "stored_at", "stored_by"],
)


def _mappings(name: str, title: str, load: Load[MappingView]) -> ListDefinition[MappingView]:
    return ListDefinition[MappingView](
        name=name,
        title=title,
        item=MappingView,
        load=load,
        filters=[_STATE, _VENDOR, TextFilter(name="key", label=N_("Vendor's ID"), about="As on the bill.")],
        sorts=[
            Sort(
                name="vendor",
                label=N_("By vendor"),
                reverse_label=N_("By vendor, descending"),
                keys=[SortKey("b.vendor"), SortKey("b.key")],
            )
        ],
        columns=[
            "kind", "vendor", "key", "label", "mapping", "client_id", "meter",
            CsvColumn("factor", lambda one: one.factor), "lines", "last_month", "set_at", "set_by",
        ],
    )  # fmt: skip


VENDOR_CLIENTS: Final = _mappings("vendor-clients", N_("Vendors' clients"), list_vendor_clients)
VENDOR_PRODUCTS: Final = _mappings("vendor-products", N_("Vendors' products"), list_vendor_products)
