"""Tiles of dashboards: figures, charts and short lists. Rooms declare them, dashboards show them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.codes import LabelledCode
from foundation.marks import N_

T = TypeVar("T")


class TileKind(LabelledCode):
    FIGURE = "figure", N_("Figure")
    BARS = "bars", N_("Bar chart")
    LINE = "line", N_("Line chart")
    LIST = "list", N_("List")
    GAUGE = "gauge", N_("Gauge with a target")


class TileSize(LabelledCode):
    SMALL = "small", N_("Small")
    WIDE = "wide", N_("Wide")
    FULL = "full", N_("Full width")


class TileArea(StrEnum):
    """The dashboard that shows a tile: of all clients of an MSP, or of one client."""

    MSP = "msp"
    CLIENT = "client"


class TileUnit(StrEnum):
    """The unit of a tile's numbers: whole numbers, seconds, or fractions of one."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"


class TileSeries(msgspec.Struct, frozen=True):
    """One value per label of its tile; null without a value."""

    name: str
    values: Sequence[float | None]


class TileRow(msgspec.Struct, frozen=True):
    """A row of a list. `path` is the address of its page, from the root of the account."""

    text: str
    path: str
    value: str = ""
    note: str = ""


class TileData(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a tile. `path` leads to the list behind it, from the root of the account. `value` is that of a
    figure or gauge, null if there is none; `more`: counting stopped at that number. `target` is a gauge's or a line's.
    `links` are the addresses of the lists that `labels` count, from the root of the account. Texts are in the reader's
    language. `as_of` and `next_at` are given for figures that are computed in advance.
    """

    path: str
    value: float | None = None
    unit: TileUnit = TileUnit.COUNT
    more: bool = False
    target: float | None = None
    note: str = ""
    labels: Sequence[str] = ()
    links: Sequence[str] = ()
    series: Sequence[TileSeries] = ()
    rows: Sequence[TileRow] = ()
    as_of: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TileReader:
    """Shared state of the loaders of one dashboard: the transaction, the time, and results that are loaded once."""

    session: AsyncSession
    now: datetime
    known: dict[Any, Any] = field(default_factory=dict)

    async def once(self, load: Callable[..., Awaitable[T]]) -> T:
        """`load(session, now=now)`, once for all tiles of the dashboard."""
        if load not in self.known:
            self.known[load] = await load(self.session, now=self.now)
        return cast("T", self.known[load])


LoadTile = Callable[[TileReader], Awaitable[TileData]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile that members with `permission` may add. `code` is stored in layouts. `fleet`: it is loaded in the fleet's
    scope, which reads all clients of the MSP.
    """

    code: str
    label: str
    about: str
    kind: TileKind
    area: TileArea
    permission: str
    load: LoadTile
    fleet: bool = False
