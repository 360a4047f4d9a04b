"""Products as buyers see them, assembled from the values on a channel."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from canonical.values import EnumerationValue, QuantityValue, Value, quantity
from foundation.redaction import for_one_reader
from governance.partner_channel.products import ListedValue, put_together
from governance.partner_channel.schemas import ChannelProduct
from policy.redaction import HIDDEN, hide_elements
from tests.support.values import eur, pieces, plain

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def product(*values: tuple[str, str, Value], running: tuple[str, ...] = ()) -> ChannelProduct:
    shown = [
        ListedValue(element, dimension, msgspec.to_builtins(value), NOW - timedelta(seconds=place))
        for place, (element, dimension, value) in enumerate(values)
    ]
    return put_together(
        connection_id=UUID(int=1), channel="Shop", record_key="SKU-1", title="By the source", shown=shown,
        running=running,
    )  # fmt: skip


def test_the_channels_own_name_goes_before_the_sources() -> None:
    assert product(("product.name", "locale=de", plain("Stuhl"))).name == "Stuhl"
    assert product(("stock.on_hand", "", pieces(4))).name == "By the source"


def test_one_of_several_prices_is_shown_with_their_number() -> None:
    found = product(
        ("price.list", "", eur("20")), ("price.list", "currency=EUR", eur("19")), ("price.sale", "", eur("15"))
    )
    assert (found.price, found.prices, found.sale_price) == (eur("20"), 2, eur("15"))
    assert found.seen_at == NOW


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([("stock.on_hand", "location=A", pieces("0.1")), ("stock.on_hand", "location=B", pieces("0.2"))], "0.3"),
        ([("stock.available", "", pieces(7))], "7"),
        ([("stock.available", "", pieces(7)), ("stock.on_hand", "", pieces(9))], "9"),
        ([("stock.on_hand", "location=A", pieces(1)), ("stock.on_hand", "location=B", quantity(1, "KGM"))], None),
        ([("price.list", "", eur("20"))], None),
    ],
)
def test_stock_is_the_exact_sum_of_locations_in_one_unit(values: Any, total: str | None) -> None:
    found = product(*values).stock
    assert (found.amount if isinstance(found, QuantityValue) else found) == total


@pytest.mark.parametrize(
    ("running", "state"),
    [
        ((), "current"),
        (("accepted",), "publishing"),
        (("stale_approval",), "publishing"),
        (("pending", "refused"), "not_accepted"),
        (("failed",), "not_accepted"),
    ],
)
def test_the_state_is_the_worst_of_what_runs(running: tuple[str, ...], state: str) -> None:
    assert product(("product.status", "", EnumerationValue("active")), running=running).state == state


def test_values_that_the_reader_does_not_see_are_hidden() -> None:
    values: Any = [("price.list", "", eur("20")), ("stock.on_hand", "", pieces(4)), ("price.sale", "", eur("15"))]
    with for_one_reader():
        hide_elements(frozenset({"price.list", "stock.on_hand"}))
        found = product(*values)
    assert (found.price, found.stock, found.sale_price) == (HIDDEN, HIDDEN, eur("15"))
