"""The command line as operators call it: help, doctor, accounts, audit chains and keys."""

import asyncio
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import click
import psycopg
import pytest
from click.testing import CliRunner, Result

from connectors.runtime import ConnectorRuntime
from controlplane.cli.main import main
from controlplane.provisioning import NewConnection, connect, onboard_client, onboard_msp
from controlplane.services import Services
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.scope import Scope
from foundation.vault.envelope import key_id_of
from tests.conftest import Urls
from tests.support.client_env import ClientEnv
from tests.support.commands import run_command

LEFT_BY_OTHERS = {"Workers", "Relay", "Stored secrets"}
"""Checks that rows of other tests in the shared database affect: unfinished jobs, and secrets under other keys."""
PASSWORD = "a long enough password of a test"


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def call(environment: dict[str, str | None], *arguments: str, typed: str = f"{PASSWORD}\n") -> Result:
    """Every error is printed as a sentence, never as a traceback."""
    done = CliRunner().invoke(main, [*arguments], env=environment, input=typed)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


class TestHelp:
    def test_the_first_page_names_every_command_and_where_to_begin(self) -> None:
        shown = call({}, "--help")
        assert shown.exit_code == 0
        assert "fairlead demo" in shown.output
        for name in main.commands:
            assert f"\n  {name} " in shown.output, name

    @pytest.mark.parametrize(
        ("path", "command"), list(commands(main)), ids=lambda it: "-".join(it) if isinstance(it, tuple) else ""
    )
    def test_each_command_has_a_description(self, path: tuple[str, ...], command: click.Command) -> None:
        shown = call({}, *path, "--help")
        assert shown.exit_code == 0
        assert f"Usage: main {' '.join(path)}" in shown.output
        assert command.help
        assert command.help.splitlines()[0].split(".")[0] in " ".join(shown.output.split())

    def test_a_mistyped_command_refers_to_help(self) -> None:
        shown = call({}, "demmo")
        assert shown.exit_code == 2
        assert "--help" in shown.output or "-h" in shown.output

    async def test_it_runs_as_a_program(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "controlplane", "--version", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert (process.returncode, output.split()[-1][:1].isdigit()) == (0, True)


class TestDoctor:
    def test_valid_settings_pass(self, environment: dict[str, str | None]) -> None:
        result = call(environment, "doctor", "--json")
        findings = [each for each in json.loads(result.output) if each["what"] not in LEFT_BY_OTHERS]
        assert {finding["mend"] for finding in findings if not finding["warning"]} == {""}
        assert {"app role", "schema", "valkey"} <= {
            finding["what"].replace("role fairlead_app", "app role") for finding in findings
        }

    def test_without_settings_the_servers_will_be_its_own(
        self, environment: dict[str, str | None], tmp_path: Path
    ) -> None:
        shown = call({**dict.fromkeys(environment), "FAIRLEAD_DATA": str(tmp_path / "data")}, "doctor")
        assert "embedded" in shown.output
        assert shown.exit_code == 0

    @pytest.mark.parametrize("missing", ["FAIRLEAD_VAULT_KEYS", "REDIS_URL"])
    def test_missing_settings_are_named(self, environment: dict[str, str | None], missing: str) -> None:
        shown = call(environment | {missing: None}, "doctor")
        assert shown.exit_code == 1
        assert f"{missing} is not set" in shown.output

    def test_a_missing_secret_is_named_and_a_short_one_refused(self, environment: dict[str, str | None]) -> None:
        deriving = environment | {"DATABASE_APP_URL": None, "FAIRLEAD_SECRET_KEY": None}
        assert "FAIRLEAD_SECRET_KEY is not set" in call(deriving, "doctor").output
        short = call(deriving | {"FAIRLEAD_SECRET_KEY": "hunter2"}, "doctor")
        assert short.exit_code == 1
        assert "openssl rand" in short.output
        assert "hunter2" not in short.output

    def test_a_missing_database_is_reported_without_its_password(self, environment: dict[str, str | None]) -> None:
        nowhere = "postgresql://fairlead_app:my-password@127.0.0.1:9/fairlead"
        shown = call(environment | {"DATABASE_APP_URL": nowhere}, "doctor", "--json")
        assert shown.exit_code == 1
        [bad] = [finding for finding in json.loads(shown.output) if finding["mend"]]
        assert bad["what"] == "app role"
        assert "my-password" not in shown.output

    def test_a_missing_valkey_is_reported(self, environment: dict[str, str | None]) -> None:
        nowhere = "redis://127.0.0.1:9/0"
        shown = call(environment | {"REDIS_URL": nowhere}, "doctor", "--json")
        assert [finding["what"] for finding in json.loads(shown.output) if finding["mend"]] == ["valkey"]
        assert shown.exit_code == 1

    @pytest.mark.parametrize("name", ["DATABASE_APP_URL", "DATABASE_INTAKE_URL", "DATABASE_RELAY_URL"])
    def test_a_powerful_role_is_refused(self, environment: dict[str, str | None], name: str) -> None:
        shown = call(environment | {name: environment["DATABASE_URL"]}, "doctor", "--json")
        assert shown.exit_code == 1
        [bad] = [finding for finding in json.loads(shown.output) if finding["mend"]]
        assert bad["state"] == "too powerful"
        assert "BYPASSRLS" in bad["mend"]

    def test_an_outdated_schema_is_reported(self, environment: dict[str, str | None], urls: Urls) -> None:
        parts = urlsplit(urls.owner)
        empty = urlunsplit(parts._replace(path="/postgres"))
        shown = call(environment | {"DATABASE_URL": empty}, "doctor", "--json")
        [bad] = [finding for finding in json.loads(shown.output) if finding["mend"]]
        assert (bad["what"], bad["mend"]) == ("schema", "Run `fairlead migrate`.")
        assert "at none" in bad["state"]

    def test_unreadable_vault_keys_are_reported_without_their_text(self, environment: dict[str, str | None]) -> None:
        shown = call(environment | {"FAIRLEAD_VAULT_KEYS": "k1:not-a-key"}, "doctor")
        assert shown.exit_code == 1
        assert "FAIRLEAD_VAULT_KEYS is `id:base64" in shown.output
        assert "not-a-key" not in shown.output


class TestTenants:
    def test_an_msp_and_its_clients_are_made_listed_and_pinned(self, environment: dict[str, str | None]) -> None:
        slug = f"m-{secrets.token_hex(4)}"
        made = call(environment, "msp", "create", *msp_options(slug))
        assert made.exit_code == 0, made.output
        assert made.output.endswith(f"sign in at http://{slug}.localhost/ as ada@{slug}.example\n")
        msp = made.output.split()[1].rstrip(":")
        assert "no clients" in call(environment, "client", "list", "--msp", msp).output
        options = ("--name", "Client", "--slug", f"c-{slug}", "--currency", "EUR")
        client = call(environment, "client", "create", "--msp", msp, *options).output.split()[1]
        listed = call(environment, "client", "list", "--msp", msp).output
        assert listed.split() == [client, "active", f"c-{slug}"]
        pinned = call(environment, "client", "pin", "--msp", msp, "--client", client, "--weight", "3")
        assert pinned.output == f"pool tenant-{client}, weight 3, cap 4\n"
        freed = call(environment, "client", "unpin", "--msp", msp, "--client", client)
        as_json = call(environment, "client", "list", "--msp", msp, "--json")
        [only] = json.loads(as_json.output)
        assert (only["id"], only["slug"], only["status"]) == (client, f"c-{slug}", "active")
        [found] = [one for one in json.loads(call(environment, "msp", "list", "--json").output) if one["id"] == msp]
        assert [one["id"] for one in found["clients"]] == [client]
        assert freed.output == "pool shared, weight 1, cap 4\n"
        whole = call(environment, "audit", "verify", "--msp", msp, "--client", client)
        assert ", verified. Head " in whole.output
        assert whole.exit_code == 0

    @pytest.mark.parametrize(
        ("option", "value", "expected"),
        [
            ("--accent", "blue", "accent"),
            ("--slug", "Not A Slug", "short name"),
        ],
    )
    def test_errors_are_reported_in_a_sentence(
        self, environment: dict[str, str | None], option: str, value: str, expected: str
    ) -> None:
        slug = f"m-{secrets.token_hex(4)}"
        shown = call(environment, "msp", "create", *msp_options(slug), option, value)
        assert shown.exit_code == 1
        assert shown.output.startswith("Error: ")
        assert expected in shown.output
        again = call(environment, "msp", "create", *msp_options(slug))
        assert again.exit_code == 0, again.output

    def test_the_first_password_is_read_from_a_file_or_prompt_and_never_an_argument(
        self, environment: dict[str, str | None], tmp_path: Path
    ) -> None:
        slug = f"m-{secrets.token_hex(4)}"
        options = msp_options(slug)[:-2]
        weak = call(environment, "msp", "create", *msp_options(slug), typed="short\n")
        assert (weak.exit_code, "assword" in weak.output) == (1, True)
        named = call(environment, "msp", "create", *msp_options(slug), typed=f"{slug}-2026\n")
        assert (named.exit_code, "easy to guess" in named.output) == (1, True)
        refused = call(environment, "msp", "create", *options, "--admin-password", PASSWORD)
        assert (refused.exit_code, "No such option" in refused.output) == (2, True)
        differing = call(environment, "msp", "create", *options, typed=f"{PASSWORD}\nanother\n")
        assert differing.exit_code == 1
        asked = call(environment, "msp", "create", *options, typed=f"{PASSWORD}\n{PASSWORD}\n")
        assert asked.exit_code == 0, asked.output
        assert PASSWORD not in asked.output
        file = tmp_path / "password"
        file.write_text(f"{PASSWORD}\r\n", encoding="utf-8-sig")  # as Windows editors write it
        other = f"{slug}-2"
        made = call(environment, "msp", "create", *msp_options(other)[:-2], "--admin-password-file", str(file))
        assert made.exit_code == 0, made.output

    def test_a_short_name_is_unique(self, environment: dict[str, str | None]) -> None:
        slug = f"m-{secrets.token_hex(4)}"
        assert call(environment, "msp", "create", *msp_options(slug)).exit_code == 0
        second = call(environment, "msp", "create", *msp_options(slug))
        assert second.exit_code == 1
        assert second.output.startswith("Error: ")

    def test_missing_settings_are_reported(self, environment: dict[str, str | None], tmp_path: Path) -> None:
        nowhere = {**dict.fromkeys(environment), "FAIRLEAD_DATA": str(tmp_path / "data")}
        shown = call(nowhere, "client", "list", "--msp", "01a20164-0b46-741c-bbc4-e2b82c7f4dec")
        assert shown.exit_code == 1
        assert shown.output.startswith("Error: DATABASE_URL is not set")


class TestNames:
    def test_commands_are_a_noun_and_a_verb(self) -> None:
        verbs = {"up", "demo", "doctor", "migrate", "web", "worker", "relay", "backup", "restore", "search"}
        assert set(main.commands) - verbs == {
            name for name, one in main.commands.items() if isinstance(one, click.Group)
        }

    def test_every_result_is_available_as_json(self) -> None:
        processes = {("up",), ("web",), ("worker",), ("relay",)}
        without = {
            path for path, one in commands(main)
            if not isinstance(one, click.Group) and not any("--json" in each.opts for each in one.params)
        }  # fmt: skip
        assert without == processes

    def test_an_unknown_name_is_answered_with_the_nearest(self, environment: dict[str, str | None]) -> None:
        shown = call(environment, "invoices", "close")
        assert (shown.exit_code, "No such command 'invoices'. Did you mean 'invoice'?" in shown.output) == (2, True)


def msp_options(slug: str) -> list[str]:
    return [
        *("--name", f"MSP {slug}", "--slug", slug, "--host", f"{slug}.localhost"),
        *("--support-email", f"help@{slug}.example", "--admin-email", f"ada@{slug}.example"),
        *("--admin-password-file", "-"),
    ]


@pytest.fixture
async def client(services: Services) -> Scope:
    slug = secrets.token_hex(4)
    msp_account = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
    return await onboard_client(services, msp_account, name="Client", slug=f"client-{slug}", currency="USD")


def tenancy(scope: Scope) -> list[str]:
    return ["--msp", str(scope.msp_id), "--client", str(scope.tenant_id)]


async def run_program(environment: dict[str, str | None], *arguments: str) -> tuple[int, str]:
    given = {name: value for name, value in environment.items() if value is not None}
    return await asyncio.to_thread(run_command, list(arguments), given)


class TestBaseline:
    async def test_it_is_read_from_the_command_line_and_shown_again(
        self, environment: dict[str, str | None], env: ClientEnv
    ) -> None:
        given = environment | {"FAIRLEAD_OUTBOUND_ALLOWED": "127.0.0.0/8"}
        status, output = await run_program(given, "baseline", "show", *tenancy(env.scope))
        assert (status, "No baseline yet" in output) == (0, True)
        patient = ("--wait", "300")
        reading = asyncio.create_task(run_program(given, "baseline", "read", *tenancy(env.scope), *patient))
        while not reading.done():
            await env.work()
            await asyncio.sleep(0.1)
        status, output = reading.result()
        assert status == 0, output
        assert ": ready" in output.splitlines()[0]
        assert "shop0: read; 40 equal, 0 differ, 0 only in the source, 0 only here, 0 below cost" in output
        assert (await run_program(given, "baseline", "show", *tenancy(env.scope)))[1] == output

    async def test_a_client_without_contracts_gets_instructions(
        self, environment: dict[str, str | None], client: Scope
    ) -> None:
        status, output = await run_program(environment, "baseline", "read", *tenancy(client))
        assert status == 1
        assert output.startswith("Error: No contract names a source of truth yet.")


class TestAudit:
    async def test_a_changed_entry_is_found(
        self, environment: dict[str, str | None], services: Services, client: Scope, urls: Urls
    ) -> None:
        async with services.db.transaction(client) as session:
            for n in range(3):
                append_audit(session, action="test.noted", subject=f"test:{n}", data={"n": n}, at=utc_now())
        assert (await run_program(environment, "audit", "verify", *tenancy(client)))[0] == 0
        await forge(urls, client)
        status, output = await run_program(environment, "audit", "verify", *tenancy(client))
        assert (status, output.split()[0]) == (1, "BROKEN")


async def forge(urls: Urls, scope: Scope) -> None:
    """A forgery by the table's owner, with the policies disabled."""
    async with await psycopg.AsyncConnection.connect(urls.owner) as connection:
        await connection.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        await connection.execute("ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY")
        changed = await connection.execute(
            "UPDATE audit_entry SET action = 'test.forged' WHERE tenant_id = %s AND subject = 'test:1'",
            [scope.tenant_id],
        )
        await connection.execute("ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY")
        await connection.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER")
        assert changed.rowcount == 1


class TestKeys:
    async def test_a_key_is_changed_while_its_secrets_are_read(
        self, environment: dict[str, str | None], services: Services, client: Scope
    ) -> None:
        new = NewConnection("sandbox-shop", "Shop", "http://127.0.0.1:9/shop", secrets={"api_key": "the secret"})
        shop = await connect(services, client, new)
        before = await key_of(services, client)
        rotating = asyncio.create_task(run_program(environment, "vault", "rotate", *tenancy(client)))
        reads = 0
        while not rotating.done() or reads < 3:
            assert await read_secret(services, client, shop) == "the secret"
            reads += 1
        assert await rotating == (0, "1 secrets encrypted with a new key\n")
        assert await key_of(services, client) != before
        assert await read_secret(services, client, shop) == "the secret"


async def read_secret(services: Services, scope: Scope, connection_id: UUID) -> str:
    """Open the secret without a cache, as a new process does."""
    services.vault.evict(scope.tenant_id)
    runtime = ConnectorRuntime(services.registry, services.vault, services.outbound)
    async with services.db.transaction(scope) as session:
        return (await runtime.open(session, connection_id)).config.secrets["api_key"]


async def key_of(services: Services, scope: Scope) -> UUID:
    async with services.db.transaction(scope) as session:
        rows = await session.connection()
        found = await rows.exec_driver_sql("SELECT ciphertext FROM connection_secret")
        return key_id_of(bytes(found.scalar_one()))


def test_retention_is_planned_held_and_run_from_the_command_line(
    environment: dict[str, str | None], client: Scope
) -> None:
    """Nothing is old enough, so a run removes nothing and reports that."""
    who = tenancy(client)

    def retention(*arguments: str) -> str:
        done = call(environment, "retention", *arguments)
        assert done.exit_code == 0, done.output
        return done.output

    assert "changes: 731 days" in retention("show", *who)
    assert "900 days" in retention("set", *who, "--class", "changes", "--days", "900")
    held = retention("hold", *who, "--class", "changes", "--reason", "a lawsuit")
    output = retention("show", *who)
    assert "changes: 900 days" in output
    assert "on changes: active; a lawsuit" in output
    assert "released" in retention("release", *who, held.split()[1], "--reason", "settled")
    assert "800 days for every account" in retention("set-default", *who[:2], "--class", "changes", "--days", "800")
    shorter = call(environment, "retention", "set", *who, "--class", "changes", "--days", "799")
    assert "at least 800 days" in shorter.output
    assert shorter.exit_code == 1
    assert "nothing to delete" in retention("run", "--clock-is-right")
    without_owner = call(environment | {"DATABASE_URL": None}, "retention", "run")
    assert "DATABASE_URL of the owner" in without_owner.output
