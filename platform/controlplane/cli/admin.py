"""Commands for tenants and vault keys. Every act is audited as the operator's."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import TextIO
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from branding.theme import parse_theme
from controlplane.provisioning import NewAccountMember, onboard_client, open_msp
from foundation.clock import utc_now
from foundation.commands import operator_scope, read_first_line, run_with_services
from foundation.jobs.ready_queue import SHARED_POOL
from foundation.names import clean_name
from foundation.rooms import AppServices
from foundation.vault.rotation import reencrypt, rewrap, rotate_data_key
from tenants.accounts import list_clients, resume_client, set_lane_share, suspend_client
from tenants.auth.services import AuthServices
from tenants.command_options import MSP, REASON, TENANT, list_msps
from tenants.models import Client


def monogram_of(name: str) -> str:
    """Two letters for the brand's mark, limited to A to Z and digits."""
    plain = unicodedata.normalize("NFKD", name).upper()
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())[:2]


@click.group()
def tenant() -> None:
    """MSPs, clients, members and their share of the workers."""


@tenant.command("create-msp")
@click.option("--name", required=True)
@click.option("--slug", required=True, help="Short name, e.g. northbeam.")
@click.option("--host", required=True, help="The host name that shows the MSP's brand, e.g. portal.northbeam.example.")
@click.option("--accent", default="#2f5fd0", show_default=True)
@click.option("--support-email", required=True)
@click.option("--admin-email", required=True)
@click.option(
    "--admin-password-file",
    type=click.File(encoding="utf-8-sig"),
    help="A file whose first line is the administrator's password; - is standard input. Without it you are asked.",
)
def create_msp(  # noqa: PLR0913 - click passes options by name
    *,
    name: str,
    slug: str,
    host: str,
    accent: str,
    support_email: str,
    admin_email: str,
    admin_password_file: TextIO | None,
) -> None:
    """An MSP with its brand, its host and its first administrator.

    The password is never an argument: other users of the machine can read those.
    """
    if admin_password_file is not None:
        admin_password = read_first_line(admin_password_file, "--admin-password-file")
    else:
        admin_password = click.prompt("Administrator's password", hide_input=True, confirmation_prompt=True)

    async def act(services: AppServices) -> str:
        tokens = {
            "name": clean_name(name),
            "monogram": monogram_of(name) or monogram_of(slug),
            "accent": accent,
            "support_email": support_email,
        }
        admin = NewAccountMember(admin_email, "Administrator", admin_password, "msp_admin")
        msp_account = await open_msp(services, slug=slug, host=host, theme=parse_theme(tokens), admin=admin)
        return f"msp {msp_account.msp_id}: sign in at http://{host}/ as {admin_email}"

    run_with_services(act)


@tenant.command("create-client")
@MSP
@click.option("--name", required=True)
@click.option("--slug", required=True)
@click.option("--currency", required=True, help="ISO 4217, e.g. EUR.")
def create_client(msp_id: UUID, name: str, slug: str, currency: str) -> None:
    """A client of an MSP, with the starter policy."""

    async def act(services: AppServices) -> str:
        scope = await onboard_client(services, operator_scope(msp_id, msp_id), name=name, slug=slug, currency=currency)
        return f"client {scope.tenant_id}"

    run_with_services(act)


tenant.add_command(list_msps)


@tenant.command("list")
@MSP
def list_(msp_id: UUID) -> None:
    """The clients of an MSP."""

    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
            clients = (await list_clients(session)).items
        return "\n".join(f"{client.tenant_id}  {client.status:9}  {client.slug}" for client in clients) or "no clients"

    run_with_services(act)


@tenant.command("pin")
@MSP
@TENANT
@click.option("--weight", default=1, show_default=True)
@click.option("--cap", default=4, show_default=True, help="Lanes at work at once.")
def pin(msp_id: UUID, tenant_id: UUID, weight: int, cap: int) -> None:
    """Give a client a worker pool of its own; serve it with `fairlead worker --tenant`."""
    _share(msp_id, tenant_id, pool=f"tenant-{tenant_id}", weight=weight, cap=cap)


@tenant.command("unpin")
@MSP
@TENANT
@click.option("--weight", default=1, show_default=True)
@click.option("--cap", default=4, show_default=True)
def unpin(msp_id: UUID, tenant_id: UUID, weight: int, cap: int) -> None:
    """Put a client back into the shared pool."""
    _share(msp_id, tenant_id, pool=SHARED_POOL, weight=weight, cap=cap)


@tenant.command("suspend")
@MSP
@TENANT
@click.option("--reason", required=True, type=REASON, help="Stays in the client's audit chain.")
def suspend(msp_id: UUID, tenant_id: UUID, reason: str) -> None:
    """Refuse a client's members, API keys and webhooks, and let its work rest. Nothing is deleted."""
    _stand(msp_id, tenant_id, lambda session, _: suspend_client(session, reason=reason, now=utc_now()))


@tenant.command("resume")
@MSP
@TENANT
@click.option("--reason", default="resumed", show_default=True, type=REASON)
def resume(msp_id: UUID, tenant_id: UUID, reason: str) -> None:
    """Serve a suspended client again; its work and its clocks go on where they stopped."""
    _stand(msp_id, tenant_id, lambda session, auth: resume_client(session, auth, reason=reason, now=utc_now()))


def _stand(msp_id: UUID, tenant_id: UUID, change: Callable[[AsyncSession, AuthServices], Awaitable[Client]]) -> None:
    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            client = await change(session, services.get(AuthServices))
        return f"client {client.slug} is {client.status}"

    run_with_services(act)


def _share(msp_id: UUID, tenant_id: UUID, *, pool: str, weight: int, cap: int) -> None:
    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            await set_lane_share(session, pool=pool, weight=weight, cap=cap, now=utc_now())
        return f"pool {pool}, weight {weight}, cap {cap}"

    run_with_services(act)


@click.group()
def keys() -> None:
    """Data keys and the keys that wrap them."""


@keys.command("rotate")
@MSP
@TENANT
def rotate(msp_id: UUID, tenant_id: UUID) -> None:
    """Give a client a new data key and seal its secrets anew, while everything runs."""

    async def act(services: AppServices) -> str:
        scope, total = operator_scope(msp_id, tenant_id), 0
        async with services.db.transaction(scope) as session:
            await rotate_data_key(session, services.vault)
        while True:
            async with services.db.transaction(scope) as session:
                done = await reencrypt(session, services.vault, columns=services.rooms.sealed_columns, batch=200)
            total += done
            if done == 0:
                return f"{total} secrets sealed anew"

    run_with_services(act)


@keys.command("rewrap")
@MSP
@TENANT
def rewrap_(msp_id: UUID, tenant_id: UUID) -> None:
    """Wrap a client's data keys with the first of FAIRLEAD_VAULT_KEYS."""

    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            return f"{await rewrap(session, services.vault)} keys wrapped anew"

    run_with_services(act)
