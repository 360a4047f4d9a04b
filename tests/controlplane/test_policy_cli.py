"""`fairlead policy`: a rule is drafted, shown and replayed, and its editor cannot publish it."""

import asyncio

from canonical.elements import PRICE
from tests.controlplane.test_cli import call, tenancy
from tests.support.client_env import ClientEnv


async def test_an_operator_drafts_replays_and_restores_by_command(
    env: ClientEnv, environment: dict[str, str | None]
) -> None:
    async def run(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(call, environment, "policy", words[0], *tenancy(env.scope), *words[1:])
        return done.exit_code, done.output

    code, shown = await run("show", "--casbin")
    assert (code, "version 1" in shown) == (0, True)
    assert "price-below-cost  List price: below cost → is refused" in shown
    assert f"p2,*,{env.scope.tenant_id},price.list,refuse,r.ctx.new_minor < r.ctx.cost_minor,allow" in shown
    rule = (
        "--element",
        PRICE,
        "--outcome",
        "review",
        "--when",
        "direction up",
        "--when",
        "change_percent more_than 2.5",
    )
    code, output = await run("put-rule", *rule, "--when", "jurisdiction any_of EU,CH")
    assert (code, "List price: up by more than 2.5%, in EU, CH → needs approval" in output) == (0, True)
    assert (await run("put-rule", *rule, "--when", "moon full"))[0] == 1
    code, output = await run("put-rule", *rule, "--approver", "client_approver", "--approvals", "2")
    assert (code, "needs approval: 2 × Client approver" in output) == (0, True)
    code, output = await run("remove-rule", "--rule", "price-below-cost")
    assert (code, "- List price: below cost" in output) == (0, True)
    code, output = await run("publish", "--revision", "3")
    assert (code, "Another member must publish it" in output) == (1, True)
    assert "running; 0 of 0 changes" in (await run("replay", "--days", "3", "--wait", "0"))[1]
    await env.work(until="SELECT bool_and(state <> 'running') FROM policy_replay")
    assert "done; 0 of 0 changes of 3 days" in (await run("draft"))[1]
    assert (await run("restore", "--version", "1"))[0] == 1
    assert (await run("discard"))[0] == 0
    assert (await run("draft"))[0] == 1
    assert (await run("versions"))[1].startswith("1  ")


async def test_without_a_client_the_rules_are_the_msps(env: ClientEnv, environment: dict[str, str | None]) -> None:
    msp = ("--msp", str(env.scope.msp_id))
    rule = ("--element", PRICE, "--outcome", "refuse", "--when", "change_percent more_than 50", "--locked")
    done = await asyncio.to_thread(call, environment, "policy", "put-rule", *msp, *rule)
    assert done.exit_code == 0, done.output
    shown = await asyncio.to_thread(call, environment, "policy", "draft", *msp)
    assert "+ List price: a change of more than 50% → is refused" in shown.output
    refused = await asyncio.to_thread(call, environment, "policy", "put-rule", *tenancy(env.scope), *rule)
    assert (refused.exit_code, "Only the MSP's own rules" in refused.output) == (1, True)
    none = await asyncio.to_thread(call, environment, "policy", "inherit-rule", *tenancy(env.scope), "--rule", "other")
    assert none.exit_code == 1
