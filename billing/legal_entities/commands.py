"""`fairlead legal-entity` and `billing-details`. Only the operator sets the legal entity of the wholesale side."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.legal_entities.parties import parse_days
from billing.legal_entities.repository import add_tax_rate, set_billing_details, set_legal_entity
from billing.legal_entities.schemas import BillingDetailsInput, LegalEntityInput, TaxRateInput
from billing.legal_entities.tax import DOMESTIC, USUAL_TAX_CODE, TaxCategory, TaxSourceKind, VatCheckKind
from billing.sides import Side
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, build_input, operator_scope, run_in_account, run_with_services
from foundation.i18n.catalogues import LANGUAGES
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.accounts import get_client
from tenants.command_options import CLIENT_OF_MSP, MSP

_SIDE: Final = click.option(
    "--side",
    type=click.Choice([side.value for side in Side]),
    default=Side.RETAIL.value,
    show_default=True,
    help="wholesale: the operator, for this MSP; retail: the MSP.",
)


def _party(command: Any) -> Any:
    """Options that sellers and buyers share."""
    for name, text, required in (
        ("email", "E-mail address for invoices.", False),
        ("vat-id", "VAT id with its country's prefix.", False),
        ("country", "Country, ISO 3166, e.g. DE.", True),
        ("city", "City.", True),
        ("postcode", "Postcode.", True),
        ("street", "Street and number.", True),
        ("name", "Legal name.", True),
    ):
        # An explicit default of None would count as given.
        given: dict[str, Any] = {"required": True} if required else {"default": ""}
        command = click.option(f"--{name}", help=text, **given)(command)
    return command


@click.group("legal-entity", cls=NounGroup)
def legal_entity() -> None:
    """Issuers of invoices."""


@legal_entity.command("set")
@MSP
@_SIDE
@_party
@click.option("--tax-number", default="", help="Tax number.")
@click.option("--iban", default="", help="IBAN for payment by transfer.")
@click.option("--bic", default="", help="BIC of the bank.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True, help="Of documents.")
@click.option("--time-zone", default="UTC", show_default=True, help="Whose calendar issue and due days follow.")
@click.option("--payment-days", type=click.IntRange(0, 180), default=14, show_default=True, help="Days to the due day.")
@click.option("--grace-days", type=click.IntRange(0, 31), default=3, show_default=True, help="Days a draft stays open.")
@click.option("--dunning-days", default="7, 14, 28", show_default=True, help="Reminders, days after the due day.")
@click.option("--number-format", default="INV-{year}-{number:5}", show_default=True, help="Of invoice numbers.")
@click.option("--credit-note-format", default="CN-{year}-{number:5}", show_default=True, help="Of credit notes.")
@click.option(
    "--tax-source", type=click.Choice([one.value for one in TaxSourceKind]), default=TaxSourceKind.OWN.value,
    show_default=True, help="own: the rates entered here; stripe: Stripe Tax.",
)  # fmt: skip
@click.option(
    "--vat-check", type=click.Choice([one.value for one in VatCheckKind]), default=VatCheckKind.OFF.value,
    show_default=True, help="Register in which buyers' VAT ids are checked.",
)  # fmt: skip
@click.option("--vat-check-days", type=click.IntRange(1, 365), default=30, show_default=True, help="Age of a check.")
@click.option("--tax-code", default=USUAL_TAX_CODE, show_default=True, help="Tax code of Stripe.")
def set_legal_entity_(*, msp_id: UUID, side: str, dunning_days: str, **given: Any) -> None:
    """Set the issuer of invoices to an MSP's clients, or to the MSP. Wholesale formats contain {account}."""
    entity = build_input(LegalEntityInput, {**given, "dunning_days": parse_days(dunning_days)})

    async def act(session: AsyncSession) -> CommandResult:
        await set_legal_entity(session, entity, side=Side(side), now=utc_now(), new_id=new_id)
        return CommandResult(f"{entity.name} issues the {side} invoices.", {"side": side, "name": entity.name})

    run_in_account(operator_scope(msp_id, msp_id), act)


@legal_entity.command("tax-rate")
@MSP
@_SIDE
@click.option("--percent", required=True, help="Rate, e.g. 19.")
@click.option(
    "--category", type=click.Choice([one.value for one in DOMESTIC]), default=TaxCategory.STANDARD.value,
    show_default=True, help="S: taxed, Z: zero, E: exempt.",
)  # fmt: skip
@click.option("--reason", default="", help="VATEX code of an exemption.")
@click.option("--from", "begins", type=click.DateTime(formats=["%Y-%m-%d"]), help="First day; default: today (UTC).")
def add_tax_rate_(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, side: str, percent: str, category: str, reason: str, begins: datetime | None
) -> None:
    """Add the tax rate of domestic invoices from a day on."""
    try:
        number = Decimal(percent)
    except InvalidOperation:
        raise click.BadParameter("A tax rate is a number, such as 19.", param_hint="--percent") from None
    rate = build_input(
        TaxRateInput,
        {"percent": number, "category": category, "reason": reason, "valid_from": (begins or utc_now()).date()},
    )

    async def act(session: AsyncSession) -> CommandResult:
        await add_tax_rate(session, rate, side=Side(side), now=utc_now())
        return CommandResult(f"{rate.percent} % from {rate.valid_from}.", msgspec.to_builtins(rate))

    run_in_account(operator_scope(msp_id, msp_id), act)


@click.group("billing-details", cls=NounGroup)
def billing_details() -> None:
    """Buyers of invoices."""


@billing_details.command("set")
@MSP
@click.option("--client", "tenant_id", type=CLIENT_OF_MSP, help="A client; without it the MSP itself.")
@_party
@click.option("--po-number", default="", help="Purchase order number, printed on each invoice.")
@click.option("--payer", "payer_id", type=CLIENT_OF_MSP, help="Another client that pays.")
def set_billing_details_(*, msp_id: UUID, tenant_id: UUID | None, payer_id: UUID | None, **given: Any) -> None:
    """Set an account's name, address and VAT id on its invoices."""
    details = build_input(BillingDetailsInput, given)

    async def act(services: AppServices) -> CommandResult:
        if payer_id is not None:
            async with services.db.transaction(operator_scope(msp_id, payer_id)) as session:
                payer = (await get_client(session)).slug
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            wanted = details if payer_id is None else msgspec.structs.replace(details, payer=payer)
            await set_billing_details(session, wanted, payer_id=payer_id, now=utc_now())
        return CommandResult(f"Invoices name {details.name}.", {"account": tenant_id or msp_id, "name": details.name})

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=legal_entity), CliCommand(command=billing_details))
