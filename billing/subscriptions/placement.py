"""Assignment of fees to the invoices of months, so that each fee is charged exactly once. Pure.

A fee belongs to the month that its moment lies in, by the calendar of the client's time zone. If the invoice of that
month is fixed, it goes to the first month after the fixed ones. Charges of fixed invoices are compared with the fees
due, fee by fee; the difference goes to that month, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from billing.line_kinds import LineKind
from billing.periods import EPOCH, month_of
from billing.subscriptions.charges import DueFee


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """Charges of fixed invoices for a fee. Its service ends at `service_until`, which is not included."""

    key: str
    subscription_id: str
    plan: str
    name: str
    service_from: datetime
    service_until: datetime
    amount_minor: int


class PlacedFee(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a draft: a fee, or the difference from its earlier charges."""

    key: str
    kind: LineKind
    subscription_id: str
    plan: str
    name: str
    service_from: datetime
    service_until: datetime
    amount_minor: int
    fee: DueFee | None
    """None for a difference."""


def place_fees(
    due: Iterable[DueFee], charged: Mapping[str, Charged], fixed_until: datetime
) -> Mapping[datetime, Sequence[PlacedFee]]:
    """Fees by the start of their month. Invoices of months before `fixed_until` are fixed; EPOCH: none is."""
    placed: dict[datetime, list[PlacedFee]] = {}
    wanted = {fee.key: fee for fee in due}
    for fee in wanted.values():
        before = charged.get(fee.key)
        if (before is None or not before.amount_minor) and fee.amount_minor:
            placed.setdefault(month_for(fee.month, fixed_until), []).append(_placed(fee))
    for key, before in charged.items():
        amount = wanted[key].amount_minor if key in wanted else 0
        if before.amount_minor and amount != before.amount_minor:
            month = month_for(EPOCH, fixed_until)
            placed.setdefault(month, []).append(_difference(before, amount - before.amount_minor))
    return placed


def month_for(month: datetime, fixed_until: datetime) -> datetime:
    """Start of the month whose invoice has the fees due in `month`."""
    return max(month, month_of(fixed_until).start)


def _placed(fee: DueFee) -> PlacedFee:
    return PlacedFee(
        key=fee.key, kind=fee.kind, subscription_id=str(fee.subscription_id), plan=fee.plan, name=fee.name,
        service_from=fee.service_from, service_until=fee.service_until, amount_minor=fee.amount_minor, fee=fee,
    )  # fmt: skip


def _difference(before: Charged, amount: int) -> PlacedFee:
    return PlacedFee(
        key=before.key, kind=LineKind.PRORATION_CREDIT if amount < 0 else LineKind.PRORATION_CHARGE,
        subscription_id=before.subscription_id, plan=before.plan, name=before.name,
        service_from=before.service_from, service_until=before.service_until, amount_minor=amount, fee=None,
    )  # fmt: skip
