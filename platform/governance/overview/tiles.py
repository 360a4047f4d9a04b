"""Tiles of a client's dashboard about changes, approvals and delivery."""

from typing import Final

from branding.formats import format_duration
from foundation.dashboard_tiles import (
    LoadTile,
    Tile,
    TileArea,
    TileData,
    TileKind,
    TileReader,
    TileRow,
    TileSeries,
    TileUnit,
)
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.changes.states import ChangeState
from governance.labels import LEVEL_LABELS, write_element
from governance.overview.buckets import read_buckets
from governance.overview.charts import SPANS, STRETCHES, labels_of, links_of
from governance.overview.queries import MANY, Clock, read_clocks, read_figures, read_latest
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles

VISIBLE_TARGET: Final = 0.99
"""Share of released changes that should be visible on all their channels."""
_ROWS: Final = 5
_SPAN: Final = SPANS["24h"]
_HEALTH: Final = {
    "paused": N_("Paused"),
    "late": N_("Late"),
    "failing": N_("Failing"),
    "breached": N_("Was late today"),
    "on track": N_("On track"),
}


async def _changes(reader: TileReader) -> TileData:
    figures = await reader.once(read_figures)
    note = translate("proposed by your sources in 24 hours")
    return TileData(path="/changes", value=figures.changes, more=figures.changes >= MANY, note=note)


async def _visible(reader: TileReader) -> TileData:
    figures = await reader.once(read_figures)
    share = figures.visible / figures.measured if figures.measured else None
    return TileData(path="/changes?status=released", value=share, unit=TileUnit.SHARE, target=VISIBLE_TARGET)


async def _publish_time(reader: TileReader) -> TileData:
    figures = await reader.once(read_figures)
    return TileData(
        path="/changes?status=released", value=figures.half_s, unit=TileUnit.SECONDS, note=_most(figures.most_s)
    )


async def _decide_time(reader: TileReader) -> TileData:
    figures = await reader.once(read_figures)
    return TileData(
        path="/approvals", value=figures.decision_half_s, unit=TileUnit.SECONDS, note=_most(figures.decision_most_s)
    )


def _most(seconds: float | None) -> str:
    return "" if seconds is None else translate("median; 95% within {time}", time=format_duration(seconds))


async def _exceptions(reader: TileReader) -> TileData:
    figures = await reader.once(read_figures)
    series = TileSeries(translate("Open exceptions"), list(figures.severities.values()))
    return TileData(
        path="/exceptions",
        labels=[translate(LEVEL_LABELS[name]) for name in figures.severities],
        links=[f"/exceptions?level={name}" for name in figures.severities],
        series=[series],
    )


async def _approvals(reader: TileReader) -> TileData:
    figures = await reader.once(read_figures)
    return TileData(
        path="/approvals",
        value=figures.awaiting,
        note=translate("{number} overdue", number=current_localizer().number(figures.overdue)),
    )


async def _decisions(reader: TileReader) -> TileData:
    start = _SPAN.start(reader.now)
    buckets = await read_buckets(reader.session, start=start, width=_SPAN.width, count=STRETCHES)
    series = [
        TileSeries(translate("Automatic"), [one.automatic for one in buckets]),
        TileSeries(translate("Needed approval"), [one.reviewed for one in buckets]),
        TileSeries(translate("Refused"), [one.refused for one in buckets]),
    ]
    return TileData(path="/changes", labels=labels_of(buckets), links=links_of(buckets, _SPAN), series=series)


async def _times(reader: TileReader) -> TileData:
    start = _SPAN.start(reader.now)
    buckets = await read_buckets(reader.session, start=start, width=_SPAN.width, count=STRETCHES)
    clocks = await reader.once(read_clocks)
    series = [
        TileSeries(translate("Median"), [one.half_s for one in buckets]),
        TileSeries(translate("95% within"), [one.most_s for one in buckets]),
    ]
    target = min((clock.slo.total_seconds() for clock in clocks), default=None)
    return TileData(
        path="/overview?span=24h",
        labels=labels_of(buckets),
        links=links_of(buckets, _SPAN, status=ChangeState.RELEASED),
        series=series,
        unit=TileUnit.SECONDS,
        target=target,
    )


async def _channels(reader: TileReader) -> TileData:
    clocks = await reader.once(read_clocks)
    return TileData(path="/connections", rows=[_clock(clock) for clock in clocks[:_ROWS]])


def _clock(clock: Clock) -> TileRow:
    late = translate("{number} late", number=current_localizer().number(clock.late)) if clock.late else ""
    return TileRow(
        f"{clock.channel}: {write_element(clock.element)}",
        f"/connections/{clock.connection_id}",
        translate(_HEALTH[clock.health]),
        late,
    )


async def _latest(reader: TileReader) -> TileData:
    changes = await read_latest(reader.session, now=reader.now, limit=_ROWS)
    titles = await load_titles(reader.session, [change.record_key for change in changes])
    rows = [
        TileRow(
            titles.get(change.record_key, change.record_key),
            f"/changes/{change.id}",
            write_element(change.element, change.dimension),
            change.record_key if change.record_key in titles else "",
        )
        for change in changes
    ]
    return TileData(path="/changes", rows=rows)


def _tile(code: str, label: str, about: str, kind: TileKind, load: LoadTile) -> Tile:
    permission = GovernancePermission.READ_DASHBOARD
    return Tile(
        code=f"overview.{code}", label=label, about=about, kind=kind, area=TileArea.CLIENT, permission=permission,
        load=load,
    )  # fmt: skip


TILES: Final = (
    _tile("changes", N_("Changes, 24 h"), N_("Number of proposed changes."), TileKind.FIGURE, _changes),
    _tile("visible", N_("Visible"), N_("Share of released changes that all channels show."), TileKind.GAUGE, _visible),
    _tile("publish_time", N_("Time to publish"), N_("From release to read-back."), TileKind.FIGURE, _publish_time),
    _tile("decide_time", N_("Time to decide"), N_("Of changes that needed approval."), TileKind.FIGURE, _decide_time),
    _tile("exceptions", N_("Open exceptions"), N_("By severity."), TileKind.BARS, _exceptions),
    _tile("approvals", N_("Approvals"), N_("Changes that wait for an answer."), TileKind.FIGURE, _approvals),
    _tile("decisions", N_("Changes by decision"), N_("For each of the last 24 hours."), TileKind.BARS, _decisions),
    _tile("times", N_("Time to publish by hour"), N_("With the shortest target of a contract."), TileKind.LINE, _times),
    _tile("channels", N_("Channels"), N_("Late, failing and paused ones first."), TileKind.LIST, _channels),
    _tile("latest", N_("Latest changes"), N_("The newest five."), TileKind.LIST, _latest),
)
