"""Every table that the slices declare, by its name."""

from collections.abc import Mapping
from typing import Final

from tests.support.declared_tables import DeclaredTable
from tests.support.slice_declarations import modules_named

_DECLARED: Final = [table for module in modules_named("tables") for table in module.TABLES]
TABLES: Final[Mapping[str, DeclaredTable]] = {table.name: table for table in _DECLARED}
assert len(TABLES) == len(_DECLARED), "a table is declared twice"
