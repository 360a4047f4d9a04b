"""SVG drawing of flows from sources through steps to targets: three columns of boxes joined by lines.

Colours are classes, which follow the theme; the attributes beside them are for a drawing that is saved as a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 960
_ROW: Final = 56
_TOP: Final = 36
_BOX: Final = 44
_COLUMNS: Final = ((0, 240), (320, 300), (700, 260))
"""Left edge and width of each column."""
_LONGEST: Final = (30, 38, 33)
"""Characters of a label that fit into a column's box."""
_FONT: Final = "system-ui, sans-serif"


@dataclass(frozen=True, slots=True)
class Flow:
    """A step in the middle column with its source and targets; `note` is its second line."""

    source: str
    step: str
    note: str
    targets: Sequence[str]


def flow_map(map_id: str, title: str, about: str, headings: tuple[str, str, str], flows: Sequence[Flow]) -> Markup:
    """SVG of the flows. `title` and `about` are its name and description for screen readers."""
    sources = list(dict.fromkeys(one.source for one in flows if one.source))
    targets = list(dict.fromkeys(name for one in flows for name in one.targets))
    rows = max(len(flows), len(sources), len(targets), 1)
    height = _TOP + rows * _ROW
    places = (_spread(sources, rows), [_row_at(place, len(flows), rows) for place in range(len(flows))],
              _spread(targets, rows))  # fmt: skip
    boxes = [_box(0, at, name, "") for name, at in places[0].items()]
    boxes += [_box(1, at, one.step, one.note) for one, at in zip(flows, places[1], strict=True)]
    boxes += [_box(2, at, name, "") for name, at in places[2].items()]
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="flow-map" viewBox="0 0 {0} {1}" width="{0}" height="{1}" '
        'role="img" aria-labelledby="{2}-title {2}-about" font-family="{3}" font-size="14">'
        '<title id="{2}-title">{4}</title><desc id="{2}-about">{5}</desc>{6}{7}{8}</svg>'
    ).format(_WIDTH, height, map_id, _FONT, title, about, _headings(headings), _lines(flows, places),
             Markup("").join(boxes))  # fmt: skip


def _row_at(place: int, count: int, rows: int) -> float:
    """The middle of box `place` of `count`, spread over all rows."""
    return _TOP + _ROW * rows * (place + 0.5) / max(count, 1)


def _spread(names: Sequence[str], rows: int) -> dict[str, float]:
    return {name: _row_at(place, len(names), rows) for place, name in enumerate(names)}


def _headings(headings: Sequence[str]) -> Markup:
    return Markup("").join(
        Markup('<text class="flow-heading" x="{}" y="18" font-weight="600" fill="#475569">{}</text>').format(left, name)
        for (left, _), name in zip(_COLUMNS, headings, strict=True)
    )


def _lines(flows: Sequence[Flow], places: tuple[Mapping[str, float], Sequence[float], Mapping[str, float]]) -> Markup:
    sources, steps, targets = places
    (_, first), (second, width), (third, _) = _COLUMNS
    drawn = []
    for flow, at in zip(flows, steps, strict=True):
        if flow.source:
            drawn.append(_curve(first, sources[flow.source], second, at))
        drawn += [_curve(second + width, at, third, targets[name]) for name in flow.targets]
    return Markup('<path class="flow-line" fill="none" stroke="#94a3b8" stroke-width="1.5" d="{}"/>').format(
        "".join(drawn)
    )


def _curve(left: float, begins: float, right: float, ends: float) -> str:
    middle = (left + right) / 2
    return f"M{left:g} {begins:g}C{middle:g} {begins:g} {middle:g} {ends:g} {right:g} {ends:g}"


def _box(column: int, at: float, label: str, note: str) -> Markup:
    left, width = _COLUMNS[column]
    lines = Markup('<text class="flow-label" x="{}" y="{:g}" fill="#0f172a">{}</text>').format(
        left + 12, at - 3 if note else at + 5, _cut(label, _LONGEST[column])
    )
    if note:
        lines += Markup('<text class="flow-note" x="{}" y="{:g}" font-size="12" fill="#475569">{}</text>').format(
            left + 12, at + 14, _cut(note, round(_LONGEST[column] * 1.15))
        )
    return Markup(
        '<g><title>{}</title><rect class="flow-box" x="{}" y="{:g}" width="{}" height="{}" rx="6" fill="#f8fafc" '
        'stroke="#cbd5e1"/>{}</g>'
    ).format(f"{label}: {note}" if note else label, left + 0.5, at - _BOX / 2, width - 1, _BOX, lines)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
