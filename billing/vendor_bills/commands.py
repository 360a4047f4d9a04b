"""`fairlead vendor-bill`."""

from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage.meters import add_declared
from billing.vendor_bills.bills import withdraw_bill
from billing.vendor_bills.lists import VENDOR_BILLS, VENDOR_CLIENTS, VENDOR_PRODUCTS
from billing.vendor_bills.mappings import set_mapping
from billing.vendor_bills.schemas import MappingInput, MappingKind, VendorUploadDetail
from billing.vendor_bills.uploads import create_upload, load_upload, store_upload
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.marks import N_
from foundation.rooms import AppServices, CliCommand
from tenants.accounts import find_client_slug
from tenants.command_options import CLIENT_OF_MSP, MSP


@click.group("vendor-bill", cls=NounGroup)
def vendor_bill() -> None:
    """Bills of vendors and distributors to the MSP."""


@vendor_bill.command("import")
@MSP
@click.option("--month", required=True, help="The billed month, e.g. 2026-03.")
@click.option("--vendor", default="", help="Vendor of rows without one.")
@click.option("--preview", is_flag=True, help="Keep the file and show its rows; store none.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(*, msp_id: UUID, month: str, vendor: str, preview: bool, file: Path) -> None:
    """Store the rows of FILE (CSV). Rows stored before count once; wrong ones are shown, and kept with the file."""
    content = file.read_bytes()

    async def act(session: AsyncSession) -> CommandResult:
        now = utc_now()
        upload_id = await create_upload(session, content, month=month, vendor=vendor, now=now, new_id=new_id)
        if preview:
            return _upload_result(await load_upload(session, upload_id))
        return _upload_result(await store_upload(session, upload_id, now=now, new_id=new_id))

    run_in_account(operator_scope(msp_id, msp_id), act)


def _upload_result(found: VendorUploadDetail) -> CommandResult:
    counts = f"{found.new} new, {found.existing} stored before, {found.wrong} wrong"
    lines = [f"line {one.place}: {one.detail}  {one.raw}" for one in found.items]
    return CommandResult("\n".join([counts, *lines]), msgspec.to_builtins(found))


@vendor_bill.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the latest bills."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await VENDOR_BILLS.load_most(session, utc_now())
        lines = [f"{one.id}  {one.month}  {one.vendor}  {one.number}  {one.amount} {one.currency}" for one in found]
        return CommandResult("\n".join(lines) or "no bills", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id), act)


@vendor_bill.command("withdraw")
@MSP
@click.option("--bill", "bill_id", required=True, type=click.UUID, help="The bill's ID (`fairlead vendor-bill list`).")
def withdraw(*, msp_id: UUID, bill_id: UUID) -> None:
    """Take a bill out of all figures."""

    async def act(session: AsyncSession) -> CommandResult:
        await withdraw_bill(session, bill_id, now=utc_now())
        return CommandResult("The bill is withdrawn.", {"id": str(bill_id)})

    run_in_account(operator_scope(msp_id, msp_id), act)


@vendor_bill.command("mappings")
@MSP
def mappings(*, msp_id: UUID) -> None:
    """List the clients and products on vendor bills, with their mappings."""

    async def act(session: AsyncSession) -> CommandResult:
        now = utc_now()
        lists = [await one.load_most(session, now) for one in (VENDOR_CLIENTS, VENDOR_PRODUCTS)]
        found = [one for each in lists for one in each]
        lines = [
            f"{one.kind}  {one.vendor}  {one.key}  {one.mapping}  {one.client_id or one.meter or ''}".rstrip()
            for one in found
        ]
        return CommandResult("\n".join(lines) or "no clients or products", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id), act)


@vendor_bill.command("map")
@MSP
@click.option("--kind", type=click.Choice([one.value for one in MappingKind]), required=True, help="What it is.")
@click.option("--vendor", required=True, help="The vendor, as on the bill.")
@click.option("--key", required=True, help="The vendor's ID of the client, or the product's code.")
@click.option("--client", "client_id", type=CLIENT_OF_MSP, help="Which client it is: its ID or short name.")
@click.option(
    "--meter", default="", help="Which meter it is, such as gb_hours, or item of a plan, such as basic:seats."
)
@click.option("--factor", default="1", show_default=True, help="Units of the meter in one unit of the product.")
@click.option("--ignore", is_flag=True, help="Its rows do not count.")
def map_(  # noqa: PLR0913 - one option each
    *, msp_id: UUID, kind: str, vendor: str, key: str, client_id: UUID | None, meter: str, factor: str, ignore: bool
) -> None:
    """Map a vendor's client or product; with none of --client, --meter and --ignore it is unmapped."""
    try:
        number = Decimal(factor)
    except ArithmeticError:
        raise click.BadParameter("Enter a number above 0, such as 1.", param_hint="--factor") from None
    if not number.is_finite():
        raise click.BadParameter("Enter a number above 0, such as 1.", param_hint="--factor")
    wanted = MappingInput(kind=MappingKind.of(kind), vendor=vendor, key=key, meter=meter, factor=number, ignore=ignore)
    target = client_id if wanted.kind is MappingKind.CLIENT and not ignore else None

    async def act(services: AppServices) -> CommandResult:
        if target is not None:
            async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
                if await find_client_slug(session, target) is None:
                    raise NotFound(N_("The MSP has no such client."))
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            meters = await add_declared(session, services.rooms.meters)
            state = await set_mapping(session, meters, wanted, client_id=target, now=utc_now())
        return CommandResult(f"{key} is {state.value}.", {"state": state.value})

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=vendor_bill),)
