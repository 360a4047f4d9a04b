"""Orders as one value: equal orders have one JSON text, whatever the order of their lines."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.money import InexactAmount, UnknownCurrency
from canonical.orders import MAX_LINES, InvalidOrder, OrderLine, OrderValue, cancelled_order
from canonical.values import Value, to_value, type_of, value_json, write_plainly

amounts = st.decimals(0, 10_000, places=4).map(str)
lines = st.lists(
    st.builds(OrderLine, st.text("AB-1", min_size=1, max_size=4), amounts, amounts), min_size=1, max_size=6
)


def order(*items: OrderLine, shipping: str = "0") -> OrderValue:
    return OrderValue("EUR", "Ada", "ada@example.com", items, shipping)


@given(lines, st.randoms())
def test_the_order_of_lines_makes_no_difference(items: list[OrderLine], draw: object) -> None:
    shuffled = list(items)
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order(*items) == order(*shuffled)
    assert value_json(order(*items)) == value_json(order(*shuffled))


@given(lines)
def test_an_order_survives_storage(items: list[OrderLine]) -> None:
    value = order(*items)
    assert msgspec.json.decode(value_json(value), type=Value) == value
    assert type_of(value) == "order"


def test_trailing_zeros_make_no_difference_and_the_total_is_exact() -> None:
    value = order(OrderLine("A", "3.0", "0.10"), OrderLine("B", "1", "1.000001"), shipping="4.90")
    assert value == order(OrderLine("B", "1.0", "1.000001"), OrderLine("A", "3", "0.1"), shipping="4.9")
    assert value.total == Decimal("6.200001")
    assert write_plainly(value) == "2 lines, 6.200001 EUR"


def test_a_total_of_many_digits_is_exact() -> None:
    assert order(OrderLine("A", "123456789012345678", "0.123456789012")).total == Decimal(
        "15241578753196160.232056090136"
    )
    many = order(*[OrderLine("A", "9" * 12, "9" * 11)] * MAX_LINES)
    assert many.total == 1_000 * (10**12 - 1) * (10**11 - 1)
    assert write_plainly(many) == f"1000 lines, {many.total} EUR"


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda: OrderLine("A", "many", "1"), InexactAmount),
        (lambda: OrderLine("A", "NaN", "1"), InexactAmount),
        (lambda: OrderValue("EURO", "A", "", (OrderLine("A", "1", "1"),)), UnknownCurrency),
        (lambda: order(OrderLine("A", "0.0000001", "0.0000001")), InexactAmount),
        (lambda: order(OrderLine("A", "9" * 26, "9" * 26)), InexactAmount),
        (lambda: order(*[OrderLine("A", "9" * 13, "9" * 12)] * MAX_LINES), InexactAmount),
        (order, ValueError),
        (lambda: order(*[OrderLine("A", "1", "1")] * (MAX_LINES + 1)), ValueError),
        (lambda: msgspec.json.decode(b'{"type":"order","currency":"EUR","customer":"","email":"","lines":[]}',
                                     type=OrderValue), msgspec.ValidationError),
    ],
)  # fmt: skip
def test_invalid_orders_are_refused(made: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        made()  # type: ignore[operator]


def test_a_cancelled_order_has_no_content_and_other_orders_keep_their_json() -> None:
    gone = cancelled_order("USD")
    assert (gone.is_cancelled, gone.total) == (True, Decimal(0))
    assert to_value(msgspec.json.decode(value_json(gone))) == gone
    assert '"status":"cancelled"' in value_json(gone)
    assert "status" not in value_json(OrderValue("USD", "A", "", (OrderLine("A", "1", "1"),)))
    for content in ({"lines": (OrderLine("A", "1", "1"),)}, {"customer": "A"}, {"email": "a"}, {"shipping": "1"}):
        with pytest.raises(InvalidOrder):
            msgspec.structs.replace(gone, **content)
    with pytest.raises(InvalidOrder):
        OrderValue("USD", "A", "", ())
