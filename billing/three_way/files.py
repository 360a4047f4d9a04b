"""The check as a file."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from billing.three_way.schemas import ThreeWayCheck
from foundation.web.csv_export import write_lines

COLUMNS: Final = (
    "month", "client", "product", "kinds", "vendor_quantity", "used_quantity", "billed_quantity", "difference",
    "amount", "currency", "at_cost", "vendor_difference", "vendor_amount", "vendor_currency", "on_draft",
    "explained_by", "reason",
)  # fmt: skip


def write_file(found: ThreeWayCheck, clients: Mapping[UUID, str]) -> bytes:
    """CSV (RFC 4180, UTF-8) with a header line. Differences have a sign: positive for units not billed."""
    rows: list[tuple[Any, ...]] = []
    for one in found.items:
        known = one.explanation if one.is_explained else None
        rows.append((
            found.month, clients.get(one.client_id, str(one.client_id)), one.product, " ".join(one.kinds),
            one.vendor_quantity, one.used_quantity, one.billed_quantity, one.difference, one.amount, one.currency,
            one.at_cost, one.vendor_difference, one.vendor_amount, one.vendor_currency, one.on_draft,
            known.explained_by if known else "", known.reason if known else "",
        ))  # fmt: skip
    return write_lines([COLUMNS, *rows])
