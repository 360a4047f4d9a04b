"""`fairlead brand`: an MSP's brands and the host names that show them."""

from pathlib import Path
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from branding import image_store, manage
from branding.domain_claims import verify_host, withdraw_claim
from branding.images import ImageKind
from branding.theme import parse_theme
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, read_pairs, run_in_account, run_with_services
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.outbound.dns_txt import DnsLookup
from foundation.rooms import AppServices, CliCommand
from tenants.brands.hosts import add_host, remove_host
from tenants.brands.image_options import IMAGE_FILE, IMAGE_KIND
from tenants.brands.schemas import TOKENS, all_tokens, brand_view, claim_view, image_view, typed_tokens
from tenants.command_options import MSP

_SLUG = click.option("--brand", "slug", required=True, help="The brand's short name (`fairlead brand list`).")
_HOST = click.option("--host", required=True, help="A host name, such as portal.example.com.")


@click.group(cls=NounGroup)
def brand() -> None:
    """Brands: name, colours, logo and host names of an MSP's pages."""


@brand.command("list")
@MSP
def list_brands(*, msp_id: UUID) -> None:
    """List an MSP's brands with their host names."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await manage.list_brands(session)
        lines = [f"{one.slug}  {one.name}  {', '.join(hosts) or 'no host name'}" for one, hosts in found]
        views = [msgspec.to_builtins(brand_view(one, hosts)) for one, hosts in found]
        return CommandResult("\n".join(lines) or "The MSP has no brand yet.", views)

    run_in_account(operator_scope(msp_id, msp_id), act)


@brand.command("set")
@MSP
@_SLUG
@click.option(
    "--set", "pairs", multiple=True, metavar="TOKEN=VALUE", help=f"A token to change; repeatable: {', '.join(TOKENS)}."
)
def set_brand(*, msp_id: UUID, slug: str, pairs: tuple[str, ...]) -> None:
    """Create a brand, or change some of its tokens. A new brand needs name, monogram, accent and support_email."""
    given = dict(read_pairs(pairs, "--set"))
    if unknown := sorted(set(given) - set(TOKENS)):
        raise click.BadParameter(f"There is no token “{unknown[0]}”. Tokens: {', '.join(TOKENS)}.", param_hint="--set")

    async def act(session: AsyncSession) -> CommandResult:
        known = await manage.try_find_brand(session, slug)
        if known is None and (missing := {"name", "monogram", "accent", "support_email"} - set(given)):
            raise InvalidInput(f"A new brand needs {', '.join(sorted(missing))}.", field="set")
        before = all_tokens(known.theme) if known else {}
        tokens = typed_tokens(before | given)
        theme = parse_theme({name: value for name, value in tokens.items() if value})
        saved = await manage.set_brand(session, slug=slug, theme=theme, now=utc_now(), new_id=new_id)
        return CommandResult(f"The brand {slug} is saved.", msgspec.to_builtins(brand_view(saved, ())))

    run_in_account(operator_scope(msp_id, msp_id), act)


@brand.command("add-host")
@MSP
@_SLUG
@_HOST
@click.option(
    "--without-proof",
    is_flag=True,
    help="Show the brand at once, without the DNS record: for a host whose owner the operator knows, such as an MSP's"
    " first one.",
)
def add_brand_host(*, msp_id: UUID, slug: str, host: str, without_proof: bool) -> None:
    """Show a brand under a host name, once its DNS record is found. The record is printed."""

    async def act(session: AsyncSession) -> CommandResult:
        if without_proof:
            await manage.point_host(session, slug=slug, host=host, now=utc_now())
            claim = None
        else:
            claim = await add_host(session, slug=slug, host=host, now=utc_now())
        if claim is None:
            return CommandResult(f"{host} shows the brand {slug}.", {"brand": slug, "host": host, "claim": None})
        waits = claim_view(claim)
        lines = [
            f"Create the TXT record {waits.record_name} with the value {waits.record_value}",
            f"then run: fairlead brand verify-host --brand {slug} --host {waits.host}",
        ]
        data = {"brand": slug, "host": waits.host, "claim": msgspec.to_builtins(waits)}
        return CommandResult("\n".join(lines), data)

    run_in_account(operator_scope(msp_id, msp_id), act)


@brand.command("verify-host")
@MSP
@_SLUG
@_HOST
def verify_brand_host(*, msp_id: UUID, slug: str, host: str) -> None:
    """Look for the DNS record of a waiting host name. If it is there, the brand is shown under the host name."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            found = await verify_host(session, services.get(DnsLookup), slug=slug, host=host, now=utc_now())
        said = f"{host} shows the brand {slug}." if found else f"{host} still waits: the record is not there."
        return CommandResult(said, {"brand": slug, "host": host, "verified": found})

    run_with_services(act)


@brand.command("withdraw-host")
@MSP
@_SLUG
@_HOST
def withdraw_brand_host(*, msp_id: UUID, slug: str, host: str) -> None:
    """Stop waiting for the DNS record of a host name."""

    async def act(session: AsyncSession) -> CommandResult:
        await withdraw_claim(session, slug=slug, host=host)
        return CommandResult(f"{host} waits no longer.", {"host": host})

    run_in_account(operator_scope(msp_id, msp_id), act)


@brand.command("remove-host")
@MSP
@_SLUG
@_HOST
def remove_brand_host(*, msp_id: UUID, slug: str, host: str) -> None:
    """Stop showing a brand under a host name."""

    async def act(session: AsyncSession) -> CommandResult:
        await remove_host(session, slug=slug, host=host, now=utc_now())
        return CommandResult(f"{host} shows no brand any more.", {"host": host})

    run_in_account(operator_scope(msp_id, msp_id), act)


@brand.command("set-image")
@MSP
@_SLUG
@IMAGE_KIND
@IMAGE_FILE
def set_brand_image(*, msp_id: UUID, slug: str, kind: str, path: Path) -> None:
    """Upload a brand's logo, its logo for dark pages, or its browser icon."""
    content = path.read_bytes()

    async def act(session: AsyncSession) -> CommandResult:
        saved = await image_store.set_image(session, slug=slug, kind=ImageKind(kind), content=content, now=utc_now())
        view = msgspec.to_builtins(image_view(saved.images[ImageKind(kind)]))
        return CommandResult(f"The {kind} of {slug} is saved.", view)

    run_in_account(operator_scope(msp_id, msp_id), act)


@brand.command("remove-image")
@MSP
@_SLUG
@IMAGE_KIND
def remove_brand_image(*, msp_id: UUID, slug: str, kind: str) -> None:
    """Remove an image of a brand: pages show the default again."""

    async def act(session: AsyncSession) -> CommandResult:
        await image_store.remove_image(session, slug=slug, kind=ImageKind(kind), now=utc_now())
        return CommandResult(f"{slug} has no {kind} any more.", {"brand": slug, "kind": kind})

    run_in_account(operator_scope(msp_id, msp_id), act)


COMMANDS = (CliCommand(command=brand),)
