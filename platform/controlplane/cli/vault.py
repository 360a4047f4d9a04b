"""`fairlead vault`: a client's data keys, and the keys of FAIRLEAD_VAULT_KEYS that wrap them."""

from uuid import UUID

import click

from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.rooms import AppServices
from foundation.vault.rotation import reencrypt, rewrap, rotate_data_key
from tenants.command_options import CLIENT, MSP

_BATCH = 200


@click.group(cls=NounGroup)
def vault() -> None:
    """Encryption keys of clients' secrets."""


@vault.command("rotate")
@MSP
@CLIENT
def rotate(msp_id: UUID, tenant_id: UUID) -> None:
    """Create a new data key for a client and encrypt its secrets with it, during operation."""

    async def act(services: AppServices) -> CommandResult:
        scope, total = operator_scope(msp_id, tenant_id), 0
        async with services.db.transaction(scope) as session:
            await rotate_data_key(session, services.vault)
        while True:
            async with services.db.transaction(scope) as session:
                done = await reencrypt(session, services.vault, columns=services.rooms.sealed_columns, batch=_BATCH)
            total += done
            if done == 0:
                return CommandResult(f"{total} secrets encrypted with a new key", {"secrets": total})

    run_with_services(act)


@vault.command("rewrap")
@MSP
@CLIENT
def rewrap_(msp_id: UUID, tenant_id: UUID) -> None:
    """Wrap a client's data keys with the first key of FAIRLEAD_VAULT_KEYS."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            count = await rewrap(session, services.vault)
        return CommandResult(f"{count} data keys wrapped with the first key", {"data_keys": count})

    run_with_services(act)
