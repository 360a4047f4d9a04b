"""`fairlead entitlement`."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.entitlements.forms import read_entitlement
from billing.entitlements.rules import list_entitlements, list_rules, require_book, set_rule
from billing.entitlements.schemas import EntitlementRuleView, EntitlementView
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    command_host,
    operator_scope,
    run_in_account,
)
from foundation.errors import InvalidInput
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT_OF_MSP, MSP

_CLIENT: Final = click.option("--client", "tenant_id", type=CLIENT_OF_MSP, help="The client's ID or short name.")
_BOOK: Final = click.option("--price-book", "book_id", type=click.UUID, help="Of a retail price book's clients.")


@click.group(cls=NounGroup)
def entitlement() -> None:
    """Entitlements of clients, such as connections and members."""


@entitlement.command("list")
@MSP
@_CLIENT
@_BOOK
def list_(*, msp_id: UUID, tenant_id: UUID | None, book_id: UUID | None) -> None:
    """List a client's entitlements with their use, or the defaults of a price book."""

    async def act(session: AsyncSession) -> CommandResult:
        if book_id is not None:
            await require_book(session, book_id)
            rules = await list_rules(session, book_id)
            return CommandResult("\n".join(map(_line, rules)) or "no defaults", msgspec.to_builtins(rules))
        found = await list_entitlements(session, command_host().rooms.features, utc_now())
        lines = [f"{_line(one)}  used {'-' if one.used is None else one.used}  {one.source}" for one in found]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, _account(msp_id, tenant_id, book_id)), act)


@entitlement.command("set")
@MSP
@_CLIENT
@_BOOK
@click.option("--feature", required=True, help="Code of the feature, such as connections.")
@click.option("--use", type=click.Choice(["on", "off", "inherit"]), default="on", help="inherit: as the plan says.")
@click.option("--soft", default="", help="From this number on there is a warning.")
@click.option("--hard", default="", help="The largest number; without it, any.")
def set_(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID | None, book_id: UUID | None, feature: str, use: str, soft: str, hard: str
) -> None:
    """Set the entitlement to a feature of one client, or of the clients of a price book."""
    typed = {"feature": feature, "use": use, "soft_limit": soft, "hard_limit": hard}

    async def act(session: AsyncSession) -> CommandResult:
        wanted, known = read_entitlement(typed), command_host().rooms.features
        await set_rule(session, known, wanted, book_id=book_id, now=utc_now())
        return CommandResult(f"{feature} is set.", {"feature": feature})

    run_in_account(operator_scope(msp_id, _account(msp_id, tenant_id, book_id)), act)


def _account(msp_id: UUID, tenant_id: UUID | None, book_id: UUID | None) -> UUID:
    """Raises InvalidInput."""
    if (tenant_id is None) == (book_id is None):
        raise InvalidInput("Give either --client or --price-book.", field="client")
    return tenant_id or msp_id


def _line(one: EntitlementView | EntitlementRuleView) -> str:
    limit = "any number" if one.hard_limit is None else f"at most {one.hard_limit}"
    return f"{one.feature}  {limit if one.is_on else 'off'}"


COMMANDS: Final = (CliCommand(command=entitlement),)
