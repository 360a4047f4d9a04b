"""Setting a client's limits, and the notices about them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.errors import PriceNotAllowed
from billing.limits.allowance import check_limitable, expire_reservations
from billing.limits.budgets import UsageBudget, load_budgets
from billing.limits.notices import LIMIT_NEAR
from billing.limits.schemas import SPEND, LimitInput
from billing.periods import month_of
from billing.price_books.pricing import check_quantity
from billing.rating.tariffs import client_scope
from foundation.audit.chain import append_audit
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import has_hidden, is_storable
from foundation.usage.meters import Meters
from tenants.notifications.notify import notify

_AMOUNTS: Final = ("included", "soft_limit", "hard_limit", "override_limit")
_STEPS: Final = (80, 100)


_LONGEST: Final = timedelta(days=3660)


async def set_limit(session: AsyncSession, meters: Meters, wanted: LimitInput, *, now: datetime) -> None:
    """Set the limits of a meter or of the month's cost, in the client's scope, in place of earlier ones.

    Raises:
        InvalidInput: names the field.
    """
    scope = client_scope(session)
    await _check(session, meters, wanted, now)
    values = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    await session.execute(_SET, {**values, "t": scope.tenant_id, "m": scope.msp_id, "now": now, "by": scope.actor.name})
    append_audit(
        session, action=BillingAction.LIMIT_SET, subject=f"limit:{wanted.meter}", data=msgspec.to_builtins(wanted),
        at=now,
    )  # fmt: skip


async def check_limits(session: AsyncSession, *, now: datetime) -> None:
    """Give the notices that are due in the client's scope, once for each limit, month and step; end reservations. A
    raised limit, also a temporary one, has notices of its own.
    """
    await expire_reservations(session, now=now)
    scope, month = client_scope(session), month_of(now)
    due = [(one.meter, *each) for one in (await load_budgets(session, now=now)).values() for each in _steps(one, now)]
    if not due:
        return
    given = await session.execute(
        _NOTICE,
        {
            "t": scope.tenant_id, "m": scope.msp_id, "month": month.start.date(), "now": now,
            "meters": [one[0] for one in due], "kinds": [one[1] for one in due],
            "steps": [one[2] for one in due], "levels": [one[3] for one in due],
        },
    )  # fmt: skip
    reached: dict[str, int] = {}
    for row in given:
        reached[row.meter] = max(row.percent, reached.get(row.meter, 0))
    for meter, percent in sorted(reached.items()):
        notify(session, LIMIT_NEAR, topic=f"limit {meter}", path="/limits", at=now, params={"percent": str(percent)})


def _steps(budget: UsageBudget, now: datetime) -> list[tuple[str, int, Decimal]]:
    limits = {"soft": budget.soft_limit, "hard": budget.limit_at(now)}
    return [
        (kind, step, limit)
        for kind, limit in limits.items()
        if limit is not None
        for step in _STEPS
        if budget.used > 0 and budget.used * 100 >= limit * step
    ]


async def _check(session: AsyncSession, meters: Meters, wanted: LimitInput, now: datetime) -> None:
    if wanted.meter != SPEND:
        await check_limitable(session, meters, wanted.meter)
    for name in _AMOUNTS:
        amount: Decimal | None = getattr(wanted, name)
        if amount is None:
            continue
        try:
            check_quantity(amount, name)
        except PriceNotAllowed as wrong:
            raise InvalidInput(wrong.detail, field=name) from wrong
        if wanted.meter == SPEND and amount != int(amount):
            raise InvalidInput(N_("An amount is a whole number of minor units."), field=name)
    if wanted.meter == SPEND and (not wanted.is_on or wanted.included is not None):
        raise InvalidInput(N_("Spending is limited only by amounts."), field="meter")
    _check_override(wanted, now)


def _check_override(wanted: LimitInput, now: datetime) -> None:
    reason = wanted.override_reason.strip()
    if not is_storable(reason) or has_hidden(reason):
        raise InvalidInput(
            N_("This text contains characters that cannot be shown. Remove them."), field="override_reason"
        )
    if wanted.override_until is None:
        if wanted.override_limit is not None or reason:
            raise InvalidInput(N_("A temporary limit needs an end."), field="override_until")
        return
    if wanted.override_until <= now:
        raise InvalidInput(N_("A temporary limit ends in the future."), field="override_until")
    if wanted.override_until > now + _LONGEST:
        raise InvalidInput(N_("A temporary limit lasts ten years at most."), field="override_until")
    if not reason:
        raise InvalidInput(N_("Enter the reason of the temporary limit."), field="override_reason")


_SET: Final = text("""
    INSERT INTO usage_limit (tenant_id, msp_id, meter, is_on, included, soft_limit, hard_limit, override_until,
                             override_limit, override_reason, changed_at, changed_by)
    VALUES (:t, :m, :meter, :is_on, :included, :soft_limit, :hard_limit, :override_until, :override_limit,
            :override_reason, :now, :by)
    ON CONFLICT (tenant_id, meter) DO UPDATE SET is_on = excluded.is_on, included = excluded.included,
        soft_limit = excluded.soft_limit, hard_limit = excluded.hard_limit,
        override_until = excluded.override_until, override_limit = excluded.override_limit,
        override_reason = excluded.override_reason, changed_at = excluded.changed_at, changed_by = excluded.changed_by
""")
_NOTICE: Final = text("""
    INSERT INTO limit_notice (tenant_id, msp_id, meter, kind, month, percent, level, noticed_at)
    SELECT :t, :m, n.meter, n.kind, :month, n.percent, n.level, :now
      FROM unnest(CAST(:meters AS varchar[]), CAST(:kinds AS varchar[]), CAST(:steps AS integer[]),
                  CAST(:levels AS numeric[]))
           AS n (meter, kind, percent, level)
    ON CONFLICT (tenant_id, meter, kind, month, percent, level) DO NOTHING RETURNING meter, percent
""")
