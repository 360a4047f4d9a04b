"""Corrections of credits for time on fixed invoices: a credit gives back the amount paid, less coupon discounts and
credit notes of that invoice.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, FeeContext
from billing.line_kinds import LineKind
from billing.pricing.discounts import Weight, allocate
from billing.pricing.rounding import Rounding, round_to_integer
from billing.states import BILLED
from billing.subscriptions.charges import component_of
from foundation.state_machine import in_sql

_INSTANT: Final = timedelta(microseconds=1)
_CHARGES: Final = (LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE)
_SUBSCRIPTION: Final = "subscription_id"


class GivenCredit(msgspec.Struct, frozen=True):
    """A credit note of an invoice, before tax: in all, and by line for those that it names."""

    net_minor: int
    lines: Mapping[UUID, int]


async def find_taken_back(
    session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]
) -> Mapping[int, int]:
    """Amounts to take back, in minor units or 0, by the place of each credit whose charge is on a fixed invoice: the
    part that a coupon discounted there or a credit note gave back.
    """
    credits_ = {
        place: line for place, line in enumerate(lines)
        if line.kind is LineKind.PRORATION_CREDIT and line.service_from and line.cause.get(_SUBSCRIPTION)
    }  # fmt: skip
    if not credits_:
        return {}
    keys = {
        "tenant": context.client_id, "currency": context.currency,
        "since": min(line.service_from for line in credits_.values() if line.service_from),
        "subscriptions": sorted({line.cause[_SUBSCRIPTION] for line in credits_.values()}),
    }  # fmt: skip
    invoices: dict[UUID, list[ChargedLine]] = {}
    for row in await session.execute(_FIXED, keys):
        invoices.setdefault(row.invoice_id, []).append(_line(row))
    notes: dict[UUID, list[GivenCredit]] = {}
    for row in await session.execute(_NOTES, {"tenant": context.client_id, "invoices": list(invoices)}):
        lines_ = {UUID(line): int(minor) for line, minor in row.lines.items()}
        notes.setdefault(row.invoice_id, []).append(GivenCredit(row.net_minor, lines_))
    found: dict[int, int] = {}
    for place, credit in credits_.items():
        fixed = next((one for one, each in invoices.items() if any(covers(line, credit) for line in each)), None)
        if fixed is not None:
            paid = 1 - discounted_part(invoices[fixed], credit.product)
            left = paid * (1 - credited_part(invoices[fixed], notes.get(fixed, ()), credit, paid))
            found[place] = round_to_integer(-credit.amount_minor * (1 - left), Rounding.HALF_UP)
    return found


async def load_time_credits(
    session: AsyncSession, client_id: UUID, invoice_id: UUID, currency: str
) -> Mapping[UUID, int]:
    """Amounts, by line of a fixed invoice, that later fixed invoices gave back for time that the line charged, less
    their corrections for coupons and credit notes.
    """
    keys = {"tenant": client_id, "currency": currency, "invoice": invoice_id}
    own = [_line(row) for row in await session.execute(_OWN, keys)]
    subscriptions = sorted({line.cause[_SUBSCRIPTION] for line in own if _SUBSCRIPTION in line.cause})
    since = min((line.service_from for line in own if line.service_from), default=None)
    if not subscriptions or since is None:
        return {}
    invoices: dict[UUID, list[ChargedLine]] = {}
    for row in await session.execute(_FIXED, {**keys, "since": since, "subscriptions": subscriptions}):
        invoices.setdefault(row.invoice_id, []).append(_line(row))
    found: dict[UUID, int] = {}
    for row in await session.execute(_CREDITS, {**keys, "since": since, "subscriptions": subscriptions}):
        credit = _line(row)
        # As when it was charged: it is for time of the latest invoice that charged this time before.
        earlier = (one for one in invoices if one != row.invoice_id)
        if next((one for one in earlier if any(covers(line, credit) for line in invoices[one])), None) != invoice_id:
            continue
        lines = covered_lines(invoices[invoice_id], credit)
        shares = allocate(row.given, [Weight(str(line.id), line.amount_minor) for line in lines], cap_to_items=True)
        for line in lines:
            found[line.id] = found.get(line.id, 0) + int(shares[str(line.id)])
    return found


async def load_lines(session: AsyncSession, client_id: UUID, invoice_id: UUID) -> Sequence[ChargedLine]:
    """All lines of an invoice."""
    return [_line(row) for row in await session.execute(_ALL, {"tenant": client_id, "invoice": invoice_id})]


def covers(charge: ChargedLine, credit: ChargedLine) -> bool:
    """Whether the credit is for time that the charge is for."""
    start, end, at = charge.service_from, charge.service_until, credit.service_from
    return (
        charge.kind in _CHARGES
        and charge.product == credit.product
        and charge.cause.get(_SUBSCRIPTION) == credit.cause.get(_SUBSCRIPTION)
        and None not in (start, end, at)
        and start <= at < end  # type: ignore[operator]
    )


def discounted_part(invoice: Sequence[ChargedLine], product: str) -> Fraction:
    """The part of an invoice's charges for a product that coupons took off, after the credits within that invoice."""
    own = [line for line in invoice if line.product == product]
    charges = [line for line in own if line.amount_minor > 0 and line.kind is not LineKind.DISCOUNT_BACK]
    within = [
        line for line in own
        if line.kind is LineKind.PRORATION_CREDIT and any(covers(one, line) for one in charges)
    ]  # fmt: skip
    charged = sum(line.amount_minor for line in (*charges, *within))
    off = -sum(line.amount_minor for line in own if line.kind is LineKind.DISCOUNT)
    return min(Fraction(1), Fraction(off, charged)) if charged > 0 else Fraction(0)


def credited_part(
    invoice: Sequence[ChargedLine], notes: Sequence[GivenCredit], credit: ChargedLine, paid: Fraction
) -> Fraction:
    """Share of the charges for the time that credit notes gave back: on its lines, and of the whole invoice in
    proportion. `paid`: the part that the coupons left of the price.
    """
    if not notes:
        return Fraction(0)
    own = covered_lines(invoice, credit)
    named = sum(note.lines.get(line.id, 0) for note in notes for line in own)
    by_line = sum(sum(note.lines.values()) for note in notes)
    rest = sum(note.net_minor for note in notes) - by_line
    kept = (1 - _part(named, paid * sum(line.amount_minor for line in own))) * (
        1 - _part(rest, Fraction(sum(line.amount_minor for line in invoice) - by_line))
    )
    return 1 - kept


def covered_lines(invoice: Sequence[ChargedLine], credit: ChargedLine) -> Sequence[ChargedLine]:
    """The lines that the credit is of: those of its component, or all that charge its time."""
    covering = [line for line in invoice if covers(line, credit)]
    return [line for line in covering if _component(line) == _component(credit)] or covering


def _line(row: Any) -> ChargedLine:
    until = row.last_at and row.last_at + _INSTANT
    return ChargedLine(row.id, LineKind(row.kind), row.product, row.amount_minor, row.first_at, until, row.cause)


def _part(given: int, of: Fraction) -> Fraction:
    return Fraction(0) if not given else min(Fraction(1), given / of) if of > 0 else Fraction(1)


def _component(line: ChargedLine) -> str:
    return component_of(line.cause.get("fee", ""))


_COLUMNS: Final = """l.id, l.invoice_id, l.kind, coalesce(nullif(l.meter, ''), l.product) AS product,
    l.amount_minor, l.first_at, l.last_at, l.cause"""
_ALL = text(f"""
    SELECT {_COLUMNS} FROM invoice_line l WHERE l.tenant_id = :tenant AND l.invoice_id = :invoice ORDER BY l.id
""")
_OWN = text(f"""
    SELECT {_COLUMNS} FROM invoice_line l
     WHERE l.tenant_id = :tenant AND l.invoice_id = :invoice AND l.kind IN ({in_sql(_CHARGES)})
""")
_CREDITS = text(f"""
    SELECT {_COLUMNS},
           greatest(0, -l.amount_minor - coalesce((
               SELECT sum(b.amount_minor) FROM invoice_line b
                WHERE b.tenant_id = l.tenant_id AND b.invoice_id = l.invoice_id AND b.kind = '{LineKind.DISCOUNT_BACK}'
                  AND b.cause ->> 'credit_line' = l.id::text), 0))::bigint AS given
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state IN ({in_sql(BILLED)}) AND i.currency = :currency
       AND i.id <> :invoice AND l.kind = '{LineKind.PRORATION_CREDIT}' AND l.first_at >= :since
       AND l.cause ->> '{_SUBSCRIPTION}' = ANY (CAST(:subscriptions AS text[]))
     ORDER BY l.first_at, l.id
""")
_NOTES = text("""
    SELECT invoice_id, net_minor, lines FROM credit_note WHERE tenant_id = :tenant AND invoice_id = ANY(:invoices)
""")
_FIXED = text(f"""
    WITH fixed AS (
        SELECT DISTINCT l.invoice_id, i.period_start
          FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
         WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state IN ({in_sql(BILLED)}) AND i.currency = :currency
           AND l.kind IN ({in_sql(_CHARGES)}) AND l.last_at >= :since
           AND l.cause ->> '{_SUBSCRIPTION}' = ANY (CAST(:subscriptions AS text[])))
    SELECT {_COLUMNS}
      FROM fixed f JOIN invoice_line l ON l.tenant_id = :tenant AND l.invoice_id = f.invoice_id
     ORDER BY f.period_start DESC, l.id
""")
