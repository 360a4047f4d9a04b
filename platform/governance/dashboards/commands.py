"""`fairlead dashboard`: layouts of dashboards, of members and by default."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.dashboard_tiles import TileArea, TileSize
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand, Rooms
from governance.dashboards.layouts import load_layouts, reset_layout, save_layout
from governance.dashboards.schemas import TileChoice
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.members.repository import get_member

_MEMBER: Final = click.option(
    "--member", "member_id", type=click.UUID, help="A member's ID; without it, the default of the account."
)
_AREA: Final = click.option(
    "--area", type=click.Choice(list(TileArea)), default=None,
    help="Dashboard of an MSP's account: of all clients (msp), or of one client. Without --member, the latter is the"
    " default for all clients.",
)  # fmt: skip


@click.group(cls=NounGroup)
def dashboard() -> None:
    """Dashboards: which tiles, in which order and size."""


@dashboard.command("show")
@MSP
@CLIENT_OR_MSP
@_MEMBER
@_AREA
def show(*, msp_id: UUID, tenant_id: UUID | None, member_id: UUID | None, area: str | None) -> None:
    """Show a stored layout, and all tiles of the dashboard."""
    of, account = _area(tenant_id, area), tenant_id or msp_id
    owner = member_id or account

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, account)) as session:
            if member_id is not None:
                await get_member(session, member_id)
            tiles = (await load_layouts(session, of, [owner])).get(owner)
        codes = sorted(_codes(services.rooms, of))
        lines = ["no layout"] if tiles is None else [f"{one.code}:{one.size}" for one in tiles]
        return CommandResult(
            "\n".join([*lines, "", "tiles: " + ", ".join(codes)]),
            {"tiles": None if tiles is None else msgspec.to_builtins(tiles), "available": codes},
        )

    run_with_services(act)


@dashboard.command("set")
@MSP
@CLIENT_OR_MSP
@_MEMBER
@_AREA
@click.option("--tile", "tiles", multiple=True, required=True, help="CODE or CODE:SIZE; repeatable, in their order.")
def set_(
    *, msp_id: UUID, tenant_id: UUID | None, member_id: UUID | None, area: str | None, tiles: tuple[str, ...]
) -> None:
    """Replace a layout."""
    of, account = _area(tenant_id, area), tenant_id or msp_id
    wanted = [_choice(one) for one in tiles]

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, account)) as session:
            if member_id is not None:
                await get_member(session, member_id)
            await save_layout(
                session, member_id or account, of, wanted, allowed=_codes(services.rooms, of), now=utc_now()
            )
        return CommandResult("saved", {"tiles": msgspec.to_builtins(wanted)})

    run_with_services(act)


@dashboard.command("reset")
@MSP
@CLIENT_OR_MSP
@_MEMBER
@_AREA
def reset(*, msp_id: UUID, tenant_id: UUID | None, member_id: UUID | None, area: str | None) -> None:
    """Return to the next default."""
    of, account = _area(tenant_id, area), tenant_id or msp_id

    async def act(session: AsyncSession) -> CommandResult:
        if member_id is not None:
            await get_member(session, member_id)
        await reset_layout(session, member_id or account, of, now=utc_now())
        return CommandResult("reset", {})

    run_in_account(operator_scope(msp_id, account), act)


def _area(tenant_id: UUID | None, area: str | None) -> TileArea:
    if tenant_id is not None and area == TileArea.MSP:
        raise InvalidInput("A client's account has the dashboard of one client only.", field="area")
    return TileArea(area) if area else (TileArea.MSP if tenant_id is None else TileArea.CLIENT)


def _codes(rooms: Rooms, area: TileArea) -> frozenset[str]:
    return frozenset(tile.code for tile in rooms.every(lambda room: room.tiles) if tile.area is area)


def _choice(text: str) -> TileChoice:
    code, _, size = text.partition(":")
    try:
        return msgspec.convert({"code": code, "size": size or TileSize.SMALL}, TileChoice)
    except msgspec.ValidationError as error:
        raise InvalidInput("A tile is CODE or CODE:SIZE, with the size small, wide or full.", field="tile") from error


COMMANDS: Final = (CliCommand(command=dashboard),)
