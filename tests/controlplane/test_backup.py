"""Backup and restore (V8, R4): complete, consistent, encrypted, refused when damaged, and restored to new servers."""

import asyncio
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from psycopg import sql

from canonical.elements import PRICE
from connectors.translation.job_type import TRANSLATE
from connectors.webhooks.directory import HookDirectory
from connectors.webhooks.receive import HookReceiver
from connectors.webhooks.writer import IntakeWriter
from controlplane.backup.contents import enter_backup_role
from controlplane.backup.create import LAST_BACKUP, LastBackup, create_backup
from controlplane.backup.errors import BackupFailed
from controlplane.backup.programs import find_program
from controlplane.cli.main import main
from controlplane.embedded.servers import EmbeddedServers
from controlplane.migrate import migrate_schema, prepare_roles
from controlplane.services import Services, build_services
from foundation.audit.chain import verify_chain
from foundation.clock import utc_now
from foundation.database.access import Grant, Policy, read_access
from foundation.database.engine import Database
from foundation.database.partitions import SCHEMA
from foundation.database.roles import APP, BACKUP, INTAKE, RELAY
from foundation.ids import new_id
from foundation.settings import SERVERS, Settings, with_role
from tests.conftest import VAULT_KEYS, Urls
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.databases import another_database
from tests.support.servers import PASSWORDS, Servers

PASSPHRASE = "correct horse battery staple"
SKU = "SKU-001"


@pytest.fixture(scope="module")
def fresh_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """Servers without any role or database of ours."""
    with EmbeddedServers(tmp_path_factory.mktemp("fresh"), durable=False) as servers:
        yield servers


@pytest.fixture
def fresh(fresh_servers: EmbeddedServers, request: pytest.FixtureRequest) -> str:
    """The owner's address of an empty database on the new servers."""
    name = f"restored_{abs(hash(request.node.name)) % 10**8}"
    fresh_servers.create_database(name, owner="another_owner")
    return fresh_servers.database_url(dbname=name, role="another_owner")


@pytest.fixture(scope="module")
def urls(servers: Servers, urls: Urls) -> Iterator[Urls]:
    """A database of its own: a backup reads every row, also those of other tests with unknown keys."""
    with another_database(servers.admin_url, urls) as there:
        migrate_schema(there.owner)
        yield there


@pytest.fixture
def call(urls: Urls, tmp_path: Path) -> Any:
    """Run the command line as an operator of external servers does."""

    def run(*arguments: str, url: str = "", keys: str = VAULT_KEYS) -> Result:
        owner = url or urls.owner
        environment = {
            "DATABASE_URL": owner,
            "DATABASE_APP_URL": with_role(owner, APP, PASSWORDS.app),
            "DATABASE_INTAKE_URL": with_role(owner, INTAKE, PASSWORDS.intake),
            "DATABASE_RELAY_URL": with_role(owner, RELAY, PASSWORDS.relay),
            "REDIS_URL": urls.redis,
            "FAIRLEAD_VAULT_KEYS": keys,
        }
        return CliRunner().invoke(main, arguments, env=environment)

    return run


def read_last_backup(connection: psycopg.Connection[Any]) -> LastBackup | None:
    row = connection.execute("SELECT value::text FROM installation WHERE name = %s", (LAST_BACKUP,)).fetchone()
    return msgspec.json.decode(row[0], type=LastBackup) if row is not None else None


def made(result: Result) -> Path:
    assert result.exit_code == 0, result.output
    return Path(result.output.partition(":")[0])


def refused(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.output.count("\n") == 1, result.output
    return result.output.removeprefix("Error: ").strip()


@pytest.fixture
async def backed_up(env: ClientEnv, call: Any, tmp_path: Path) -> Path:
    """A backup of a database in which a price was delivered to the channels."""
    await seed(env)
    return made(await asyncio.to_thread(call, "backup", "--out", str(tmp_path / "backups")))


async def run_program(*argv: str) -> None:
    """pg_restore ends with an error if it omitted something; its result is judged by the database's content."""
    process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.DEVNULL)
    await process.wait()


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def modes_of(folder: Path) -> list[int]:
    return [folder.stat().st_mode, *(path.stat().st_mode for path in folder.iterdir())]


def held_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forge(folder: Path) -> None:
    """A forgery without the vault's keys: rows are removed and every checksum is recomputed."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["heads"] = []
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    signature = json.loads((folder / "manifest.sig").read_bytes())
    signature["sha256"] = hashlib.sha256(text).hexdigest()
    (folder / "manifest.sig").write_text(json.dumps(signature))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def access_of(connection: psycopg.Connection[Any]) -> tuple[list[Policy], list[Grant]]:
    """PostgreSQL formats the casts of a list differently after parsing its own format."""
    found = read_access(connection, "")
    return [plain(policy) for policy in found.policies], found.grants


def plain(policy: Policy) -> Policy:
    return msgspec.structs.replace(policy, using=without_casts(policy.using), check=without_casts(policy.check))


def without_casts(expression: str | None) -> str | None:
    return expression and re.sub(r"::(character varying|text)|[()\[\]]", "", expression)


def elsewhere(env: ClientEnv, services: Services, relay: Database) -> ClientEnv:
    """The same client, served from the restored database."""
    directory = HookDirectory(services.settings.intake_url, services.vault)
    writer = IntakeWriter(services.settings.intake_url, job_type=TRANSLATE, wake_lanes=services.ready_queue.hint)
    writer.start()
    receiver = HookReceiver(directory, writer, services.registry, new_id)
    return replace(env, services=services, relay_db=relay, directory=directory, writer=writer, receiver=receiver)


class TestDrill:
    async def test_a_restored_server_works_and_all_audit_chains_verify(
        self, env: ClientEnv, backed_up: Path, fresh: str, urls: Urls, call: Any
    ) -> None:
        """Restores to a server without our roles, with an owner of another name; then a price is delivered there."""
        restored = await asyncio.to_thread(call, "restore", str(backed_up), url=fresh)
        assert restored.exit_code == 0, restored.output
        assert "audit chains verified" in restored.output
        before = await env.rows("SELECT record_key, element, minor(source_value) FROM record_value ORDER BY 1, 2")
        settings = Settings(
            owner_url=fresh,
            app_url=with_role(fresh, APP, PASSWORDS.app),
            intake_url=with_role(fresh, INTAKE, PASSWORDS.intake),
            relay_url=with_role(fresh, RELAY, PASSWORDS.relay),
            redis_url=urls.redis,
            vault_keys=VAULT_KEYS,
            secret_key=b"a secret of the tests, 32 bytes long",
            outbound_allowed="127.0.0.0/8",
        )
        services = build_services(settings)
        relay = Database(settings.relay_url, pool_size=2)
        there = elsewhere(env, services, relay)
        assert (
            await there.rows("SELECT record_key, element, minor(source_value) FROM record_value ORDER BY 1, 2")
            == before
        )
        await there.deliver(there.change(SKU, PRICE, 10_400))
        await there.work()
        assert await there.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_400,)]
        shown = await there.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'")
        assert shown == [(10_400,)]
        async with services.db.transaction(there.scope) as session:
            assert (await verify_chain(session)).broken_at is None
        await there.close()
        await relay.close()
        await services.close()

    async def test_roles_have_the_same_rights_after_a_restore(
        self, backed_up: Path, fresh: str, urls: Urls, call: Any
    ) -> None:
        restored = await asyncio.to_thread(call, "restore", str(backed_up), url=fresh)
        assert restored.exit_code == 0, restored.output
        with psycopg.connect(urls.owner) as here, psycopg.connect(fresh) as there:
            assert access_of(there) == access_of(here)

    async def test_migrate_restores_policies_and_grants_at_the_head(
        self, env: ClientEnv, fresh: str, urls: Urls, tmp_path: Path
    ) -> None:
        """A dump that was restored by other means without the roles: `CREATE POLICY` and `GRANT` failed."""
        dump = tmp_path / "plain.dump"
        where = psycopg.conninfo.make_conninfo(urls.owner)
        options = [
            "--role=fairlead_backup", "--enable-row-security", "--load-via-partition-root", "--schema=public",
            f"--schema={SCHEMA}",
        ]  # fmt: skip
        await run_program(find_program("pg_dump"), "-Fc", "-f", str(dump), *options, where)
        await run_program(find_program("pg_restore"), "--no-owner", "--no-acl", "-d", fresh, str(dump))
        with psycopg.connect(fresh) as connection:
            for schema, table, policy in connection.execute(
                "SELECT schemaname, tablename, policyname FROM pg_policies WHERE roles <> '{pg_database_owner}'"
            ).fetchall():
                connection.execute(
                    sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy), sql.Identifier(schema, table))
                )
        await prepare_roles(fresh.replace("another_owner@", "postgres@"), PASSWORDS)
        await asyncio.to_thread(migrate_schema, fresh)
        with psycopg.connect(urls.owner) as here, psycopg.connect(fresh) as there:
            assert access_of(there) == access_of(here)


@pytest.fixture
def nightly(servers: Servers, urls: Urls) -> Iterator[str]:
    """A login that the operator created, member of the backup's role only."""
    with psycopg.connect(servers.admin_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE nightly LOGIN NOINHERIT PASSWORD 'x'")
        admin.execute(sql.SQL("GRANT {} TO nightly").format(sql.Identifier(BACKUP)))
        yield with_role(urls.backup, "nightly", "x")
        admin.execute("DROP ROLE nightly")


@pytest.mark.parametrize("login", ["fairlead_backup", "nightly"])
async def test_a_backup_by_a_login_of_its_own_needs_nothing_else(
    env: ClientEnv, urls: Urls, nightly: str, login: str, tmp_path: Path
) -> None:
    """Includes the newest partition, which the relay may have created after the migration."""
    await seed(env)
    month = f"SELECT {SCHEMA}.create_month('change', {SCHEMA}.last_end('change'))"
    with psycopg.connect(urls.owner) as owner:
        owner.execute(month.encode())
    alone = dict.fromkeys(SERVERS) | {
        "DATABASE_BACKUP_URL": nightly if login == "nightly" else urls.backup,
        "FAIRLEAD_VAULT_KEYS": VAULT_KEYS,
    }
    written = await asyncio.to_thread(CliRunner().invoke, main, ("backup", "--out", str(tmp_path)), env=alone)
    folder = made(written)
    assert tables_of(folder)["change"]["rows"] > 0
    checked = await asyncio.to_thread(CliRunner().invoke, main, ("restore", str(folder), "--check"), env=alone)
    assert checked.exit_code == 0, checked.output
    with psycopg.connect(urls.owner) as connection:
        found = read_last_backup(connection)
    assert found is not None
    assert not found.as_owner


async def test_without_the_backup_login_the_owner_is_used_with_a_warning(backed_up: Path, urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        found = read_last_backup(connection)
    assert found is not None
    assert found.as_owner


class TestRefusals:
    """Each refusal is one sentence, and nothing is changed."""

    async def test_a_target_that_is_not_empty(self, backed_up: Path, call: Any) -> None:
        assert "not empty" in refused(await asyncio.to_thread(call, "restore", str(backed_up)))

    @pytest.mark.parametrize(
        ("damage", "expected"),
        [
            (lambda folder: (folder / "manifest.json").unlink(), "not a whole backup"),
            (lambda folder: (folder / "manifest.sig").unlink(), "not a whole backup"),
            (lambda folder: (folder / "database.dump").unlink(), "is missing"),
            (lambda folder: (folder / "database.dump").write_bytes(b""), "cut or changed"),
            (lambda folder: os.truncate(folder / "database.dump", 5000), "cut or changed"),
            (lambda folder: flip(folder / "database.dump"), "cut or changed"),
            (lambda folder: flip(folder / "manifest.json"), "changed"),
            (shutil.rmtree, "not a whole backup"),
            (forge, "was changed"),
        ],
    )
    async def test_a_partial_cut_changed_or_empty_backup(
        self, backed_up: Path, fresh: str, call: Any, damage: Any, expected: str
    ) -> None:
        damage(backed_up)
        assert expected in refused(await asyncio.to_thread(call, "restore", str(backed_up), url=fresh))
        with psycopg.connect(fresh) as connection:
            left = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            assert left.fetchone() == (0,)

    async def test_other_vault_keys(self, backed_up: Path, fresh: str, call: Any) -> None:
        other = "k1:" + "B" * 43 + "="
        assert "another one of that name" in refused(
            await asyncio.to_thread(call, "restore", str(backed_up), url=fresh, keys=other)
        )
        assert "is not given" in refused(
            await asyncio.to_thread(call, "restore", str(backed_up), url=fresh, keys=other.replace("k1", "k9"))
        )

    async def test_a_table_that_the_backup_role_cannot_read_whole(self, urls: Urls, tmp_path: Path) -> None:
        """Row-level security would silently omit rows."""
        with psycopg.connect(urls.owner) as connection:
            with connection.transaction(force_rollback=True):
                connection.execute("DROP POLICY backup_reads ON change")
                with pytest.raises(BackupFailed, match="cannot read all of change"):
                    enter_backup_role(connection)
            with connection.transaction(force_rollback=True):
                connection.execute("CREATE POLICY narrow ON change AS RESTRICTIVE USING (false)")
                with pytest.raises(BackupFailed, match="cannot read all of change"):
                    enter_backup_role(connection)
            with connection.transaction(force_rollback=True):
                connection.execute("CREATE TABLE forgotten (id int)")
                with pytest.raises(BackupFailed, match="cannot read all of forgotten"):
                    enter_backup_role(connection)

    async def test_a_failed_backup_leaves_nothing(self, env: ClientEnv, urls: Urls, tmp_path: Path) -> None:
        broken = urls.owner.replace("fairlead_owner", "nobody_at_all")
        with pytest.raises((BackupFailed, psycopg.Error)):
            await asyncio.to_thread(create_backup, broken, vault_keys=VAULT_KEYS, out=tmp_path, now=utc_now())
        assert names_in(tmp_path) == set()


class TestSecrecy:
    async def test_without_a_passphrase_the_vaults_keys_are_not_in_it(self, backed_up: Path) -> None:
        held = held_in(backed_up)
        assert VAULT_KEYS.partition(":")[2].encode() not in held
        assert {mode & 0o077 for mode in modes_of(backed_up)} == {0}

    async def test_under_a_passphrase_nothing_is_in_the_clear_and_the_keys_are_in_it(
        self, env: ClientEnv, fresh: str, call: Any, tmp_path: Path
    ) -> None:
        secret = written(tmp_path / "passphrase", PASSPHRASE)
        await env.deliver(env.change(SKU, PRICE, 10_300))
        folder = made(await asyncio.to_thread(call, "backup", "--out", str(tmp_path), "--passphrase-file", str(secret)))
        assert names_in(folder) == {
            "manifest.json", "manifest.sig", "database.dump.sealed", "vault.keys.sealed",
        }  # fmt: skip
        held = held_in(folder)
        for clear in (b"PGDMP", SKU.encode(), VAULT_KEYS.partition(":")[2].encode(), PASSPHRASE.encode()):
            assert clear not in held
        wrong = written(tmp_path / "wrong", "another long passphrase")
        assert "does not open" in refused(
            await asyncio.to_thread(call, "restore", str(folder), "--passphrase-file", str(wrong), url=fresh)
        )
        out = tmp_path / "out" / "vault.keys"
        out.parent.mkdir()
        restored = await asyncio.to_thread(
            call, "restore", str(folder), "--passphrase-file", str(secret), "--vault-keys-out", str(out), url=fresh,
            keys="",
        )  # fmt: skip
        assert restored.exit_code == 0, restored.output
        assert modes_of(out.parent)[1] & 0o077 == 0
        assert held_in(out.parent) == VAULT_KEYS.encode()

    async def test_for_a_public_key_only_the_private_one_opens_it(
        self, env: ClientEnv, call: Any, tmp_path: Path
    ) -> None:
        private = X25519PrivateKey.generate()
        public_file, private_file = tmp_path / "public.pem", tmp_path / "private.pem"
        public_file.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        private_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        folder = made(await asyncio.to_thread(call, "backup", "--out", str(tmp_path), "--recipient", str(public_file)))
        assert "encrypted" in refused(await asyncio.to_thread(call, "restore", str(folder), "--check"))
        checked = await asyncio.to_thread(
            call, "restore", str(folder), "--check", "--private-key", str(private_file), keys=""
        )
        assert checked.exit_code == 0, checked.output
        os.truncate(folder / "database.dump.sealed", 1024)
        assert "cut or changed" in refused(
            await asyncio.to_thread(call, "restore", str(folder), "--check", "--private-key", str(private_file))
        )


async def test_a_backup_is_consistent_during_writes(env: ClientEnv, backed_up: Path, urls: Urls) -> None:
    """Counts, heads and dump are of one snapshot: the verification compares them, and the commands succeed."""
    with psycopg.connect(urls.owner) as connection:
        found = read_last_backup(connection)
    assert found is not None
    assert abs((utc_now() - found.created_at).total_seconds()) < 300


async def test_an_embedded_installation_is_backed_up_and_restored_by_its_folder(
    env: ClientEnv, call: Any, tmp_path: Path
) -> None:
    """The backup of external servers is restored to an embedded installation, whose own backup is complete as well."""
    secret = written(tmp_path / "passphrase", PASSPHRASE)
    sealed = ("--passphrase-file", str(secret))
    folder = made(await asyncio.to_thread(call, "backup", "--out", str(tmp_path / "first"), *sealed))
    root, nowhere = tmp_path / "data", dict.fromkeys(("DATABASE_URL", "REDIS_URL", "FAIRLEAD_VAULT_KEYS"))

    def alone(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=nowhere)

    assert "no installation" in refused(await asyncio.to_thread(alone, "backup", "--out", "x", "--data", str(root)))
    restored = await asyncio.to_thread(alone, "restore", str(folder), "--data", str(root), *sealed)
    assert restored.exit_code == 0, restored.output
    second = made(await asyncio.to_thread(alone, "backup", "--out", str(tmp_path / "second"), "--data", str(root)))
    with (
        EmbeddedServers(root / "servers") as servers,
        psycopg.connect(servers.database_url(dbname="fairlead")) as there,
    ):
        found = read_last_backup(there)
        assert found is not None
        assert not found.as_owner, "an embedded installation has a login for backups"
    first_tables, second_tables = tables_of(folder), tables_of(second)
    assert {name for name in first_tables if first_tables[name] != second_tables[name]} <= {"installation"}
    again = await asyncio.to_thread(alone, "restore", str(folder), "--data", str(root), *sealed)
    assert "not empty" in refused(again)
    copied = tmp_path / "base"
    with EmbeddedServers(root / "servers") as servers:
        await run_program(
            find_program("pg_basebackup"), "-D", str(copied), "-d", servers.database_url(), "--checkpoint=fast"
        )
    assert "backup_manifest" in names_in(copied), "R5: the embedded server can be copied while it runs"


def tables_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_bytes())["tables"])
