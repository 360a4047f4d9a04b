"""Owners of texts' catalogues: the one slice that uses a text, else the one room, else foundation."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

TEMPLATES: Final = "templates"


class TextOwners:
    """Owners of source files, which are folders of rooms or slices. Files outside every room belong to `lowest`."""

    def __init__(self, rooms: Sequence[Path], lowest: Path) -> None:
        self._rooms = frozenset(rooms)
        self._lowest = lowest

    def owner_of(self, path: Path) -> Path:
        """The slice or room in whose folder the file lies."""
        room = next((each for each in path.parents if each in self._rooms), self._lowest)
        inside = path.relative_to(room).parts[:-1] if room in path.parents else ()
        return room / inside[0] if inside and inside[0] != TEMPLATES else room

    def common_owner(self, owners: Iterable[Path]) -> Path:
        """The lowest folder that contains all `owners`, of which there is at least one."""
        found = set(owners)
        if len(found) == 1:
            return found.pop()
        rooms = {owner if owner in self._rooms else owner.parent for owner in found}
        return rooms.pop() if len(rooms) == 1 else self._lowest
