"""Daily acts of members by command: the same use cases and audit trail as pages, in one account."""

import asyncio
import json
import secrets
from typing import Any

import pytest

from controlplane.provisioning import onboard_client
from foundation.clock import utc_now
from foundation.scope import Scope
from tests.controlplane.test_cli import call, tenancy
from tests.governance.pages.samples import Sample
from tests.support.client_env import ClientEnv
from tests.support.web_app import set_up_msp

Environment = dict[str, str | None]


class Commands:
    """Commands in this environment, on one account."""

    def __init__(self, environment: Environment, scope: Scope) -> None:
        self.environment, self.scope = environment, scope

    async def run(self, *arguments: str, code: int = 0) -> str:
        done = await asyncio.to_thread(call, self.environment, *arguments, *tenancy(self.scope))
        assert done.exit_code == code, done.output
        return done.output

    async def data(self, *arguments: str) -> Any:
        return json.loads(await self.run(*arguments, "--json"))


@pytest.fixture
async def sample(env: ClientEnv) -> Sample:
    made = Sample(env.services.db, env.scope, utc_now())
    made.source, made.channels = env.erp, env.channels
    made.partners = dict.fromkeys(env.channels.values())
    return made


async def another(env: ClientEnv) -> Scope:
    slug = f"other-{secrets.token_hex(4)}"
    return await onboard_client(env.services, env.msp_account, name="Other", slug=slug, currency="EUR")


BRAND = [
    part
    for each in ("name=Own", "monogram=O", "accent=#1a5fb4", "support_email=help@example.com")
    for part in ("--set", each)
]
LISTS = ("approval", "change", "exception", "failed-job", "connection")


async def test_lists_show_an_account_its_own_rows_and_page_through_them(
    env: ClientEnv, environment: Environment, sample: Sample
) -> None:
    commands, other = Commands(environment, env.scope), Commands(environment, await another(env))
    change = await sample.awaiting("SKU-1", 1_000, 2_000)
    await sample.awaiting("SKU-2", 1_000, 2_000)
    problem = await sample.exception("propagation.failed", "The shop is out of reach")
    letter = await sample.letter("The job failed")
    known = {"approval": change, "change": change, "exception": problem, "failed-job": letter, "connection": env.erp}
    for noun in LISTS:
        assert str(known[noun]) in await commands.run(noun, "list"), noun
        assert "nothing found" in await other.run(noun, "list"), noun
    first = await commands.data("approval", "list", "--limit", "1")
    rest = await commands.data("approval", "list", "--cursor", first["next_cursor"])
    assert [one["change"]["record_key"] for one in (*first["items"], *rest["items"])] == ["SKU-1", "SKU-2"]
    assert "nothing found" in await commands.run("approval", "list", "--status", "answered")
    refused = await asyncio.to_thread(call, environment, "exception", "list", *tenancy(env.scope), "--status", "nope")
    assert (refused.exit_code, "is not one of" in refused.output) == (2, True)
    for noun, given in (("approval", change), ("change", change), ("exception", problem), ("connection", env.erp)):
        option = "--change" if noun == "approval" else f"--{noun}"
        assert await commands.run(noun, "show", option, str(given))
        await other.run(noun, "show", option, str(given), code=1)


@pytest.mark.parametrize("noun", ["exception", "approval"])
async def test_an_item_is_assigned_and_commented_on(
    env: ClientEnv, environment: Environment, sample: Sample, noun: str
) -> None:
    commands, other = Commands(environment, env.scope), Commands(environment, await another(env))
    msp = await set_up_msp(env, name="Calm Harbour")
    made = await (sample.exception("change.refused", "Refused") if noun == "exception" else sample.awaiting("S", 1, 2))
    item = ("--exception" if noun == "exception" else "--change", str(made))
    assert "assigned to Admin Calm Harbour" in await commands.run(noun, "assign", *item, "--to", msp.admin)
    assert "nothing found" in await commands.run(noun, "list", "--assigned", "nobody")
    await commands.run(noun, "assign", *item, "--to", msp.partner, code=1)
    assert "assigned to nobody" in await commands.run(noun, "assign", *item, "--to", "nobody")
    await commands.run(noun, "comment", *item, "--text", "Asked the vendor")
    assert "operator: Asked the vendor" in await commands.run(noun, "comments", *item)
    for act in (("assign", "--to", "nobody"), ("comment", "--text", "x"), ("comments",)):
        await other.run(noun, act[0], *item, *act[1:], code=1)


async def test_the_inbox_of_an_msp_holds_the_items_of_its_clients(
    env: ClientEnv, environment: Environment, sample: Sample
) -> None:
    await sample.awaiting("SKU-7", 1_000, 2_000)
    done = await asyncio.to_thread(call, environment, "inbox", "list", "--msp", str(env.scope.msp_id))
    assert (done.exit_code, "SKU-7" in done.output) == (0, True), done.output


async def test_exceptions_and_failed_jobs_are_closed_once_and_audited(
    env: ClientEnv, environment: Environment, sample: Sample
) -> None:
    commands, other = Commands(environment, env.scope), Commands(environment, await another(env))
    problem = str(await sample.exception("propagation.failed", "The shop is out of reach"))
    letter = str(await sample.letter("The job failed"))
    for verb, option, given in (("resolve", "--exception", problem), ("discard", "--job", letter)):
        noun = "exception" if option == "--exception" else "failed-job"
        await other.run(noun, verb, option, given, code=1)
        await commands.run(noun, verb, option, given)
        assert "already" in await commands.run(noun, verb, option, given, code=1)
    entries = (await commands.data("audit", "list"))["items"]
    actors = {one["action"]: one["actor"] for one in entries}
    assert (actors["exception.resolved"], actors["dead_letter.discarded"]) == ("operator", "operator")
    assert await commands.run("audit", "list", "--action", "exception.resolved")


async def test_a_webhook_secret_is_renewed_and_printed_once(env: ClientEnv, environment: Environment) -> None:
    commands, other = Commands(environment, env.scope), Commands(environment, await another(env))
    assert (await commands.run("connection", "webhook-secret", "--connection", str(env.erp))).startswith("whsec_")
    await other.run("connection", "webhook-secret", "--connection", str(env.erp), code=1)


async def test_a_change_that_reached_no_channel_cannot_be_rolled_back(
    env: ClientEnv, environment: Environment, sample: Sample
) -> None:
    commands = Commands(environment, env.scope)
    change = str(await sample.awaiting("SKU-9", 1_000, 2_000))
    assert "never sent" in await commands.run("change", "roll-back", "--change", change, code=1)


async def test_members_are_invited_given_roles_and_suspended(env: ClientEnv, environment: Environment) -> None:
    commands, other = Commands(environment, env.scope), Commands(environment, await another(env))
    who = ("--email", "zoe@example.com")
    portal = ("--portal", "https://portal.example")
    await asyncio.to_thread(call, environment, "brand", "set", "--msp", str(env.scope.msp_id), "--brand", "own", *BRAND)
    output = await commands.run("member", "invite", *who, "--name", "Zoe", "--role", "client_viewer", *portal)
    assert output.startswith("https://portal.example/welcome/")
    assert "zoe@example.com" in await commands.run("member", "list", "--search", "zoe")
    assert "nothing found" in await other.run("member", "list", "--search", "zoe")
    await other.run("member", "assign-role", *who, "--role", "client_admin", code=1)
    await commands.run("member", "assign-role", *who, "--role", "client_admin")
    await commands.run("member", "remove-role", *who, "--role", "client_viewer")
    assert (await commands.run("member", "renew-invitation", *who, *portal)).startswith("https://portal.example/")
    await commands.run("member", "withdraw-invitation", *who)
    await commands.run("member", "sign-out", *who)
    await commands.run("member", "suspend", *who, "--reason", "left")
    assert "zoe@example.com" in await commands.run("member", "list", "--status", "suspended")
    wrong = await commands.run("member", "invite", *who, "--name", "Z", "--role", "x", "--portal", "portal", code=2)
    assert "https://portal.example.com" in wrong
