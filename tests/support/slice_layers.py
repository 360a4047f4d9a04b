"""Contract of import-linter for a room whose slices are layers: their order is that of `slices` in its `room.py`."""

import ast
from pathlib import Path
from typing import Any, Final

from importlinter.contracts.layers import LayersContract

SLICES: Final = "slices"
"""Placeholder for the room's slices among the `layers` of a contract."""
_MODULE: Final = "slice"


class SliceLayersContract(LayersContract):
    """A layers contract with the name of a room, whose slices replace `slices` in its layers. A slice that `room.py`
    does not name makes the contract fail, as it is exhaustive.
    """

    type_name = "slice_layers"

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        options = dict(contract_options)
        room = Path(options.pop("room"))
        slices = read_slices((room / "room.py").read_text())
        layers = [each for one in options["layers"] for each in (reversed(slices) if one == SLICES else [one])]
        super().__init__(name, session_options, options | {"containers": [room.name], "layers": layers})


def read_slices(source: str) -> list[str]:
    """Folders of the slices in a `room.py`, in the order of its `slices`, lowest first."""
    tree = ast.parse(source)
    folder_of = {
        alias.asname or alias.name: node.module.split(".")[-2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith(f".{_MODULE}")
        for alias in node.names
    }
    return [
        folder_of[element.id]
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == SLICES and isinstance(node.value, ast.Tuple)
        for element in node.value.elts
        if isinstance(element, ast.Name)
    ]
