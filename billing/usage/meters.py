"""Meters that an MSP declares for usage that other systems report."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.permissions import BillingPermission
from billing.usage.counting import Counting, MeterAggregation, check_counting
from billing.usage.models import MeterDefinition
from billing.usage.schemas import MeterView, NewMeter
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from foundation.names import clean_name
from foundation.text import is_storable
from foundation.usage.meters import Meter, Meters, UsageDescription

_LONGEST_UNIT: Final = 40
_RESERVED: Final = frozenset({"spend"})
"""Names that are not meters: `spend` is the month's cost in limits."""


async def create_meter(session: AsyncSession, known: Meters, new: NewMeter, *, now: datetime) -> str:
    """Declare a meter for all clients of the MSP, in the MSP account. Returns its code.

    Raises:
        InvalidInput: a label or unit without visible text, a unit that is too long, or a wrong aggregation.
        Conflict: the MSP or the product has a meter of this name.
    """
    scope = scope_of(session)
    label, unit = clean_name(new.label, field="label"), clean_name(new.unit, field="unit")
    if len(unit) > _LONGEST_UNIT or {"{", "}"} & set(unit):
        raise InvalidInput(
            N_("A unit has at most {most} characters, without braces."), params={"most": _LONGEST_UNIT}, field="unit"
        )
    counting = check_counting(new.counting)
    if known.get(new.event) is not None:
        raise InvalidInput(N_("The product counts {name} itself."), params={"name": new.event}, field="event")
    await _lock(session, new.code)
    if new.code in _RESERVED or known.get(new.code) is not None or await _find(session, new.code) is not None:
        raise Conflict(
            N_("There is a meter {code} already, in use or retired. Choose another name."), params={"code": new.code}
        )
    session.add(
        MeterDefinition(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, code=new.code, label=label, unit=unit, created_at=now,
            created_by=scope.actor.name, event=new.event, aggregation=counting.aggregation.value,
            dimension=counting.dimension, percentile=counting.percentile, filters=dict(counting.filters),
        )
    )  # fmt: skip
    data = {"label": label, "unit": unit, "event": new.event or new.code, "counting": msgspec.to_builtins(counting)}
    append_audit(session, action=BillingAction.METER_CREATED, subject=f"meter:{new.code}", data=data, at=now)
    return new.code


async def retire_meter(session: AsyncSession, code: str, *, now: datetime) -> None:
    """End the reporting of a meter's usage. Reported usage is billed as before, and the name stays reserved.

    Raises:
        NotFound: the MSP declares no such meter.
        Conflict: it is retired already.
    """
    if not is_storable(code):
        raise NotFound(N_("You have declared no meter with this code."))
    await _lock(session, code)
    found = await _find(session, code)
    if found is None:
        raise NotFound(N_("You have declared no meter with this code."))
    if found.retired_at is not None:
        raise Conflict(N_("This meter is retired already."))
    found.retired_at, found.retired_by = now, scope_of(session).actor.name
    append_audit(
        session, action=BillingAction.METER_RETIRED, subject=f"meter:{code}", data={"label": found.label}, at=now
    )


async def list_definitions(session: AsyncSession) -> Sequence[MeterDefinition]:
    """Meters that the scope's MSP declares, by code; of the MSP account, one of its clients or its fleet."""
    rows = await session.scalars(
        select(MeterDefinition)
        .where(MeterDefinition.tenant_id == scope_of(session).msp_id)
        .order_by(MeterDefinition.code)
    )
    return rows.all()


async def load_countings(session: AsyncSession) -> Mapping[str, Counting]:
    """Load the counting of declared meters, by code; without those whose usage is summed."""
    found = ((one.code, one.counting) for one in await list_definitions(session))
    return {code: counting for code, counting in found if counting.aggregation is not MeterAggregation.SUM}


async def list_meters(session: AsyncSession, known: Meters) -> list[MeterView]:
    """The product's meters by label, then those that the MSP declares."""
    localizer = current_localizer()
    own = [
        MeterView(one.name, translate(one.label), localizer.plural(*one.unit, 2).format(number="").strip(), "product")
        for one in known
    ]
    declared = [
        MeterView(
            one.code,
            one.label,
            one.unit,
            "msp",
            one.created_at,
            one.created_by,
            one.retired_at,
            one.reads,
            one.counting.aggregation,
            one.dimension,
            one.percentile,
            one.filters,
        )
        for one in await list_definitions(session)
    ]
    return [*sorted(own, key=lambda one: one.label), *declared]


async def add_declared(session: AsyncSession, known: Meters) -> Meters:
    """`known` and the meters that the scope's MSP declares, retired ones included: their usage is still billed."""
    return Meters([*known, *(_meter(one) for one in await list_definitions(session))])


def _meter(one: MeterDefinition) -> Meter:
    unit = f"{{number}} {one.unit}"
    return Meter(
        name=one.code, unit=(unit, unit), label=one.label, permission=BillingPermission.READ_USAGE,
        describe=_describe_reported,
    )  # fmt: skip


async def _describe_reported(
    session: AsyncSession, client_id: UUID, events: Sequence[UUID]
) -> Mapping[UUID, UsageDescription]:
    rows = await session.execute(
        text("""
            SELECT id, event_id, source, dimensions FROM reported_usage WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": client_id, "ids": list(events)},
    )
    return {
        row.id: UsageDescription(
            subject=row.event_id,
            what=", ".join(f"{name}: {value}" for name, value in sorted(row.dimensions.items())),
            where=row.source,
            path=f"/usage/events?{urlencode({'event_id': row.event_id, 'source': row.source})}",
        )
        for row in rows
    }


async def _find(session: AsyncSession, code: str) -> MeterDefinition | None:
    return await session.scalar(
        select(MeterDefinition).where(
            MeterDefinition.tenant_id == scope_of(session).msp_id, MeterDefinition.code == code
        )
    )


async def _lock(session: AsyncSession, code: str) -> None:
    """Lock the code until the transaction ends, to serialize declarations."""
    await lock(session, f"meter|{scope_of(session).msp_id}|{code}")
