"""Registry of every room's retained tables, and the rows that rooms need of each other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from billing.retention import RETAINED as BILLING
from connectors.retention import RETAINED as CONNECTORS
from foundation.retention import AUDIT, DEAD_LETTERS, WAITING_EVENTS, DataClass, Pin
from governance.retention.tables import PINS
from governance.retention.tables import RETAINED as GOVERNANCE
from policy.retention import RETAINED as POLICY


def with_pins(classes: Sequence[DataClass], pins: Sequence[Pin]) -> tuple[DataClass, ...]:
    return tuple(
        replace(one, pins=one.pins + tuple(pin.sql for pin in pins if pin.data_class == one.name)) for one in classes
    )


RETAINED: Final = with_pins((*CONNECTORS, *GOVERNANCE, *POLICY, DEAD_LETTERS, *BILLING, AUDIT), (WAITING_EVENTS, *PINS))
