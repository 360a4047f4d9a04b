"""Movements of an invoice at the provider: recorded by kind, with correct sums after any history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.collection.apply import RemoteAmounts, split_difference
from billing.states import PaymentKind

PAYMENT, REFUND = PaymentKind.PAYMENT, PaymentKind.REFUND
WITHDRAWN, RETURNED = PaymentKind.DISPUTE_WITHDRAWN, PaymentKind.DISPUTE_RETURNED
AMOUNTS = st.integers(0, 1000)
MOVED = st.builds(RemoteAmounts, AMOUNTS, AMOUNTS, AMOUNTS)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (RemoteAmounts(0, 0, 0), RemoteAmounts(100, 0, 0), [(PAYMENT, 100)]),
        (RemoteAmounts(100, 0, 0), RemoteAmounts(100, 20, 0), [(REFUND, -20)]),
        (RemoteAmounts(100, 20, 0), RemoteAmounts(100, 0, 0), [(REFUND, 20)]),
        (RemoteAmounts(100, 0, 0), RemoteAmounts(100, 0, 100), [(WITHDRAWN, -100)]),
        (RemoteAmounts(100, 0, 100), RemoteAmounts(100, 0, 0), [(RETURNED, 100)]),
        (RemoteAmounts(0, 0, 0), RemoteAmounts(100, 20, 30), [(PAYMENT, 100), (WITHDRAWN, -30), (REFUND, -20)]),
    ],
)
def test_each_movement_has_its_kind(
    before: RemoteAmounts, after: RemoteAmounts, expected: list[tuple[PaymentKind, int]]
) -> None:
    assert list(split_difference(sum(amount for _, amount in expected), before, after)) == expected


@given(before=MOVED, after=MOVED, missing=st.integers(-1000, 1000).filter(bool))
def test_the_parts_are_the_whole_and_what_is_received_comes_first(
    before: RemoteAmounts, after: RemoteAmounts, missing: int
) -> None:
    amounts = [amount for _, amount in split_difference(missing, before, after)]
    assert (sum(amounts), 0 in amounts) == (missing, False)
    assert [amount < 0 for amount in amounts] == sorted(amount < 0 for amount in amounts)


def test_a_dispute_of_all_takes_what_is_left_after_a_refund() -> None:
    refunded, disputed = RemoteAmounts(100, 20, 0), RemoteAmounts(100, 20, 100)
    assert list(split_difference(-80, refunded, disputed)) == [(WITHDRAWN, -80)]
    assert list(split_difference(80, disputed, refunded)) == [(RETURNED, 80)]


@pytest.mark.parametrize("after", [RemoteAmounts(0, 0, 0), RemoteAmounts(100, 0, 100), RemoteAmounts(100, 20, 100)])
def test_what_no_movement_explains_is_a_payment(after: RemoteAmounts) -> None:
    assert list(split_difference(40, RemoteAmounts(0, 0, 0), after)) == [(PAYMENT, 40)]


@pytest.mark.parametrize(
    ("kind", "amount", "label"),
    [
        (PAYMENT, 1, "Payment"), (PAYMENT, -1, "Payment taken back"), (REFUND, -1, "Refund"),
        (REFUND, 1, "Refund failed"), (WITHDRAWN, -1, "Dispute withdrawn"), (RETURNED, 1, "Dispute returned"),
    ],
)  # fmt: skip
def test_the_label_says_which_way_the_money_went(kind: PaymentKind, amount: int, label: str) -> None:
    assert kind.label_of(amount) == label
