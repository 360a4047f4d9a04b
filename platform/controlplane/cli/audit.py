"""`fairlead audit …`: verification of audit chains, also against externally stored heads."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import click
import msgspec
import psycopg

from controlplane.backup import contents
from controlplane.installation import find_settings
from foundation.audit.chain import START, ChainVerification, verify_chain
from foundation.audit_heads import ExportedChain, exported_chains, read_signed
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.errors import InvalidInput
from foundation.relations import AUDIT_HEADS
from foundation.rooms import AppServices
from tenants.command_options import CLIENT_OF_MSP, MspId
from tenants.relations import CLIENTS, MSPS

Chains = Mapping[tuple[UUID, UUID], ExportedChain]


@click.group(cls=NounGroup)
def audit() -> None:
    """Audit trails."""


@audit.command("verify")
@click.option("--msp", "msp_id", is_eager=True, type=MspId(), help="The MSP's ID or short name (`fairlead msp list`).")
@click.option(
    "--client", "tenant_id", type=CLIENT_OF_MSP,
    help="The client's ID or short name; for the MSP's own account, the MSP's ID.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="All chains. Needs DATABASE_URL of the owner.")
@click.option(
    "--expect", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of exported heads, one export per line. Each chain must still contain its heads.",
)  # fmt: skip
def verify(msp_id: UUID | None, tenant_id: UUID | None, *, every: bool, expect: Path | None) -> None:
    """Verify the hashes of a chain, of the chains in --expect, or of all. Exits with 1 if one is broken.

    Without --expect, a chain that the owner of the database has shortened or rewritten can still verify.
    """
    if not (every or expect or (msp_id and tenant_id)):
        raise click.UsageError("Give --msp and --client, or --expect, or --all.")
    if bool(msp_id) != bool(tenant_id):
        raise click.UsageError("Give both --msp and --client.")
    broken: list[UUID] = []

    async def act(services: AppServices) -> CommandResult:
        exported = _exported(services, expect)
        chosen = _chosen(exported, msp_id=msp_id, tenant_id=tenant_id, every=every)
        lines, verifications = [], []
        for (msp, tenant), chain in sorted(chosen.items()):
            whose = "" if tenant_id else f"{tenant}: "
            async with services.db.transaction(operator_scope(msp, tenant)) as session:
                verification = await verify_chain(session, expected=chain.points, removable_to=chain.removable_to)
            if verification.broken_at is not None:
                broken.append(tenant)
            lines.append(whose + _describe(verification, chain))
            verifications.append({"account": tenant, **msgspec.structs.asdict(verification)})
        return CommandResult("\n".join(lines) or "no chains", verifications)

    run_with_services(act)
    sys.exit(1 if broken else 0)


def _describe(verification: ChainVerification, chain: ExportedChain) -> str:
    if verification.broken_at is not None:
        return f"BROKEN at entry {verification.broken_at}"
    reached = sum(point.seq >= verification.removed_to for point in chain.points)
    against = f", matching {reached} exported heads" if chain.points else ""
    removed = f", of which retention removed the first {verification.removed_to}" if verification.removed_to else ""
    return f"{verification.entries} entries{removed}, verified{against}. Head {verification.head}"


def _exported(services: AppServices, expect: Path | None) -> Chains:
    if expect is None:
        return {}
    with expect.open("rb") as file:
        exported = exported_chains(read_signed(services.vault.key_ring, file), now=utc_now())
    if not exported:
        raise InvalidInput(f"{expect} holds no exported heads.")
    for (_, tenant_id), chain in exported.items():
        if len({point.seq for point in chain.points}) != len(set(chain.points)):
            raise InvalidInput(f"{expect} holds two different heads of the same length for {tenant_id}.")
    return exported


def _chosen(exported: Chains, *, msp_id: UUID | None, tenant_id: UUID | None, every: bool) -> Chains:
    if msp_id is not None and tenant_id is not None:
        chain = exported.get((msp_id, tenant_id), ExportedChain(()))
        if exported and not chain.points:
            raise InvalidInput(f"The exports hold no head of {tenant_id}'s chain, so it cannot be compared with them.")
        return {(msp_id, tenant_id): chain._replace(points=[point for point in chain.points if point != START])}
    found = dict(exported)
    if every:
        for one in _all_chains():
            found.setdefault(one, ExportedChain(()))
    return found


def _all_chains() -> list[tuple[UUID, UUID]]:
    owner_url = find_settings(os.environ).owner_url
    if not owner_url:
        raise InvalidInput("DATABASE_URL of the owner is not set: only the owner sees which chains there are.")
    with psycopg.connect(owner_url) as connection, connection.transaction():
        contents.enter_backup_role(connection)
        return connection.execute(
            f"SELECT msp_id, tenant_id FROM {AUDIT_HEADS} h UNION SELECT msp_id, tenant_id FROM {CLIENTS} c"
            f" UNION SELECT msp_id, tenant_id FROM {MSPS} m"
        ).fetchall()
