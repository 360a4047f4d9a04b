"""Preview of an act's charges: the fees with it, compared with those without."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import LineKind
from billing.pricing.rules import BillingRules
from billing.pricing.true_ups import minimum_true_up
from billing.subscriptions.charges import fees_of, true_ups_of
from billing.subscriptions.placement import month_for
from billing.subscriptions.schemas import ChargePreview, ExpectedLine
from billing.subscriptions.source import read_fixed_until
from billing.subscriptions.timeline import Subscribed, period_at

_INSTANT = timedelta(microseconds=1)


class _Expected(msgspec.Struct, frozen=True):
    kind: LineKind
    name: str
    service_from: datetime
    service_until: datetime
    month: datetime
    amount_minor: int


async def preview_of(
    session: AsyncSession, before: Subscribed | None, after: Subscribed, *, at: datetime, rules: BillingRules
) -> ChargePreview:
    """Lines that differ until the end of the period that begins or is changed at `at`. Minimums and commitments are
    their shortfall without usage.
    """
    until = _end_of_period(before, after, at, rules)
    old = {} if before is None else _by_key(before, until, rules)
    new = _by_key(after, until, rules)
    fixed_until = await read_fixed_until(session)
    lines: list[ExpectedLine] = []
    for key in dict.fromkeys([*old, *new]):
        amount = (new[key].amount_minor if key in new else 0) - (old[key].amount_minor if key in old else 0)
        if amount:
            fee = new.get(key) or old[key]
            lines.append(
                ExpectedLine(
                    month_for(fee.month, fixed_until), fee.kind, fee.name, fee.service_from, fee.service_until, amount
                )
            )
    lines.sort(key=lambda one: (one.month, one.service_from, one.amount_minor))
    return ChargePreview(at, after.plan.currency, lines)


def _by_key(subscribed: Subscribed, until: datetime, rules: BillingRules) -> Mapping[str, _Expected]:
    fees = fees_of(subscribed, until, rules)
    found = {
        fee.key: _Expected(fee.kind, fee.name, fee.service_from, fee.service_until, fee.month, fee.amount_minor)
        for fee in fees
    }  # fmt: skip
    charged = [(fee.month, fee.amount_minor) for fee in fees]
    for one in sorted(true_ups_of(subscribed, until, rules), key=lambda one: one.kind is LineKind.COMMITMENT):
        counted = charged if one.kind is LineKind.COMMITMENT else ()
        before = sum(minor for month, minor in counted if one.since <= month <= one.month)
        missing = int(minimum_true_up(one.limit_minor, before, exponent=0, mode=rules.rounding))
        charged.append((one.month, missing))
        name = one.plan.name
        found[one.key] = _Expected(one.kind, name, one.service_from, one.service_until, one.month, missing)
    return found


def _end_of_period(before: Subscribed | None, after: Subscribed, at: datetime, rules: BillingRules) -> datetime:
    ends = [at + _INSTANT]
    for one in (before, after):
        begin = at if one is None else max(at, one.billed_from)
        period = None if one is None else period_at(one, begin, rules)
        ends.append(begin + _INSTANT if period is None else period[1])
    return max(ends)
