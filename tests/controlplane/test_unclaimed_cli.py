import asyncio

from tests.connectors.translation.shipments import SHIPMENT, shipment
from tests.controlplane.test_cli import call, tenancy
from tests.support.client_env import ClientEnv


async def test_the_operator_lists_and_discards_unclaimed_messages_by_command(
    env: ClientEnv, environment: dict[str, str | None]
) -> None:
    await env.deliver(shipment(env, "S1"))
    await env.work()
    result = await asyncio.to_thread(call, environment, "unclaimed-message", "list", *tenancy(env.scope))
    assert f"{env.erp} {SHIPMENT}: 1 messages of ERP" in result.output
    assert "S1; not processed yet" in result.output
    which = (*tenancy(env.scope), "--connection", str(env.erp), "--type", SHIPMENT)
    refused = await asyncio.to_thread(call, environment, "unclaimed-message", "replay", *which)
    assert (refused.exit_code, "not processed yet" in refused.output) == (1, True)
    done = await asyncio.to_thread(call, environment, "unclaimed-message", "discard", *which, "--reason", "unused")
    assert (done.exit_code, done.output) == (0, "1 messages discarded\n")
