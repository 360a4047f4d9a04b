"""Commands of onboarding, of a client's details, and of gaps in data ownership."""

import asyncio
import json
from typing import Any

from canonical.elements import PRICE
from tests.controlplane.test_cli import call, tenancy
from tests.support.client_env import ClientEnv

Environment = dict[str, str | None]


async def run(environment: Environment, env: ClientEnv, *words: str) -> Any:
    """JSON output of a command for the client."""
    done = await asyncio.to_thread(call, environment, *words, *tenancy(env.scope), "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def refused(environment: Environment, env: ClientEnv, *words: str) -> str:
    done = await asyncio.to_thread(call, environment, *words, *tenancy(env.scope))
    assert done.exit_code == 1, done.output
    return str(done.output)


async def test_details_of_a_client_are_changed(environment: Environment, env: ClientEnv, other_env: ClientEnv) -> None:
    shown = "SELECT name, language, time_zone, region FROM client"
    others = await other_env.rows(shown)
    changed = ("--name", "Maple Ltd", "--language", "de", "--time-zone", "Europe/Berlin", "--region", "DE")
    await run(environment, env, "client", "update", *changed)
    assert await env.rows(shown) == [("Maple Ltd", "de", "Europe/Berlin", "DE")]
    assert await other_env.rows(shown) == others
    assert "time zone" in (await refused(environment, env, "client", "update", "--time-zone", "Mars/Base")).lower()
    assert (await env.rows(shown))[0][2] == "Europe/Berlin"


async def test_an_onboarding_is_shown_waived_and_refused(
    environment: Environment, env: ClientEnv, other_env: ClientEnv
) -> None:
    listed = await asyncio.to_thread(call, environment, "onboarding", "list", "--msp", str(env.scope.msp_id), "--json")
    assert [(row["client"],) for row in json.loads(listed.stdout)] == await env.rows("SELECT slug FROM client")
    before = await run(environment, env, "onboarding", "show")
    assert before["live_at"] is None
    states = {one["check"]: one["state"] for one in before["checks"]}
    name = next(check for check, state in states.items() if state == "failed")
    assert "Not passed" in await refused(environment, env, "onboarding", "go-live")
    waived = ("onboarding", "waive", "--check", name, "--reason", "Agreed with the client.")
    assert (await run(environment, env, *waived))["state"] == "waived"
    assert (await run(environment, env, "onboarding", "withdraw-waiver", "--check", name))["state"] == "failed"
    checked = await run(environment, env, "onboarding", "check")
    assert {one["check"] for one in checked["checks"]} == set(states)
    assert ("onboarding.checked",) in await env.rows("SELECT action FROM audit_entry")
    assert await other_env.rows("SELECT 1 FROM audit_entry WHERE action LIKE 'onboarding.%'") == []


async def test_gaps_of_data_ownership_are_reported(
    environment: Environment, env: ClientEnv, other_env: ClientEnv
) -> None:
    for each in (env, other_env):
        async with each.services.db.transaction(each.scope) as session:
            await (await session.connection()).exec_driver_sql("DELETE FROM element_contract")
    await env.deliver(env.change("SKU-001", PRICE, 1000))
    await env.work()
    [gap] = await run(environment, env, "contract", "report")
    assert (gap["element"], gap["problem"], gap["held"]) == (PRICE, "no_owner", 1)
    assert await run(environment, other_env, "contract", "report") == []
