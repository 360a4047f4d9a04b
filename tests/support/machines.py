"""The product's state machines, as declared in every `states.py`."""

from importlib import import_module
from typing import Any

from foundation.state_machine import StateMachine
from tests.architecture.test_layout import ROOT, modules


def _declared() -> list[StateMachine[Any]]:
    found = []
    for path in sorted(modules()):
        if path.name == "states.py":
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("platform.")
            found += [each for each in vars(import_module(name)).values() if isinstance(each, StateMachine)]
    return found


MACHINES = _declared()
STATES = {str(state) for machine in MACHINES for state in machine.transitions}
