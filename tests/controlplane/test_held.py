import asyncio

from canonical.elements import STOCK
from tests.controlplane.test_cli import call, tenancy
from tests.governance.held_values.test_held_values import hold
from tests.support.client_env import ClientEnv


async def test_r8_the_operator_lists_and_discards_by_command(
    world: ClientEnv, environment: dict[str, str | None]
) -> None:
    await hold(world)
    told = await asyncio.to_thread(call, environment, "held-value", "list", *tenancy(world.scope))
    assert f"{world.erp} {STOCK}: 2 values" in told.output
    which = ("--connection", str(world.erp), "--element", STOCK, "--reason", "unused")
    done = await asyncio.to_thread(call, environment, "held-value", "discard", *tenancy(world.scope), *which)
    assert (done.exit_code, done.output) == (0, "2 values discarded\n")
