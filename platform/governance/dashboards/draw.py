"""Drawings of tiles: numbers in words, and charts."""

from collections.abc import Callable
from typing import Final

from markupsafe import Markup

from branding.charts import Series, bar_chart, format_plain, format_share, gauge, line_chart, stacked_bar_chart
from branding.formats import format_duration, format_grouped, format_percent
from foundation.dashboard_tiles import TileKind, TileUnit
from foundation.i18n.localizer import translate
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


def draw_tile(tile: TileView) -> Markup:
    """The chart of a tile; empty for figures, lists, and charts without a value."""
    chart_id = f"tile-{tile.code.replace('.', '-')}"
    written = _WRITTEN[tile.unit]
    series = [Series(one.name, one.values) for one in tile.series]
    if tile.kind is TileKind.GAUGE and tile.value is not None:
        reached = tile.target is None or tile.value >= tile.target - _DONE
        return gauge(chart_id, tile.label, tile.value, target=tile.target, kind="ok" if reached else "warn")
    if tile.kind is TileKind.BARS and series:
        draw = stacked_bar_chart if len(series) > 1 else bar_chart
        return draw(chart_id, tile.label, tile.labels, series, written=written)
    if tile.kind is TileKind.LINE and series:
        if tile.target is not None:
            series.append(Series(translate("Target"), [tile.target] * len(tile.labels), dashed=True))
        return line_chart(chart_id, tile.label, tile.labels, series, written=written)
    return Markup("")
