"""Tiles of an MSP's dashboard about all its clients."""

from typing import Final

from foundation.dashboard_tiles import LoadTile, Tile, TileArea, TileData, TileKind, TileReader, TileRow, TileSeries
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.fleet.charts import chart_times, hour_labels, hour_series
from governance.fleet.hours import read_hours
from governance.fleet.lists import FLEET
from governance.fleet.queries import FleetFigures, list_fleet, read_fleet_figures
from governance.permissions import GovernancePermission

_ROWS: Final = 5
_HEALTH: Final = {
    "risk": N_("At risk"),
    "attention": N_("Need attention"),
    "onboarding": N_("Onboarding"),
    "healthy": N_("Healthy"),
}
_STATES: Final = {
    "at risk": N_("At risk"),
    "needs attention": N_("Needs attention"),
    "onboarding": N_("Onboarding"),
    "healthy": N_("Healthy"),
}


async def _figures(reader: TileReader) -> FleetFigures:
    return await reader.once(read_fleet_figures)


async def _risk(reader: TileReader) -> TileData:
    return TileData(path="/fleet?show=risk", value=(await _figures(reader)).clients["risk"])


async def _attention(reader: TileReader) -> TileData:
    return TileData(path="/fleet?show=attention", value=(await _figures(reader)).clients["attention"])


async def _health(reader: TileReader) -> TileData:
    clients = (await _figures(reader)).clients
    series = TileSeries(translate("Clients"), [clients[show] for show in _HEALTH])
    links = [f"/fleet?show={show}" for show in _HEALTH]
    return TileData(
        path="/fleet", labels=[translate(label) for label in _HEALTH.values()], links=links, series=[series]
    )


async def _exceptions(reader: TileReader) -> TileData:
    figures, number = await _figures(reader), current_localizer().number
    note = translate("{critical} critical, {high} high", critical=number(figures.critical), high=number(figures.high))
    return TileData(path="/fleet?show=exceptions", value=figures.exceptions, note=note)


async def _late(reader: TileReader) -> TileData:
    figures = await _figures(reader)
    note = translate("{number} in delivery", number=current_localizer().number(figures.running))
    return TileData(path="/fleet?show=late", value=figures.late, note=note)


async def _approvals(reader: TileReader) -> TileData:
    figures = await _figures(reader)
    note = translate("{number} overdue", number=current_localizer().number(figures.overdue))
    return TileData(path="/fleet?show=approvals", value=figures.awaiting, note=note)


async def _changes(reader: TileReader) -> TileData:
    clients = await reader.once(read_hours)
    as_of, next_at = chart_times(reader.now)
    series = [TileSeries(one.name, list(one.values)) for one in hour_series(clients)]
    return TileData(path="/fleet", labels=hour_labels(reader.now), series=series, as_of=as_of, next_at=next_at)


async def _worst(reader: TileReader) -> TileData:
    found = await list_fleet(reader.session, FLEET.query(limit=_ROWS), reader.now)
    rows = [TileRow(one.name, f"/clients/{one.slug}/overview", translate(_STATES[one.health])) for one in found.items]
    return TileData(path="/fleet", rows=rows)


def _tile(code: str, label: str, about: str, kind: TileKind, load: LoadTile) -> Tile:
    return Tile(
        code=f"fleet.{code}", label=label, about=about, kind=kind, area=TileArea.MSP,
        permission=GovernancePermission.READ_FLEET, load=load, fleet=True,
    )  # fmt: skip


TILES: Final = (
    _tile("risk", N_("Clients at risk"), N_("With high exceptions or late values."), TileKind.FIGURE, _risk),
    _tile("attention", N_("Clients that need attention"), N_("Number of clients."), TileKind.FIGURE, _attention),
    _tile("health", N_("Clients by health"), N_("Number of clients in each state."), TileKind.BARS, _health),
    _tile("exceptions", N_("Open exceptions"), N_("Of all clients."), TileKind.FIGURE, _exceptions),
    _tile("late", N_("Late values"), N_("Of all clients."), TileKind.FIGURE, _late),
    _tile("approvals", N_("Approvals"), N_("Changes of all clients that wait."), TileKind.FIGURE, _approvals),
    _tile("changes", N_("Changes per hour"), N_("By client, in the last 24 complete hours."), TileKind.BARS, _changes),
    _tile("worst", N_("Worst clients"), N_("The first five of the list of clients."), TileKind.LIST, _worst),
)
