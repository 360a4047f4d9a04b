"""Slots of usage: the time in which each price applies, a client's own before the common one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.periods import Service


class Validity(msgspec.Struct, frozen=True):
    """A price of one meter and its validity; `end` None means until the next price."""

    meter: str
    price_id: UUID
    start: datetime
    end: datetime | None


class Slot(msgspec.Struct, frozen=True):
    """Usage of `meter` from `start` until `end`, with its price and its allowance."""

    meter: str
    price_id: UUID
    start: datetime
    end: datetime
    allowance_from: datetime


def slots_for(own: Sequence[Validity], common: Sequence[Validity], services: Sequence[Service]) -> list[Slot]:
    """Disjoint slots: a client's own price takes precedence over the common one wherever both apply."""
    slots: list[Slot] = []
    for service in services:
        mine = [slot for price in own if (slot := _within(price, service))]
        slots += mine
        for price in common:
            if slot := _within(price, service):
                slots += _without(slot, [own_slot for own_slot in mine if own_slot.meter == slot.meter])
    return slots


def _within(price: Validity, service: Service) -> Slot | None:
    start = max(price.start, service.start)
    end = service.end if price.end is None else min(price.end, service.end)
    if start >= end:
        return None
    return Slot(price.meter, price.price_id, start, end, service.allowance_from)


def _without(slot: Slot, taken: Iterable[Slot]) -> list[Slot]:
    rest: list[Slot] = []
    cursor = slot.start
    for hole in sorted(taken, key=lambda other: other.start):
        if hole.start > cursor and cursor < slot.end:
            rest.append(msgspec.structs.replace(slot, start=cursor, end=min(hole.start, slot.end)))
        cursor = max(cursor, hole.end)
    if cursor < slot.end:
        rest.append(msgspec.structs.replace(slot, start=cursor))
    return rest
