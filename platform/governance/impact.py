"""Impact in money, as lists order by it.

Amounts of different currencies are not compared, because the product keeps no exchange rates: lists are ordered by
currency, then by amount. Rows without an amount are last.
"""

from typing import Any, Final

from sqlalchemy import Row

from canonical.values import MoneyValue, money
from foundation.marks import N_
from foundation.web.pagination import Sort, SortKey

_AFTER_ALL: Final = "ZZZ"
"""No currency of ISO 4217; sorts after each of them."""
IMPACT_CURRENCY: Final = f"coalesce({{0}}impact_currency, '{_AFTER_ALL}')"
"""As SQL, with the prefix {0}. The index of exceptions is declared with exactly this text."""


def impact_sort(prefix: str) -> Sort:
    """Largest impact first, of the table with `prefix` and an `id`."""
    return Sort(
        name="-impact",
        label=N_("Largest impact first"),
        reverse_label=N_("Smallest impact first"),
        keys=[
            SortKey(IMPACT_CURRENCY.format(prefix)),
            SortKey(f"{prefix}impact_amount", "numeric", descending=True),
            SortKey(f"{prefix}id", "uuid"),
        ],
    )


def to_impact(row: Row[Any], prefix: str = "") -> MoneyValue | None:
    """Impact from the columns `impact_amount` and `impact_currency`, after `prefix`."""
    currency = getattr(row, f"{prefix}impact_currency")
    return None if currency is None else money(getattr(row, f"{prefix}impact_amount"), currency)
