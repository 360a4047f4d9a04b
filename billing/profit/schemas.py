"""Structs of profit for pages, commands and the API. Amounts are exact, in major units, before tax."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_


class ProfitGrouping(LabelledCode):
    CLIENT = "client", N_("Client")
    BOOK = "book", N_("Price book")
    PRODUCT = "product", N_("Product")


class ProfitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One client, price book or product in one currency; `key` is its id or code, empty for revenue without one.
    `margin` is null if some of the cost is in another currency (`is_mixed`); `share` is margin by revenue. `uncosted`
    is the revenue of products whose cost is not known; of the cost, `at_wholesale` is the operator's and `at_unit_cost`
    by the MSP's own unit costs, not a vendor's.
    """

    key: str
    currency: str
    revenue: Decimal
    cost: Decimal
    margin: Decimal | None
    share: Decimal | None
    uncosted: Decimal
    at_wholesale: Decimal
    at_unit_cost: Decimal
    is_mixed: bool


class MonthProfit(msgspec.Struct, frozen=True, kw_only=True):
    month: str
    currency: str
    revenue: Decimal
    cost: Decimal
    margin: Decimal | None


class ProfitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A month's profit, the worst first; `months` are the last twelve. `drafts`: invoices of the month that are not
    finalised and count all the same. `unmapped`: rows of vendor bills of the month that are not in the cost.
    """

    month: str
    by: ProfitGrouping
    rows: Sequence[ProfitRow]
    totals: Sequence[ProfitRow]
    months: Sequence[MonthProfit]
    drafts: int
    unmapped: int
