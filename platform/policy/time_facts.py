"""Facts of the time at which a change is decided."""

from datetime import datetime, tzinfo
from typing import Final

from policy.conditions import Fact

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIME_FACTS: Final = frozenset({"hour", "weekday"})


def time_facts(at: datetime, zone: tzinfo) -> dict[str, Fact]:
    """`hour`, from 0 to 23, and `weekday`, one of `WEEKDAYS`, on the clocks of `zone`."""
    local = at.astimezone(zone)
    return {"hour": local.hour, "weekday": WEEKDAYS[local.weekday()]}
