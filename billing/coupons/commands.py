"""`fairlead coupon`."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.client_coupons import end_coupon, give_coupon, load_client_coupons
from billing.coupons.coupons import create_coupon, find_coupon, retire_coupon
from billing.coupons.lists import COUPONS
from billing.coupons.schemas import CouponInput, EndCouponInput, GiveCouponInput
from billing.coupons.terms import CouponDuration
from billing.coupons.wording import write_worth
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, build_input, operator_scope, run_in_account, run_with_services
from foundation.database.engine import change_scope
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT, MSP

_DATE = click.DateTime(formats=["%Y-%m-%d"])
_CODE = click.option("--code", required=True, help="Code, e.g. SPRING-26.")
_REASON = click.option("--reason", required=True, help="Why; the client can read it.")


@click.group(cls=NounGroup)
def coupon() -> None:
    """Coupons: discounts that an MSP gives to its clients."""


@coupon.command("create")
@MSP
@_CODE
@click.option("--name", required=True, help="The name shown on invoices.")
@click.option("--percent", help="Percentage off, e.g. 10.")
@click.option("--amount-minor", type=click.INT, help="Amount off, in the currency's smallest unit.")
@click.option("--currency", help="Of the amount, e.g. EUR.")
@click.option(
    "--duration", type=click.Choice([one.value for one in CouponDuration]), default=CouponDuration.ONCE.value,
    show_default=True, help="How long.",
)  # fmt: skip
@click.option("--months", type=click.INT, help="Invoices, with --duration months.")
@click.option("--recurring", is_flag=True, help="The amount begins again with each invoice.")
@click.option("--only", multiple=True, help="Product or meter that it is for; may be repeated.")
@click.option("--from", "valid_from", type=_DATE, help="First day; default: today (UTC).")
@click.option("--until", "valid_until", type=_DATE, help="Last day of service.")
@click.option("--max-clients", type=click.INT, help="How many clients may have it.")
def create(*, msp_id: UUID, valid_from: datetime | None, valid_until: datetime | None, **given: Any) -> None:
    """Create a coupon. Its terms cannot be changed later."""
    days = {"valid_from": valid_from and valid_from.date(), "valid_until": valid_until and valid_until.date()}
    new = build_input(CouponInput, {**given, **days, "only": list(given["only"])})

    async def act(session: AsyncSession) -> CommandResult:
        code = await create_coupon(session, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"The coupon {code} is created.", {"code": code})

    run_in_account(operator_scope(msp_id, msp_id), act)


@coupon.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List an MSP's coupons."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await COUPONS.load(session, COUPONS.query(limit=1000), utc_now())
        lines = [f"{one.code}  {one.name}  {write_worth(one)}  clients: {one.clients}" for one in found.items]
        return CommandResult("\n".join(lines) or "No coupons.", msgspec.to_builtins(found.items))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@coupon.command("retire")
@MSP
@_CODE
def retire(*, msp_id: UUID, code: str) -> None:
    """Retire a coupon, so that no more clients get it."""

    async def act(session: AsyncSession) -> CommandResult:
        await retire_coupon(session, code, now=utc_now())
        return CommandResult(f"The coupon {code} is retired.", {"code": code})

    run_in_account(operator_scope(msp_id, msp_id), act)


@coupon.command("give")
@MSP
@CLIENT
@_CODE
@_REASON
@click.option("--from-month", default="", help="First month that it discounts, e.g. 2026-03; default: this one.")
def give(*, msp_id: UUID, tenant_id: UUID, code: str, reason: str, from_month: str) -> None:
    """Give a coupon to a client."""

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, tenant_id)
        async with services.db.transaction(scope.for_fleet()) as session:
            found = await find_coupon(session, code, now=utc_now())
            await change_scope(session, scope)
            given = GiveCouponInput(found.code, reason, from_month)
            await give_coupon(session, found, given, now=utc_now(), new_id=new_id)
        return CommandResult(f"The client has the coupon {found.code}.", {"code": found.code})

    run_with_services(act)


@coupon.command("end")
@MSP
@CLIENT
@_CODE
@_REASON
def end(*, msp_id: UUID, tenant_id: UUID, code: str, reason: str) -> None:
    """End a client's coupon. Finalised invoices keep their discounts."""

    async def act(session: AsyncSession) -> CommandResult:
        await end_coupon(session, EndCouponInput(code, reason), now=utc_now(), new_id=new_id)
        return CommandResult(f"The coupon {code} is ended.", {"code": code})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@coupon.command("show")
@MSP
@CLIENT
def show(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show a client's coupons and their use by invoices."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await load_client_coupons(session)
        lines = [f"{one.code}  {write_worth(one)}  invoices: {len(one.uses)}" for one in found]
        return CommandResult("\n".join(lines) or "No coupons.", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=coupon),)
