import asyncio

from canonical.elements import STOCK
from tests.controlplane.test_cli import call, tenancy
from tests.governance.held_values.test_held_values import hold
from tests.support.client_env import ClientEnv


async def test_the_operator_lists_and_discards_by_command(env: ClientEnv, environment: dict[str, str | None]) -> None:
    await hold(env)
    result = await asyncio.to_thread(call, environment, "held-value", "list", *tenancy(env.scope))
    assert f"{env.erp} {STOCK}: 2 values" in result.output
    which = ("--connection", str(env.erp), "--element", STOCK, "--reason", "unused")
    done = await asyncio.to_thread(call, environment, "held-value", "discard", *tenancy(env.scope), *which)
    assert (done.exit_code, done.output) == (0, "2 values discarded\n")
