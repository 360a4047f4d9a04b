"""Layouts and dashboards, as pages and the API show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from foundation.dashboard_tiles import TileData, TileKind, TileRow, TileSeries, TileSize, TileUnit
from foundation.web.requests import RequestBody

MOST_TILES: Final = 24
Whose = Literal["me", "account", "clients"]
"""Owner of a layout: the caller, the account for its members' default, or the MSP for the default of its clients."""
WHOSE: Final[Sequence[Whose]] = ("me", "account", "clients")
Source = Literal["me", "account", "msp", "role"]
"""Source of a layout: `msp` is the MSP's default for its clients, `role` the product's for the caller's role."""
_Code = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,39}\\.[a-z][a-z_]{0,39}$")]


class TileChoice(RequestBody, frozen=True):
    """A tile of a layout: its code, and its size on wide screens (`small`, `wide` or `full`)."""

    code: _Code
    size: Literal["small", "wide", "full"] = "small"


class LayoutInput(RequestBody, frozen=True):
    """The tiles, in their order. `whose`: `account` and `clients` are for those who may invite members."""

    tiles: Annotated[list[TileChoice], msgspec.Meta(max_length=MOST_TILES)]
    whose: Whose = "me"


class TileOption(msgspec.Struct, frozen=True):
    """A tile that the caller may add."""

    code: str
    label: str
    about: str
    kind: TileKind


class LayoutView(msgspec.Struct, frozen=True):
    """A layout with its source, and all tiles that the caller may see."""

    tiles: Sequence[TileChoice]
    source: Source
    available: Sequence[TileOption]


class TileView(msgspec.Struct, frozen=True, kw_only=True):
    """A tile with its figures. `failed`: they could not be read; other tiles are not affected. Numbers are whole
    numbers, seconds or fractions of one, by `unit`. `path` is the page of the list behind it, `links` those of the
    rows that each of `labels` counts; empty for none.
    """

    code: str
    label: str
    about: str
    kind: TileKind
    size: TileSize
    failed: bool
    value: float | None
    unit: TileUnit
    more: bool
    target: float | None
    note: str
    labels: Sequence[str]
    links: Sequence[str]
    series: Sequence[TileSeries]
    rows: Sequence[TileRow]
    path: str
    as_of: datetime
    next_at: datetime


class DashboardView(msgspec.Struct, frozen=True):
    tiles: Sequence[TileView]
    source: Source


NO_DATA: Final = TileData(path="")
