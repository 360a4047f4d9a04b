"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import Slice
from governance.held_values.audit_actions import HeldValueAction
from governance.held_values.commands import COMMANDS
from governance.held_values.pages import HELD_VALUE_PAGES
from governance.held_values.routes import HELD_VALUE_ROUTES

# Of use as long as their messages are stored, which is the default of source messages.
RETAINED: Final = (
    DataClass(
        "held_values", N_("Held values"), N_("Values that wait for an element contract, the newest of each record."),
        (RetainedTable("held_observation", "held_at", by_time=True, element="element", record="record_key"),),
        default_days=400, least_days=30,
    ),
)  # fmt: skip

SLICE: Final = Slice(
    audit_actions=(HeldValueAction,),
    routes=HELD_VALUE_ROUTES,
    pages=HELD_VALUE_PAGES,
    commands=COMMANDS,
    retained=RETAINED,
)
