"""Edits of a layout by the buttons of its page."""

from collections.abc import Sequence

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_
from governance.dashboards.schemas import TileChoice


def arrange(tiles: Sequence[TileChoice], action: str, code: str, size: str) -> list[TileChoice]:
    """The layout after one edit. `size` is for `resize` and `add`.

    Raises:
        InvalidInput: the action or the size does not exist, or the tile is not there.
    """
    places = {tile.code: place for place, tile in enumerate(tiles)}
    if action == "add":
        return [*tiles, _choice(code, size or "small")]
    if code not in places:
        raise InvalidInput(N_("This tile is not on the dashboard any more."), field="tile")
    place, edited = places[code], list(tiles)
    if action == "remove":
        del edited[place]
    elif action == "resize":
        edited[place] = _choice(code, size)
    elif action in {"up", "down"}:
        moved = edited.pop(place)
        edited.insert(max(0, place - 1) if action == "up" else place + 1, moved)
    else:
        raise InvalidInput(N_("Choose what to do with the tile."), field="action")
    return edited


def _choice(code: str, size: str) -> TileChoice:
    try:
        return msgspec.convert({"code": code, "size": size}, TileChoice)
    except msgspec.ValidationError as error:
        raise InvalidInput(N_("Choose a tile and its size."), field="size") from error
