"""Formatted figures and charts of tiles."""

from collections.abc import Callable
from typing import Final

from markupsafe import Markup

from branding.chart_columns import Series
from branding.charts import bar_chart, format_plain, format_share, gauge, line_chart, stacked_bar_chart
from branding.formats import format_duration, format_grouped, format_percent
from foundation.dashboard_tiles import TileKind, TileUnit
from governance.dashboards.schemas import TileView

_WRITTEN: Final[dict[TileUnit, Callable[[float], str]]] = {
    TileUnit.COUNT: format_plain,
    TileUnit.SECONDS: format_duration,
    TileUnit.SHARE: format_share,
}
_DONE: Final = 1e-9


def write_value(tile: TileView) -> str:
    """The figure in the reader's format; a dash without one."""
    if tile.value is None:
        return "\N{EM DASH}"
    if tile.unit is TileUnit.SECONDS:
        return format_duration(tile.value)
    if tile.unit is TileUnit.SHARE:
        return format_percent(tile.value)
    return format_grouped(int(tile.value)) + ("+" if tile.more else "")


def draw_tile(tile: TileView, root: str) -> Markup:
    """The chart of a tile; empty for figures, lists, and charts without a value. `root` is that of the account."""
    chart_id = f"tile-{tile.code.replace('.', '-')}"
    written = _WRITTEN[tile.unit]
    series = [Series(one.name, one.values) for one in tile.series]
    if tile.kind is TileKind.GAUGE and tile.value is not None:
        reached = tile.target is None or tile.value >= tile.target - _DONE
        return gauge(chart_id, tile.label, tile.value, target=tile.target, kind="ok" if reached else "warn")
    links = [f"{root}{link}" if link else "" for link in tile.links]
    if tile.kind is TileKind.BARS and series:
        draw = stacked_bar_chart if len(series) > 1 else bar_chart
        return draw(chart_id, tile.label, tile.labels, series, written=written, links=links)
    if tile.kind is TileKind.LINE and series:
        return line_chart(chart_id, tile.label, tile.labels, series, written=written, target=tile.target, links=links)
    return Markup("")
