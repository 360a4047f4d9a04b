"""States of imports of clients and of their rows."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class ImportState(LabelledCode):
    RUNNING = "running", N_("Running")
    DONE = "done", N_("Done")


class ImportRowState(LabelledCode):
    WAITING = "waiting", N_("Waiting")
    CREATED = "created", N_("Created")
    EXISTING = "existing", N_("Exists already")
    FAILED = "failed", N_("Failed")


IMPORTS: Final = StateMachine(
    ImportState,
    starts=[ImportState.RUNNING],
    transitions={ImportState.RUNNING: [ImportState.DONE]},
)
IMPORT_ROWS: Final = StateMachine(
    ImportRowState,
    starts=[ImportRowState.WAITING],
    transitions={ImportRowState.WAITING: [ImportRowState.CREATED, ImportRowState.EXISTING, ImportRowState.FAILED]},
)
IS_RUNNING_IMPORT: Final = f"state = '{ImportState.RUNNING}'"
"""As SQL, the text of the partial index."""
