"""Declarations in the slices' test folders for tests of the whole product: a new slice edits no central list."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

TESTS = Path(__file__).resolve().parents[1]


def modules_named(name: str) -> Iterator[ModuleType]:
    """All modules of this name in the test folders."""
    for path in sorted(TESTS.rglob(f"{name}.py")):
        yield import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))


def declarations(module_name: str, constant: str) -> dict[str, Any]:
    """Merged entries of a dictionary that modules of this name declare."""
    found: dict[str, Any] = {}
    for module in modules_named(module_name):
        entries = getattr(module, constant, {})
        assert not found.keys() & entries.keys(), f"{module.__name__} declares what another slice does"
        found |= entries
    return found
