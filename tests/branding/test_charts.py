"""Charts are well-formed, have a title, contain their numbers as a table, and comply with the security policy."""

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from branding import charts
from branding.axis import fit_axis, thin_labels
from branding.chart_columns import Pause, Series

LABELS = ["Mon", "Tue", "Wed"]
ONE = [Series("Seen", [1, None, 3])]
TWO = [Series("Seen", [1, 2, 3]), Series("Sent", [4, 5.5, 6], dashed=True)]
DRAWN: list[tuple[str, Callable[[str], Markup]]] = [
    ("line", lambda title: charts.line_chart("c", title, LABELS, TWO)),
    ("area", lambda title: charts.line_chart("c", title, LABELS, ONE, area=True)),
    ("bar", lambda title: charts.bar_chart("c", title, LABELS, TWO)),
    ("stacked", lambda title: charts.stacked_bar_chart("c", title, LABELS, TWO)),
    ("burn", lambda title: charts.burn_chart("c", title, LABELS, [1, 0.5, None])),
    ("donut", lambda title: charts.donut("c", title, [(title, 3), ("b", 0)], centre="3")),
    ("gauge", lambda title: charts.gauge("c", title, 0.4, target=0.95)),
    ("spark", lambda title: charts.sparkline([1, 2, 3], title)),
    ("no labels", lambda title: charts.line_chart("c", title, [], [Series("a", [])])),
    ("no values", lambda title: charts.sparkline([], title)),
    ("no parts", lambda title: charts.donut("c", title, [])),
]
BAR = re.compile(r'class="bar s\d" x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)"')
everyone = pytest.mark.parametrize("draw", [draw for _, draw in DRAWN], ids=[name for name, _ in DRAWN])
numbers = st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1, max_size=40)


def parse(drawn: Markup) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - our own markup


@everyone
def test_a_chart_is_well_formed_and_named(draw: Callable[[str], Markup]) -> None:
    root = parse(draw("Changes & more"))
    drawings = [root] if root.tag == "svg" else list(root.iter("svg"))
    assert len(drawings) == 1
    assert drawings[0].get("role") == "img"
    title = drawings[0].find("title")
    assert title is not None
    assert title.text is not None
    assert "Changes & more" in title.text


@everyone
def test_a_title_is_escaped(draw: Callable[[str], Markup]) -> None:
    assert "<script" not in draw('</title><script>alert(1)</script>"')


@everyone
def test_a_chart_needs_no_inline_style_or_colour(draw: Callable[[str], Markup]) -> None:
    assert not re.search(r"style=|fill=|stroke=|#[0-9a-f]{3}|rgb", draw("Changes"))


@pytest.mark.parametrize("draw", [charts.line_chart, charts.bar_chart, charts.stacked_bar_chart])
def test_the_numbers_follow_as_a_table(draw: Callable[..., Markup]) -> None:
    root = parse(draw("c", "Changes", LABELS, ONE))
    cells = [cell.text for cell in root.iter("td") if cell.text]
    assert cells == ["1", "no data", "3"]
    assert [cell.text for cell in root.iter("th")] == ["Seen", *LABELS]


def test_a_gap_interrupts_the_line() -> None:
    assert charts.line_chart("c", "t", LABELS, ONE).count('class="line') == 1
    path = re.search(r'class="line s1" d="([^"]+)"', charts.line_chart("c", "t", LABELS, ONE))
    assert path is not None
    assert path[1].count("M") == 2


def test_a_value_without_neighbours_is_drawn_as_a_dot() -> None:
    drawn = charts.line_chart("c", "t", LABELS[:3], [Series("x", [None, 5, None])])
    assert drawn.count('class="dot line s1"') == 1
    assert 'class="dot' not in charts.line_chart("c", "t", LABELS[:3], [Series("x", [1, 5, None])])


def test_stacked_bars_do_not_overlap() -> None:
    drawn = charts.stacked_bar_chart("c", "t", ["a"], [Series("x", [10]), Series("y", [30])])
    bars = [tuple(map(float, bar)) for bar in BAR.findall(drawn)]
    (_, low_y, _, low_height), (_, high_y, _, high_height) = bars
    assert low_y + low_height == pytest.approx(300)
    assert high_y + high_height == pytest.approx(low_y)
    assert high_height == pytest.approx(3 * low_height)


def test_a_gauge_is_filled_by_its_part() -> None:
    assert 'stroke-dasharray="98.2 200"' in charts.gauge("c", "t", 0.982)
    assert 'stroke-dasharray="100 200"' in charts.gauge("c", "t", 1.7)


@given(numbers)
def test_every_mark_is_inside_its_chart(values: list[float | None]) -> None:
    labels = [str(index) for index in range(len(values))]
    drawn = charts.bar_chart("c", "t", labels, [Series("a", values)])
    for x, y, width, height in BAR.findall(drawn):
        assert -0.1 <= float(x) <= float(x) + float(width) <= 1000.2
        assert -0.1 <= float(y) <= float(y) + float(height) <= 300.2


@given(st.lists(st.floats(-1e12, 1e12), max_size=30), st.none() | st.floats(0.001, 1e9))
def test_an_axis_holds_its_values_and_has_few_even_ticks(values: list[float], top: float | None) -> None:
    axis = fit_axis(values, top)
    slack = (axis.high - axis.low) * 1e-8
    assert axis.low <= min([0.0, *values]) + slack
    assert axis.high >= (max([0.0, *values]) if top is None else top) - slack
    assert 2 <= len(axis.ticks) <= 7
    steps = [b - a for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)


@given(st.lists(st.text(min_size=1), max_size=400))
def test_labels_are_thinned_not_moved(labels: list[str]) -> None:
    thinned = thin_labels(labels)
    assert len(thinned) == len(labels)
    assert all(shown in ("", label) for shown, label in zip(thinned, labels, strict=True))
    assert sum(shown != "" for shown in thinned) <= 8


def test_pointing_at_a_column_names_its_values() -> None:
    root = parse(charts.line_chart("c", "Changes", LABELS, TWO))
    bands = [band for band in root.iter("rect") if band.get("class") == "band"]
    assert [band.findtext("title") for band in bands] == [
        "Mon\nSeen: 1\nSent: 4",
        "Tue\nSeen: 2\nSent: 5.5",
        "Wed\nSeen: 3\nSent: 6",
    ]


def test_columns_lead_to_what_they_count_by_pointer_and_by_keyboard() -> None:
    links = ["/a?day=1&x=2", "", "/c"]
    root = parse(charts.stacked_bar_chart("c", "Changes", LABELS, TWO[:1], links=links))
    drawing = next(root.iter("svg"))
    assert drawing.get("role") == "group", "the parts of an image are not reachable"
    drawn = list(drawing.iter("a"))
    assert [link.get("href") for link in drawn] == ["/a?day=1&x=2", "/c"]
    assert {link.get("tabindex") for link in drawn} == {"-1"}, "the keyboard has the table's links"
    assert drawn[0].get("aria-label") == "Mon, Seen: 1"
    [table] = root.iter("tbody")
    assert [(link.get("href"), link.text) for link in table.iter("a")] == [("/a?day=1&x=2", "Mon"), ("/c", "Wed")]


@pytest.mark.parametrize(("target", "is_drawn"), [(50, True), (61, False)])
def test_a_target_is_a_line_unless_it_is_far_above_all_values(target: float, *, is_drawn: bool) -> None:
    drawn = charts.line_chart("c", "t", LABELS, ONE, target=target)
    cells = [cell.text for cell in parse(drawn).iter("td") if cell.text]
    assert ("is-dashed" in drawn, 'class="line s2 is-dashed"' in drawn) == (True, is_drawn)
    assert (f">Target: {target}<" in drawn) is not is_drawn
    assert cells == (["1", "50", "no data", "50", "3", "50"] if is_drawn else ["1", "no data", "3"])


def test_pauses_are_grey_bands_with_names_in_the_table() -> None:
    pauses = [Pause("ERP", -4, 0.5), Pause("Shop", 2.5, 9)]
    drawn = charts.line_chart("c", "t", LABELS, ONE, pauses=pauses)
    root = parse(drawn)
    bands = [(band.get("x"), band.get("width")) for band in root.iter("rect") if band.get("class") == "pause"]
    assert bands == [("0", "166.7"), ("833.3", "166.7")]
    assert "Paused: ERP and Shop" in drawn
    rows = [[cell.text for cell in row.iter("td")] for row in root.iter("tr")]
    assert rows[1:] == [["1", "ERP"], ["no data", "\N{EM DASH}"], ["3", "Shop"]]
    titles = [band.findtext("title") for band in root.iter("rect") if band.get("class") == "band"]
    assert titles[0] == "Mon\nSeen: 1\nPaused: ERP"
