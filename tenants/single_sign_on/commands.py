"""`fairlead identity-provider`: an account's identity provider and its domains; `fairlead member unlink-identity`."""

from pathlib import Path
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    operator_scope,
    read_first_line,
    read_pairs,
    run_in_account,
    run_with_services,
)
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.identity_providers.queries import find_provider
from tenants.identity_providers.states import SingleSignOnMode
from tenants.members.repository import find_member
from tenants.single_sign_on import provider_settings
from tenants.single_sign_on.check import check_provider
from tenants.single_sign_on.provider_settings import GroupRole, ProviderInput, list_domains
from tenants.single_sign_on.schemas import domain_view, provider_view
from tenants.single_sign_on.service import SingleSignOn

_DOMAIN: Final = click.option("--domain", required=True, help="The domain of e-mail addresses, such as example.com.")


@click.group("identity-provider", cls=NounGroup)
def identity_provider() -> None:
    """Single sign-on of an account: its identity provider, its domains, and a check."""


@identity_provider.command("show")
@MSP
@CLIENT_OR_MSP
def show(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Show an account's identity provider and its domains."""

    async def act(session: AsyncSession) -> CommandResult:
        return await _shown(session)

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@identity_provider.command("set")
@MSP
@CLIENT_OR_MSP
@click.option("--name", required=True, help="Name on the sign-in page, such as Example ID.")
@click.option("--issuer", required=True, help="The provider's issuer, exactly as its metadata name it.")
@click.option("--client-id", required=True, help="Client ID that the provider gave to this application.")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the client's secret; without it, the stored one is kept.",
)
@click.option(
    "--mode",
    type=click.Choice([one.value for one in SingleSignOnMode]),
    default=SingleSignOnMode.OFF.value,
    show_default=True,
    help="Who signs in by it. Set it to optional if nobody can sign in any more.",
)
@click.option("--create-members", is_flag=True, help="Make members of who has a verified address.")
@click.option("--default-role", default="", help="Role of new members to whom no group gives one.")
@click.option("--groups-claim", default="groups", show_default=True, help="Claim with the person's groups.")
@click.option("--group", "groups", multiple=True, metavar="GROUP=ROLE", help="Role of a group's members. Repeatable.")
@click.option("--checks-factors", is_flag=True, help="Ask for no second factor after it.")
def set_(  # noqa: PLR0913 - the options of one provider
    *, msp_id: UUID, tenant_id: UUID | None, name: str, issuer: str, client_id: str, secret_file: Path | None,
    mode: str, create_members: bool, default_role: str, groups_claim: str, groups: tuple[str, ...],
    checks_factors: bool,
) -> None:  # fmt: skip
    """Set an account's identity provider."""
    wanted = ProviderInput(
        name=name, issuer=issuer, client_id=client_id, mode=SingleSignOnMode.of(mode),
        client_secret=None if secret_file is None else read_first_line(secret_file, "--secret-file"),
        creates_members=create_members, default_role=default_role, groups_claim=groups_claim,
        group_roles=[GroupRole(group, role) for group, role in read_pairs(groups, "--group")],
        checks_factors=checks_factors,
    )  # fmt: skip

    async def act(services: AppServices) -> CommandResult:
        needed = services.get(SingleSignOn)
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            index = await needed.auth.policies.index_for(session, scope_of(session))
            await provider_settings.set_provider(session, services.vault, None, wanted, index=index, now=utc_now())
            return await _shown(session)

    run_with_services(act)


@identity_provider.command("remove")
@MSP
@CLIENT_OR_MSP
def remove(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Remove an account's identity provider. Its members sign in by their passwords from now on."""

    async def act(session: AsyncSession) -> CommandResult:
        await provider_settings.remove_provider(session, now=utc_now())
        return CommandResult("The identity provider is removed.", {"removed": True})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@identity_provider.command("check")
@MSP
@CLIENT_OR_MSP
def check(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Read the provider's metadata and keys now."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            found = await check_provider(session, services.get(SingleSignOn).cache)
        return CommandResult(f"{found.issuer} can be used, with {found.keys} keys.", msgspec.to_builtins(found))

    run_with_services(act)


@identity_provider.command("add-domain")
@MSP
@CLIENT_OR_MSP
@_DOMAIN
def add_domain(*, msp_id: UUID, tenant_id: UUID | None, domain: str) -> None:
    """Add a domain for whose addresses the provider may vouch, and print the DNS record that proves it."""

    async def act(session: AsyncSession) -> CommandResult:
        view = domain_view(await provider_settings.add_domain(session, domain, now=utc_now()))
        text = f"Add this TXT record, then run verify-domain: {view.record_name} {view.record_value}"
        return CommandResult(text, msgspec.to_builtins(view))

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@identity_provider.command("verify-domain")
@MSP
@CLIENT_OR_MSP
@_DOMAIN
def verify_domain(*, msp_id: UUID, tenant_id: UUID | None, domain: str) -> None:
    """Look for a domain's DNS record."""

    async def act(services: AppServices) -> CommandResult:
        lookup = services.get(SingleSignOn).lookup
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            view = domain_view(await provider_settings.verify_domain(session, lookup, domain, now=utc_now()))
        text = f"{view.domain} is verified." if view.verified_at else f"{view.domain} is not verified: {view.result}."
        return CommandResult(text, msgspec.to_builtins(view))

    run_with_services(act)


@identity_provider.command("remove-domain")
@MSP
@CLIENT_OR_MSP
@_DOMAIN
def remove_domain(*, msp_id: UUID, tenant_id: UUID | None, domain: str) -> None:
    """Remove a domain."""

    async def act(session: AsyncSession) -> CommandResult:
        await provider_settings.remove_domain(session, domain, now=utc_now())
        return CommandResult(f"{domain} is removed.", {"domain": domain, "removed": True})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@click.command("unlink-identity")
@MSP
@CLIENT_OR_MSP
@click.option("--email", required=True, help="The member's e-mail address.")
def unlink_identity(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Unlink a member from the identity provider."""

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        await provider_settings.unlink_member(session, member.id, now=utc_now())
        return CommandResult(f"{email} is unlinked.", {"id": member.id, "email": email})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


async def _shown(session: AsyncSession) -> CommandResult:
    provider = await find_provider(session)
    if provider is None:
        raise NotFound("The account has no identity provider.")
    view = provider_view(provider, await list_domains(session), "")
    verified = ", ".join(one.domain for one in view.domains if one.verified_at) or "none"
    text = f"{view.name}: {view.issuer}, client {view.client_id}, {view.mode}; verified domains: {verified}"
    return CommandResult(text, msgspec.to_builtins(view))


COMMANDS = (CliCommand(command=identity_provider), CliCommand(command=unlink_identity, under="member"))
