"""Layers of slices: in the order of `room.py`, which names each slice."""

from pathlib import Path

import grimp
import pytest

from tests.support.slice_layers import SliceLayersContract, read_slices

ROOM = """
from sales.orders.slice import SLICE as ORDERS
from sales.offers.slice import SLICE

ROOM = Room(name="sales", slices=(ORDERS, SLICE))
"""


def is_kept(room: Path, modules: list[str], importer: str, imported: str) -> bool:
    graph = grimp.ImportGraph()
    for module in ["sales", *(f"sales.{each}" for each in ("room", "labels", *modules))]:
        graph.add_module(module)
    graph.add_import(importer=f"sales.{importer}", imported=f"sales.{imported}", line_number=1, line_contents="")
    options = {"room": str(room), "exhaustive": "true", "layers": ["room", "slices", "labels"]}
    contract = SliceLayersContract("sales", {"root_packages": ["sales"]}, options)
    return bool(contract.check(graph, verbose=False).kept)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales/room.py").write_text(ROOM)
    return tmp_path / "sales"


def test_slices_are_in_the_order_of_the_room() -> None:
    assert read_slices(ROOM) == ["orders", "offers"]


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("offers", "orders", True),
        ("orders", "offers", False),
        ("orders", "labels", True),
        ("labels", "orders", False),
        ("room", "offers", True),
    ],
)
def test_a_slice_may_import_those_before_it(room: Path, importer: str, imported: str, kept: bool) -> None:  # noqa: FBT001
    assert is_kept(room, ["orders", "offers"], importer, imported) is kept


def test_a_slice_that_the_room_does_not_name_breaks_the_contract(room: Path) -> None:
    assert not is_kept(room, ["orders", "offers", "returns"], "offers", "orders")
