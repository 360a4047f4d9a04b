"""Reserve, then settle: use is allowed before it happens, and its actual quantity is counted afterwards.

For other rooms: `require_allowance` before use that its own meter counts, and `reserve`, `settle` and `release` around
use whose quantity is known only afterwards, such as a model's tokens. Concurrent reservations never exceed a limit.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.errors import PriceNotAllowed
from billing.limits.budgets import UsageBudget, load_budgets
from billing.limits.errors import FeatureOff, LimitReached, PriceUnknown
from billing.limits.estimate import estimate_minor
from billing.limits.schemas import SPEND, ReservationInput, ReservationView, SettlementInput
from billing.limits.states import RESERVATIONS, ReservationState
from billing.periods import month_of
from billing.price_books.pricing import check_quantity
from billing.rating.tariffs import client_scope
from billing.usage.counting import Counting
from billing.usage.meters import load_countings
from foundation.database.locks import lock
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.text import has_hidden, is_storable
from foundation.usage.ledger import Usage, record_usage
from foundation.usage.meters import Meters


async def require_allowance(
    session: AsyncSession, meters: Meters, meter: str, quantity: Decimal | int = 1, *, now: datetime
) -> None:
    """Check that the client may use so much of the meter now. One query; also reads prices where the month's cost is
    limited.

    Raises:
        FeatureOff, LimitReached, PriceUnknown: names the budget and the remedy.
    """
    await _check(session, meters, {meter: Decimal(quantity)}, now)


async def reserve(
    session: AsyncSession, meters: Meters, wanted: ReservationInput, *, now: datetime, new_id: NewId
) -> ReservationView:
    """Reserve use, in the client's scope. Reservations of one client are serialized.

    Raises:
        FeatureOff, LimitReached, PriceUnknown: as `require_allowance`.
        Conflict: the key is taken by another reservation.
        InvalidInput: a quantity, a key or a meter that cannot be reserved.
    """
    scope = client_scope(session)
    if not is_storable(wanted.key) or has_hidden(wanted.key):
        raise InvalidInput(N_("This text contains characters that cannot be shown. Remove them."), field="key")
    quantities = await _quantities(session, meters, wanted.quantities)
    await _lock(session)
    known = await _find(session, wanted.key)
    if known is not None:
        if _amounts(known.quantities) != quantities:
            raise Conflict(N_("This key was used for another reservation. Choose a new one."))
        return _view(known)
    amount = await _check(session, meters, quantities, now)
    row = await session.execute(
        text("""
            INSERT INTO usage_reservation (tenant_id, msp_id, id, key, quantities, amount_minor, state, reserved_at,
                                           expires_at)
            VALUES (:t, :m, :id, :key, CAST(:quantities AS jsonb), :amount, 'reserved', :now, :expires) RETURNING *
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "key": wanted.key, "amount": amount, "now": now,
            "quantities": _json(quantities), "expires": now + timedelta(seconds=wanted.seconds),
        },
    )  # fmt: skip
    return _view(row.one())


async def settle(session: AsyncSession, meters: Meters, wanted: SettlementInput, *, now: datetime) -> ReservationView:
    """Count the actual quantities of a reservation, also above the reserved ones or after it expired. Idempotent.

    Raises:
        NotFound: there is no such reservation.
        Conflict: it was released, or settled with other quantities.
        InvalidInput: a quantity, or a meter that was not reserved.
    """
    scope = client_scope(session)
    await _lock(session)
    found = await _require(session, wanted.key)
    quantities = await _quantities(session, meters, wanted.quantities)
    if not quantities.keys() <= found.quantities.keys():
        raise InvalidInput(N_("Only meters of the reservation can be settled."), field="quantities")
    if found.state == ReservationState.SETTLED and _amounts(found.settled) == quantities:
        return _view(found)
    _check_move(found, ReservationState.SETTLED)
    used = {meter: one.used for meter, one in (await load_budgets(session, now=now, meters=list(quantities))).items()}
    amount = await estimate_minor(session, quantities, used, now=now) if quantities else 0
    record_usage(
        session, [Usage(meter, found.id, quantity, now, None) for meter, quantity in quantities.items() if quantity]
    )
    row = await session.execute(
        text("""
            UPDATE usage_reservation SET state = 'settled', settled = CAST(:settled AS jsonb), amount_minor = :amount,
                                         ended_at = :now
             WHERE tenant_id = :t AND id = :id RETURNING *
        """),
        {"t": scope.tenant_id, "id": found.id, "settled": _json(quantities), "amount": amount, "now": now},
    )
    return _view(row.one())


async def release(session: AsyncSession, key: str, *, now: datetime) -> ReservationView:
    """End a reservation whose use did not happen. No effect if repeated or after it expired.

    Raises:
        NotFound: there is no such reservation.
        Conflict: it was settled.
    """
    scope = client_scope(session)
    await _lock(session)
    found = await _require(session, key)
    if found.state in {ReservationState.RELEASED, ReservationState.EXPIRED}:
        return _view(found)
    _check_move(found, ReservationState.RELEASED)
    row = await session.execute(
        text("""
            UPDATE usage_reservation SET state = 'released', ended_at = :now
             WHERE tenant_id = :t AND id = :id RETURNING *
        """),
        {"t": scope.tenant_id, "id": found.id, "now": now},
    )
    return _view(row.one())


async def expire_reservations(session: AsyncSession, *, now: datetime) -> None:
    """Mark reservations whose time is over. They no longer count from then on, whether marked or not."""
    await session.execute(
        text("""
            UPDATE usage_reservation SET state = 'expired', ended_at = expires_at
             WHERE tenant_id = :t AND state = 'reserved' AND expires_at <= :now
        """),
        {"t": client_scope(session).tenant_id, "now": now},
    )


async def _check(session: AsyncSession, meters: Meters, quantities: Mapping[str, Decimal], now: datetime) -> int | None:
    """Cost of the use in minor units, if it is allowed; None without a price, if the month's cost is not limited."""
    budgets = await load_budgets(session, now=now, meters=list(quantities))
    for meter, quantity in quantities.items():
        budget = budgets[meter]
        if not budget.is_on:
            raise FeatureOff(
                N_("{meter} is switched off for this account. Ask your provider to switch it on."),
                params={"meter": meters.label_of(meter)}, meter=meter,
            )  # fmt: skip
        limit = budget.limit_at(now)
        if limit is not None and budget.used + budget.reserved + quantity > limit:
            raise _reached(meters, budget, limit, now)
    used = {meter: budget.used + budget.reserved for meter, budget in budgets.items()}
    amount = await estimate_minor(session, quantities, used, now=now)
    spend, limit = budgets[SPEND], budgets[SPEND].limit_at(now)
    if limit is None:
        return amount
    if amount is None:
        raise PriceUnknown(
            N_("The month's cost is limited, and this use has no price. It is held until your provider sets one."),
            meter=SPEND,
        )
    if spend.used + spend.reserved + amount > limit:
        raise _reached(meters, spend, limit, now)
    return amount


def _reached(meters: Meters, budget: UsageBudget, limit: Decimal, now: datetime) -> LimitReached:
    figures = {"used": str(budget.used), "reserved": str(budget.reserved), "limit": str(limit)}
    day = f"{month_of(now).end:%Y-%m-%d}"
    if budget.meter == SPEND:
        return LimitReached(
            N_("This month's spending limit does not allow it. It begins again on {day}. Your provider can raise it."),
            params={"day": day}, meter=SPEND, **figures,
        )  # fmt: skip
    params = {"meter": meters.label_of(budget.meter), "day": day, **figures}
    return LimitReached(
        N_("{meter}: of {limit} in this month, {used} are used and {reserved} reserved. It begins again on {day}; your provider can raise the limit."),  # noqa: E501
        params=params, meter=budget.meter, **figures,
    )  # fmt: skip


async def check_limitable(session: AsyncSession, meters: Meters, meter: str) -> None:
    """Raises InvalidInput for an unknown meter, and for one whose usage does not add up."""
    _require_additive(meters, meter, await load_countings(session))


def _require_additive(meters: Meters, meter: str, countings: Mapping[str, Counting]) -> None:
    """As `check_limitable`."""
    meters.require(meter)
    if meter in countings and not countings[meter].is_additive:
        raise InvalidInput(
            N_("Only usage that is summed or counted can be limited. Choose another meter."), field="meter"
        )


async def _quantities(session: AsyncSession, meters: Meters, given: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Raises InvalidInput."""
    countings = await load_countings(session)
    for meter, quantity in given.items():
        _require_additive(meters, meter, countings)
        if meter in countings:
            raise InvalidInput(N_("Only summed usage can be reserved. Choose another meter."), field="quantities")
        try:
            check_quantity(quantity, "quantities")
        except PriceNotAllowed as wrong:
            raise InvalidInput(wrong.detail, field="quantities") from wrong
    return {meter: quantity.normalize() + 0 for meter, quantity in sorted(given.items())}


async def _lock(session: AsyncSession) -> None:
    await lock(session, f"usage budget {client_scope(session).tenant_id}")


async def _find(session: AsyncSession, key: str) -> Row[Any] | None:
    return (
        await session.execute(
            text("SELECT * FROM usage_reservation WHERE tenant_id = :t AND key = :key"),
            {"t": client_scope(session).tenant_id, "key": key},
        )
    ).one_or_none()


async def _require(session: AsyncSession, key: str) -> Row[Any]:
    found = await _find(session, key) if is_storable(key) else None
    if found is None:
        raise NotFound(_NO_RESERVATION)
    return found


def _check_move(found: Row[Any], new: ReservationState) -> None:
    if found.state not in RESERVATIONS.before(new):
        raise Conflict(N_("This reservation was settled or released before."))


_NO_RESERVATION: Final = N_("There is no reservation with this key.")


def _view(row: Row[Any]) -> ReservationView:
    return ReservationView(
        row.id, row.key, ReservationState(row.state), _amounts(row.quantities), _amounts(row.settled),
        row.amount_minor, row.expires_at,
    )  # fmt: skip


def _amounts(stored: Mapping[str, str]) -> dict[str, Decimal]:
    return {meter: Decimal(quantity) for meter, quantity in sorted(stored.items())}


def _json(quantities: Mapping[str, Decimal]) -> str:
    return msgspec.json.encode({meter: f"{quantity:f}" for meter, quantity in quantities.items()}).decode()
