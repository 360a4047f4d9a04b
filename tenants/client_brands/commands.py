"""`fairlead client-brand`: a client's own parts of the brand."""

from pathlib import Path
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from branding import client_brands
from branding.client_parts import PARTS, parse_parts
from branding.directory import read_msp_brand
from branding.images import ImageKind
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, read_pairs, run_in_account
from foundation.rooms import CliCommand
from tenants.brands.image_options import IMAGE_FILE, IMAGE_KIND
from tenants.client_brands.schemas import ClientBrandView, client_brand_view, own_parts
from tenants.command_options import CLIENT, MSP


@click.group("client-brand", cls=NounGroup)
def client_brand() -> None:
    """A client's own name, colour, logo and sender of mails, in place of its MSP's."""


@client_brand.command("show")
@MSP
@CLIENT
def show_brand(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show a client's own parts of the brand, and what its pages show with them."""

    async def act(session: AsyncSession) -> CommandResult:
        view = await _view(session)
        own = [f"{name}: {value}" for name, value in msgspec.structs.asdict(view.parts).items() if value]
        own += [f"{image.kind}: {image.width} × {image.height} pixels" for image in view.images]
        lines = own or ["Nothing of its own: the client shows its MSP's brand."]
        shown = f"Shown: {view.shown.name}, {view.shown.accent}, mails from {view.shown.sender_name}"
        return CommandResult("\n".join([*lines, shown]), msgspec.to_builtins(view))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@client_brand.command("set")
@MSP
@CLIENT
@click.option(
    "--set", "pairs", multiple=True, metavar="PART=VALUE",
    help=f"A part to change, empty for the MSP's; repeatable: {', '.join(PARTS)}.",
)  # fmt: skip
def set_brand(*, msp_id: UUID, tenant_id: UUID, pairs: tuple[str, ...]) -> None:
    """Change some of a client's parts of the brand."""
    given = dict(read_pairs(pairs, "--set"))
    if unknown := sorted(set(given) - set(PARTS)):
        raise click.BadParameter(f"There is no part “{unknown[0]}”. Parts: {', '.join(PARTS)}.", param_hint="--set")

    async def act(session: AsyncSession) -> CommandResult:
        before = own_parts((await client_brands.read_client_brand(session)).parts)
        await client_brands.set_parts(session, parse_parts(before | given), now=utc_now())
        return CommandResult("The client's brand is saved.", msgspec.to_builtins(await _view(session)))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@client_brand.command("set-image")
@MSP
@CLIENT
@IMAGE_KIND
@IMAGE_FILE
def set_image(*, msp_id: UUID, tenant_id: UUID, kind: str, path: Path) -> None:
    """Upload a client's logo, its logo for dark pages, or its browser icon."""
    content = path.read_bytes()

    async def act(session: AsyncSession) -> CommandResult:
        await client_brands.set_client_image(session, kind=ImageKind(kind), content=content, now=utc_now())
        return CommandResult(f"The {kind} is saved.", msgspec.to_builtins(await _view(session)))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@client_brand.command("remove-image")
@MSP
@CLIENT
@IMAGE_KIND
def remove_image(*, msp_id: UUID, tenant_id: UUID, kind: str) -> None:
    """Remove an image of a client: its pages show the MSP's again."""

    async def act(session: AsyncSession) -> CommandResult:
        await client_brands.remove_client_image(session, kind=ImageKind(kind), now=utc_now())
        return CommandResult(f"The client has no {kind} of its own any more.", {"kind": kind})

    run_in_account(operator_scope(msp_id, tenant_id), act)


async def _view(session: AsyncSession) -> ClientBrandView:
    return client_brand_view(await client_brands.read_client_brand(session), await read_msp_brand(session))


COMMANDS = (CliCommand(command=client_brand),)
