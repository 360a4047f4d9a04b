"""Charts as SVG, rendered on the server: no script, no inline style, colours by class so that they follow the
theme.

Text is HTML beside the drawing, so its size is unaffected when the drawing is stretched.
Every chart has a <title> for screen readers and its numbers as a table.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from branding.axis import Axis, fit_axis, thin_labels
from branding.chart_columns import (
    HEIGHT,
    WIDTH,
    Columns,
    Format,
    Pause,
    Series,
    Value,
    draw_bands,
    draw_numbers,
    draw_pauses,
    plain_number,
)
from foundation.i18n.localizer import current_localizer, translate

_SERIES_COLOURS = 6
_EMPTY = Markup("")
_FAR = 20
"""A target this many times above the highest value is only named: drawn to its scale, the line would look flat."""


def format_plain(value: float) -> str:
    localizer = current_localizer()
    return localizer.number(int(value)) if value == int(value) else localizer.number(round(value, 2))


def format_share(value: float) -> str:
    return current_localizer().percent(value, 0)


def line_chart(  # noqa: PLR0913 - one call per drawing
    chart_id: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    area: bool = False,
    top: float | None = None,
    written: Format = format_plain,
    target: float | None = None,
    ticks_at: Sequence[str] = (),
    links: Sequence[str] = (),
    pauses: Sequence[Pause] = (),
) -> Markup:
    """Line chart. `top` fixes the axis' upper end; by default the next round number above the values. `target` is drawn
    as a dashed line; a target far above all values is only named. The others are those of `Columns`.
    """
    columns = Columns(labels=labels, links=links, pauses=pauses, ticks=ticks_at)
    shown, note = list(series), ""
    if target is not None:
        highest = max((value for one in series for value in one.values if value is not None), default=0)
        if highest * _FAR >= target:
            shown.append(Series(translate("Target"), [target] * len(labels), dashed=True))
        else:
            note = translate("Target: {value}", value=written(target))
    axis = fit_axis((value for one in shown for value in one.values if value is not None), top)
    marks = Markup("").join(
        _line(one, colour, axis, len(labels), area=area) for colour, one in enumerate(shown, start=1)
    )
    return _figure(chart_id, title, columns, shown, axis, marks, written, note)


def bar_chart(  # noqa: PLR0913 - one call per drawing
    chart_id: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    written: Format = format_plain,
    links: Sequence[str] = (),
) -> Markup:
    """Bar chart. Bars of several series are side by side. `links` as in `Columns`."""
    columns = Columns(labels=labels, links=links)
    axis = fit_axis(value for one in series for value in one.values if value is not None)
    band = columns.width
    width = band * 0.68 / max(len(series), 1)
    marks = [
        _bar(band * (index + 0.16) + width * (colour - 1), width, axis.part(0), axis.part(value), colour)
        for colour, one in enumerate(series, start=1)
        for index, value in enumerate(one.values)
        if value is not None
    ]
    return _figure(chart_id, title, columns, series, axis, Markup("").join(marks), written)


def stacked_bar_chart(  # noqa: PLR0913 - one call per drawing
    chart_id: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    written: Format = format_plain,
    ticks_at: Sequence[str] = (),
    links: Sequence[str] = (),
    pauses: Sequence[Pause] = (),
) -> Markup:
    """Stacked bar chart. Values are not negative; the height of a bar is their sum. The last three are those of
    `Columns`.
    """
    columns = Columns(labels=labels, links=links, pauses=pauses, ticks=ticks_at)
    sums = [sum(one.values[index] or 0 for one in series) for index in range(len(labels))]
    axis = fit_axis(sums)
    band = columns.width
    marks: list[Markup] = []
    for index in range(len(labels)):
        below = 0.0
        for colour, one in enumerate(series, start=1):
            above = below + (one.values[index] or 0)
            marks.append(_bar(band * (index + 0.2), band * 0.6, axis.part(below), axis.part(above), colour))
            below = above
    return _figure(chart_id, title, columns, series, axis, Markup("").join(marks), written)


def burn_chart(chart_id: str, title: str, labels: Sequence[str], remaining: Sequence[Value]) -> Markup:
    """Remaining error budget (as a fraction of one), with the even pace that would use it up at the end."""
    steps = max(len(labels) - 1, 1)
    pace = [1 - index / steps for index in range(len(labels))]
    series = (Series(translate("Budget left"), remaining), Series(translate("Even pace"), pace, dashed=True))
    return line_chart(chart_id, title, labels, series, area=True, top=1.0, written=format_share)


def sparkline(values: Sequence[float], title: str) -> Markup:
    """A line without axes for a tile. `title` describes the data in words."""
    low, high = min(values, default=0), max(values, default=0)
    axis = Axis(low, high if high > low else low + 1, ())
    count = max(len(values) - 1, 1)
    points = [(100 * index / count, 30 - 26 * axis.part(value)) for index, value in enumerate(values)]
    path = _path(points)
    closed = f"{path}L{plain_number(points[-1][0])} 32L0 32Z" if points else ""
    return Markup(
        '<svg class="sparkline" viewBox="0 0 100 32" preserveAspectRatio="none" role="img"><title>{}</title>'
        '<path class="area s1" d="{}"/><path class="line s1" d="{}"/></svg>'
    ).format(title, closed, path)


def donut(
    chart_id: str,
    title: str,
    parts: Sequence[tuple[str, float]],
    *,
    centre: str = "",
    written: Format = format_plain,
) -> Markup:
    """Donut chart. `parts` are (name, amount); `centre` is written in the middle."""
    total = sum(amount for _, amount in parts) or 1
    arcs, before = [], 0.0
    for colour, (_, amount) in enumerate(parts, start=1):
        share = 100 * amount / total
        arcs.append(
            Markup('<circle class="arc s{}" cx="60" cy="60" r="48" pathLength="100" stroke-dasharray="{} 100" '
                   'stroke-dashoffset="{}"/>').format(
                       _colour(colour), plain_number(max(share - 0.8, 0.2)), plain_number(-before))
        )  # fmt: skip
        before += share
    legend = _legend([(name, f"{written(amount)} · {format_share(amount / total)}") for name, amount in parts])
    return Markup(
        '<figure class="chart"><figcaption>{0}</figcaption><div class="round">'
        '<svg viewBox="0 0 120 120" role="img" aria-labelledby="{1}-title"><title id="{1}-title">{2}</title>'
        '<g transform="rotate(-90 60 60)"><circle class="arc-track" cx="60" cy="60" r="48"/>{3}</g>'
        '<text class="round-centre" x="60" y="66" text-anchor="middle">{4}</text></svg>{5}</div></figure>'
    ).format(title, chart_id, _screen_reader_text(title, parts, written), Markup("").join(arcs), centre, legend)


def gauge(chart_id: str, title: str, part: float, *, target: float | None = None, kind: str = "accent") -> Markup:
    """Gauge. `part` and `target` are fractions of one; `kind` is accent, ok, warn or bad."""
    filled = 100 * min(max(part, 0.0), 1.0)
    mark = _EMPTY
    if target is not None:
        mark = Markup('<path class="arc-target" d="M0 60h18" transform="rotate({} 60 60)"/>').format(
            plain_number(180 * min(max(target, 0.0), 1.0))
        )
    note = translate(", target {share}", share=format_share(target)) if target is not None else ""
    return Markup(
        '<figure class="chart"><figcaption>{0}</figcaption>'
        '<svg class="gauge" viewBox="0 0 120 72" role="img" aria-labelledby="{1}-title">'
        '<title id="{1}-title">{0}: {2}{3}</title>'
        '<path class="arc-track" d="M12 60a48 48 0 0 1 96 0"/>'
        '<path class="arc is-{4}" d="M12 60a48 48 0 0 1 96 0" pathLength="100" stroke-dasharray="{5} 200"/>{6}'
        '<text class="round-centre" x="60" y="60" text-anchor="middle">{2}</text></svg></figure>'
    ).format(title, chart_id, current_localizer().percent(part), note, kind, plain_number(filled), mark)


def _figure(  # noqa: PLR0913, PLR0917
    chart_id: str,
    title: str,
    columns: Columns,
    series: Sequence[Series],
    axis: Axis,
    marks: Markup,
    written: Format,
    target: str = "",
) -> Markup:
    """Figure with title, drawing, legend and table. A drawing with links has the role group, because an image has no
    parts. `target`: a target that is not drawn, in words.
    """
    ticks = Markup("").join(Markup("<span>{}</span>").format(written(tick)) for tick in reversed(axis.ticks))
    below = columns.ticks or thin_labels(columns.labels)
    shown = Markup("").join(Markup("<span>{}</span>").format(text) for text in below)
    return Markup(
        '<figure class="chart" id="{0}"><figcaption><span>{1}</span>{2}</figcaption><div class="plot">'
        '<div class="y-axis" aria-hidden="true">{3}</div>'
        '<svg viewBox="0 0 {4} {5}" preserveAspectRatio="none" role="{13}" aria-labelledby="{0}-title">'
        '<title id="{0}-title">{1}. {12}</title>{6}{7}{8}</svg>'
        '<div class="x-axis{11}" aria-hidden="true">{9}</div></div>'
        '<p class="readout num" aria-hidden="true"></p>{10}</figure>'
    ).format(chart_id, title, _line_legend(columns, series, target), ticks, WIDTH, HEIGHT,
             draw_pauses(columns) + _grid(axis), marks, draw_bands(columns, series, written), shown,
             draw_numbers(title, columns, series, written), " is-round" if columns.ticks else "",
             translate("The numbers follow as a table."), "group" if any(columns.links) else "img")  # fmt: skip


def _line_legend(columns: Columns, series: Sequence[Series], target: str) -> Markup:
    """Names of the series if there are several, of the target, and of paused subjects; empty without any."""
    named = [
        (f"s{_colour(place)}{' is-dashed' if one.dashed else ''}", one.name) for place, one in enumerate(series, 1)
    ]
    named = named if len(named) > 1 else []
    if target:
        named.append(("is-dashed", target))
    if columns.pauses:
        names = current_localizer().join(sorted({one.name for one in columns.pauses}))
        named.append(("is-pause", translate("Paused: {names}", names=names)))
    items = (Markup('<li><i class="key {}"></i>{}</li>').format(kind, name) for kind, name in named)
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items)) if named else _EMPTY


def _line(series: Series, colour: int, axis: Axis, count: int, *, area: bool) -> Markup:
    band = WIDTH / max(count, 1)
    drawn: list[str] = []
    filled: list[str] = []
    dots: list[str] = []
    for run in _runs(series.values):
        points = [(band * (index + 0.5), HEIGHT * (1 - axis.part(value))) for index, value in run]
        path = _path(points)
        if len(points) == 1:
            dots.append(path + "h0")
        drawn.append(path)
        floor = plain_number(HEIGHT * (1 - axis.part(0)))
        filled.append(f"{path}L{plain_number(points[-1][0])} {floor}L{plain_number(points[0][0])} {floor}Z")
    name = f"s{_colour(colour)}"
    fill = _EMPTY
    if area and not series.dashed:
        fill = Markup('<path class="area {}" d="{}"/>').format(name, "".join(filled))
    dashed = " is-dashed" if series.dashed else ""
    alone = Markup('<path class="dot line {}" d="{}"/>').format(name, "".join(dots)) if dots else _EMPTY
    return fill + Markup('<path class="line {}{}" d="{}"/>').format(name, dashed, "".join(drawn)) + alone


def _runs(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """Stretches without a gap, as (index, value)."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _bar(x: float, width: float, low: float, high: float, colour: int) -> Markup:
    bottom, top = sorted((low, high))
    return Markup('<rect class="bar s{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        _colour(colour),
        plain_number(x),
        plain_number(HEIGHT * (1 - top)),
        plain_number(width),
        plain_number(HEIGHT * (top - bottom)),
    )


def _grid(axis: Axis) -> Markup:
    heights = (plain_number(HEIGHT * (1 - axis.part(tick))) for tick in axis.ticks)
    return Markup('<path class="grid" d="{}"/>').format("".join(f"M0 {height}H{WIDTH}" for height in heights))


def _legend(entries: Iterable[tuple[str, str]]) -> Markup:
    items = (
        Markup('<li><i class="key s{}"></i>{} <b class="num">{}</b></li>').format(_colour(colour), name, note)
        for colour, (name, note) in enumerate(entries, start=1)
    )
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _screen_reader_text(title: str, parts: Sequence[tuple[str, float]], written: Format) -> str:
    return f"{title}: " + ", ".join(f"{name} {written(amount)}" for name, amount in parts)


def _path(points: Sequence[tuple[float, float]]) -> str:
    if not points:
        return ""
    start = f"M{plain_number(points[0][0])} {plain_number(points[0][1])}"
    return start + "".join(f"L{plain_number(x)} {plain_number(y)}" for _, (x, y) in pairwise(points))


def _colour(index: int) -> int:
    return (index - 1) % _SERIES_COLOURS + 1
