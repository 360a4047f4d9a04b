"""Columns of a chart: their values in words, links to the counted lists, and pauses marked behind the bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from foundation.i18n.localizer import current_localizer, translate

Format = Callable[[float], str]
Value = float | int | None

WIDTH = 1000
HEIGHT = 300


@dataclass(frozen=True, slots=True)
class Series:
    """`values` has one entry per label; None leaves a gap. A dashed series is a reference line without an area."""

    name: str
    values: Sequence[Value]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause of a named subject, marked grey. `since` and `until` are places on the axis: the first column is from 0
    to 1.
    """

    name: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns of a chart. `links`: addresses of the counted lists, by column, empty for none; `ticks`: the text below
    each place, mostly blank; by default `labels`, thinned.
    """

    labels: Sequence[str]
    links: Sequence[str] = ()
    pauses: Sequence[Pause] = ()
    ticks: Sequence[str] = ()

    @property
    def width(self) -> float:
        return WIDTH / max(len(self.labels), 1)

    def link(self, index: int) -> str:
        return self.links[index] if self.links else ""

    def paused(self, index: int) -> str:
        """Names of the subjects paused in the column, as one text."""
        names = {one.name for one in self.pauses if one.since < index + 1 and one.until > index}
        return current_localizer().join(sorted(names)) if names else ""


def draw_pauses(columns: Columns) -> Markup:
    """Grey bands behind the marks."""
    count = len(columns.labels)
    made = []
    for one in columns.pauses:
        since, until = max(one.since, 0.0), min(one.until, float(count))
        if until > since:
            width = max(columns.width * (until - since), 3.0)
            made.append(
                Markup('<rect class="pause" x="{}" width="{}" height="{}"/>').format(
                    plain_number(columns.width * since), plain_number(width), HEIGHT
                )
            )
    return Markup("").join(made)


def draw_bands(columns: Columns, series: Sequence[Series], written: Format) -> Markup:
    """Invisible columns that show their values on hover and link to the counted lists. The table has the same links,
    for the keyboard.
    """
    made = []
    for index, label in enumerate(columns.labels):
        lines = [label, *(f"{one.name}: {write_number(one.values[index], written)}" for one in series)]
        if names := columns.paused(index):
            lines.append(translate("Paused: {names}", names=names))
        band = Markup('<rect class="band" x="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            plain_number(columns.width * index), plain_number(columns.width), HEIGHT, "\n".join(lines)
        )
        if link := columns.link(index):
            band = Markup('<a href="{}" tabindex="-1" aria-label="{}">{}</a>').format(link, ", ".join(lines), band)
        made.append(band)
    return Markup("").join(made)


def draw_numbers(title: str, columns: Columns, series: Sequence[Series], written: Format) -> Markup:
    heads = [one.name for one in series] + ([translate("Paused")] if columns.pauses else [])
    head = Markup("").join(Markup('<th scope="col" class="num">{}</th>').format(name) for name in heads)
    rows = Markup("").join(_row(index, columns, series, written) for index in range(len(columns.labels)))
    return Markup(
        '<details class="numbers"><summary>{}</summary><div class="table-wrap"><table>'
        '<caption class="visually-hidden">{}</caption><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody>'
        "</table></div></details>"
    ).format(translate("Show the numbers"), title, head, rows)


def _row(index: int, columns: Columns, series: Sequence[Series], written: Format) -> Markup:
    label: str = columns.labels[index]
    if link := columns.link(index):
        label = Markup('<a href="{}">{}</a>').format(link, label)
    cells = [write_number(one.values[index], written) for one in series]
    if columns.pauses:
        cells.append(columns.paused(index) or "\N{EM DASH}")
    drawn = Markup("").join(Markup('<td class="num">{}</td>').format(cell) for cell in cells)
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(label, drawn)


def write_number(value: Value, written: Format) -> str:
    return translate("no data") if value is None else written(value)


def plain_number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
