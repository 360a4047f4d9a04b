"""The vault on a real database, as the application's own role."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from foundation.audit.chain import verify_chain
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.vault.errors import CiphertextInvalid, VaultSealed
from foundation.vault.key_ring import KeyRing
from foundation.vault.rotation import EncryptedColumn, destroy_keys, reencrypt, rewrap, rotate_data_key
from foundation.vault.vault import CACHE_LIFE, Vault
from tests.conftest import Urls

RING = KeyRing({"k1": bytes(range(32))}, current="k1")
PURPOSE = "connection:42:secrets"


class MovableClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def vault(clock: MovableClock) -> Vault:
    return Vault(RING, new_id, clock)


async def sealed(
    db: Database, vault: Vault, scope: Scope, plaintext: bytes = b"token", purpose: str = PURPOSE
) -> bytes:
    async with db.transaction(scope) as session:
        return await vault.encrypt(session, purpose, plaintext)


async def opened(db: Database, vault: Vault, scope: Scope, ciphertext: bytes, purpose: str = PURPOSE) -> bytes:
    async with db.transaction(scope) as session:
        return await vault.decrypt(session, purpose, ciphertext)


async def rotate(db: Database, vault: Vault, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        await rotate_data_key(session, vault)


async def reseal(db: Database, vault: Vault, scope: Scope, column: EncryptedColumn, *, batch: int) -> int:
    async with db.transaction(scope) as session:
        return await reencrypt(session, vault, columns=[column], batch=batch)


async def states(db: Database, scope: Scope) -> list[tuple[str, str]]:
    async with db.transaction(scope) as session:
        rows = await session.execute(
            text("SELECT state, kek_id FROM vault_key WHERE tenant_id = :t ORDER BY id"), {"t": scope.tenant_id}
        )
        return [(row.state, row.kek_id) for row in rows]


async def audited(db: Database, scope: Scope) -> list[str]:
    async with db.transaction(scope) as session:
        rows = await session.execute(
            text("SELECT action FROM audit_entry WHERE tenant_id = :t ORDER BY seq"), {"t": scope.tenant_id}
        )
        return list(rows.scalars())


class TestSealing:
    async def test_sealed_bytes_open_in_another_process(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        ciphertext = await sealed(db, vault, scope, b"s3cret")

        assert b"s3cret" not in ciphertext
        assert await opened(db, Vault(RING, new_id, clock), scope, ciphertext) == b"s3cret"

    async def test_a_tenant_has_one_key_however_often_it_seals(self, db: Database, scope: Scope, vault: Vault) -> None:
        for _ in range(3):
            await sealed(db, vault, scope)

        assert await states(db, scope) == [("active", "k1")]
        assert await audited(db, scope) == ["vault.key_created"]

    async def test_first_uses_at_the_same_time_agree_on_one_key(
        self, db: Database, scope: Scope, clock: MovableClock
    ) -> None:
        vaults = [Vault(RING, new_id, clock) for _ in range(6)]

        ciphertexts = await asyncio.gather(*(sealed(db, vault, scope, b"x") for vault in vaults))

        assert await states(db, scope) == [("active", "k1")]
        assert {await opened(db, vaults[0], scope, ciphertext) for ciphertext in ciphertexts} == {b"x"}

    async def test_the_database_never_holds_the_data_key(self, db: Database, scope: Scope, vault: Vault) -> None:
        ciphertext = await sealed(db, vault, scope)
        stranger = Vault(KeyRing({"k1": bytes(32)}, current="k1"), new_id, vault.clock)

        with pytest.raises(CiphertextInvalid):
            await opened(db, stranger, scope, ciphertext)

    async def test_another_purpose_does_not_open_it(self, db: Database, scope: Scope, vault: Vault) -> None:
        with pytest.raises(CiphertextInvalid):
            await opened(db, vault, scope, await sealed(db, vault, scope), "connection:43:secrets")

    @pytest.mark.parametrize("other", ["other_scope", "sibling_scope"])
    async def test_another_tenant_does_not_open_it_even_in_the_process_that_remembers_the_key(
        self, db: Database, scope: Scope, vault: Vault, other: str, request: pytest.FixtureRequest
    ) -> None:
        second = request.getfixturevalue(other)
        ciphertext = await sealed(db, vault, scope)
        await sealed(db, vault, second)

        with pytest.raises(CiphertextInvalid):
            await opened(db, vault, second, ciphertext)

    async def test_a_stolen_wrapped_key_is_of_no_use_to_another_tenant(
        self, db: Database, scope: Scope, other_scope: Scope, vault: Vault, urls: Urls
    ) -> None:
        ciphertext = await sealed(db, vault, scope)
        async with await psycopg.AsyncConnection.connect(urls.intake) as connection:
            wrapped = await rows_for_intake(connection, scope.tenant_id)

        with pytest.raises(CiphertextInvalid):
            vault.open_with(other_scope.tenant_id, wrapped, PURPOSE, ciphertext)

    async def test_a_missing_wrapping_key_seals_the_vault_until_it_is_back(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        ciphertext = await sealed(db, vault, scope)
        without = Vault(KeyRing({"k9": bytes(32)}, current="k9"), new_id, clock)

        with pytest.raises(VaultSealed, match="k1"):
            await opened(db, without, scope, ciphertext)
        assert await opened(db, vault, scope, ciphertext) == b"token"


async def rows_for_intake(connection: psycopg.AsyncConnection, tenant_id: UUID) -> dict[UUID, bytes]:
    found = await connection.execute("SELECT id, wrapped FROM vault_key WHERE tenant_id = %s", (tenant_id,))
    return {key_id: wrapped async for key_id, wrapped in found}


class TestIntake:
    async def test_intake_opens_secrets_of_any_tenant_from_the_rows_it_may_read(
        self, db: Database, scope: Scope, other_scope: Scope, urls: Urls
    ) -> None:
        writer = Vault(RING, new_id, MovableClock())
        ciphertexts = {
            each.tenant_id: await sealed(db, writer, each, each.actor.name.encode()) for each in (scope, other_scope)
        }
        intake = Vault(RING, new_id, MovableClock())

        async with await psycopg.AsyncConnection.connect(urls.intake) as connection:
            for each in (scope, other_scope):
                wrapped = await rows_for_intake(connection, each.tenant_id)
                clear = intake.open_with(each.tenant_id, wrapped, PURPOSE, ciphertexts[each.tenant_id])
                assert clear == each.actor.name.encode()

    async def test_a_deleted_key_is_not_used_from_the_cache(self, db: Database, scope: Scope, vault: Vault) -> None:
        ciphertext = await sealed(db, vault, scope)

        with pytest.raises(CiphertextInvalid, match="no longer exists"):
            vault.open_with(scope.tenant_id, {}, PURPOSE, ciphertext)


@pytest.fixture
async def secrets(db: Database, urls: Urls, scope: Scope, vault: Vault) -> AsyncIterator[EncryptedColumn]:
    """A table with 25 sealed values of the tenant and one of a sibling."""
    name = f"sealed_{new_id().hex}"
    async with await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as owner:
        await owner.execute(f"CREATE TABLE {name} (tenant_id uuid, id uuid, value bytea, PRIMARY KEY (tenant_id, id))")
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE ON {name} TO fairlead_app")
        for number in range(25):
            row = new_id()
            value = await sealed(db, vault, scope, b"%d" % number, f"thing:{row}")
            await owner.execute(f"INSERT INTO {name} VALUES (%s, %s, %s)", (scope.tenant_id, row, value))
        await owner.execute(f"INSERT INTO {name} VALUES (%s, %s, NULL)", (scope.tenant_id, new_id()))
        await owner.execute(f"INSERT INTO {name} VALUES (%s, %s, %s)", (new_id(), new_id(), b"a sibling's"))
        yield EncryptedColumn(name, "value", "thing:{id}")
        await owner.execute(f"DROP TABLE {name}")


async def read_all(db: Database, vault: Vault, scope: Scope, column: EncryptedColumn) -> set[bytes]:
    async with db.transaction(scope) as session:
        rows = await session.execute(
            text(f"SELECT id, value FROM {column.table} WHERE tenant_id = :t AND value IS NOT NULL"),
            {"t": scope.tenant_id},
        )
        return {await vault.decrypt(session, f"thing:{row.id}", bytes(row.value)) for row in rows.all()}


NUMBERS = {b"%d" % number for number in range(25)}


class TestRotation:
    async def test_reads_work_at_every_step_and_the_old_key_retires_when_unused(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock, secrets: EncryptedColumn
    ) -> None:
        await rotate(db, vault, scope)
        assert await states(db, scope) == [("draining", "k1"), ("active", "k1")]

        counts: list[int] = []
        while not counts or counts[-1]:
            assert await read_all(db, Vault(RING, new_id, clock), scope, secrets) == NUMBERS
            counts.append(await reseal(db, vault, scope, secrets, batch=10))

        assert counts == [10, 10, 5, 0]
        assert await states(db, scope) == [("retired", "k1"), ("active", "k1")]
        assert await read_all(db, Vault(RING, new_id, clock), scope, secrets) == NUMBERS
        assert await audited(db, scope) == [
            "vault.key_created", "vault.key_created", "vault.key_rotated", "vault.reencrypted", "vault.reencrypted",
            "vault.reencrypted", "vault.key_retired",
        ]  # fmt: skip

    async def test_readers_and_writers_never_fail_during_a_rotation(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock, secrets: EncryptedColumn
    ) -> None:
        done = asyncio.Event()

        async def read() -> int:
            rounds = 0
            while not done.is_set():
                assert await read_all(db, Vault(RING, new_id, clock), scope, secrets) == NUMBERS
                rounds += 1
            return rounds

        async def write() -> list[bytes]:
            made: list[bytes] = []
            while not done.is_set():
                made.append(await sealed(db, Vault(RING, new_id, clock), scope, b"new"))
            return made

        async def rotate_thrice() -> None:
            try:
                for _ in range(3):
                    await rotate(db, vault, scope)
                    while await reseal(db, vault, scope, secrets, batch=4):
                        pass
            finally:
                done.set()

        rounds, made, _ = await asyncio.gather(read(), write(), rotate_thrice())

        assert rounds > 0
        assert {await opened(db, vault, scope, ciphertext) for ciphertext in made} == {b"new"}
        assert [state for state, _ in await states(db, scope)] == ["retired"] * 3 + ["active"]

    async def test_rotations_at_the_same_time_leave_one_active_key(
        self, db: Database, scope: Scope, vault: Vault
    ) -> None:
        await sealed(db, vault, scope)

        await asyncio.gather(*(rotate(db, vault, scope) for _ in range(4)), return_exceptions=True)

        assert [state for state, _ in await states(db, scope)].count("active") == 1

    async def test_a_rotation_waits_for_writers_under_the_old_key(
        self, db: Database, scope: Scope, vault: Vault
    ) -> None:
        await sealed(db, vault, scope)

        async def rotate_impatiently() -> None:
            async with db.transaction(scope) as session:
                await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
                await rotate_data_key(session, vault)

        async with db.transaction(scope) as session:
            await vault.encrypt(session, PURPOSE, b"not yet stored")
            with pytest.raises(OperationalError, match="lock timeout"):
                await rotate_impatiently()

    async def test_rewrapping_moves_data_keys_under_the_new_wrapping_key(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        ciphertext = await sealed(db, vault, scope)
        both = Vault(KeyRing({"k1": RING.get("k1"), "k2": bytes(32)}, current="k2"), new_id, clock)

        async with db.transaction(scope) as session:
            assert await rewrap(session, both) == 1
        async with db.transaction(scope) as session:
            assert await rewrap(session, both) == 0

        assert await states(db, scope) == [("active", "k2")]
        only_new = Vault(KeyRing({"k2": bytes(32)}, current="k2"), new_id, clock)
        assert await opened(db, only_new, scope, ciphertext) == b"token"
        with pytest.raises(VaultSealed, match="k2"):
            await opened(db, Vault(RING, new_id, clock), scope, ciphertext)
        back = Vault(KeyRing({"k1": RING.get("k1"), "k2": bytes(32)}, current="k1"), new_id, clock)
        async with db.transaction(scope) as session:  # tests of backups open every key of the shared database
            assert await rewrap(session, back) == 1

    async def test_rewrapping_without_the_old_key_changes_nothing(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        await sealed(db, vault, scope)
        lost = Vault(KeyRing({"k2": bytes(32)}, current="k2"), new_id, clock)

        with pytest.raises(VaultSealed, match="k1"):
            async with db.transaction(scope) as session:
                await rewrap(session, lost)
        assert await states(db, scope) == [("active", "k1")]

    @pytest.mark.parametrize("name", ["secrets; DROP TABLE work", "a.b", "", '"x"'])
    def test_columns_are_plain_names(self, name: str) -> None:
        with pytest.raises(ValueError, match="not the name"):
            EncryptedColumn(name, "value", "thing:{id}")


class TestDestruction:
    async def test_destroyed_keys_leave_nothing_readable(
        self, db: Database, scope: Scope, other_scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        ciphertext, kept = await sealed(db, vault, scope), await sealed(db, vault, other_scope)

        async with db.transaction(scope) as session:
            assert await destroy_keys(session, vault) == 1

        for each in (vault, Vault(RING, new_id, clock)):
            with pytest.raises(CiphertextInvalid, match="no longer exists"):
                await opened(db, each, scope, ciphertext)
        assert await opened(db, vault, other_scope, kept) == b"token"
        async with db.transaction(scope) as session:
            assert (await verify_chain(session)).broken_at is None
        assert (await audited(db, scope))[-1] == "vault.keys_destroyed"

    async def test_another_process_drops_the_key_when_its_cache_expires(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        ciphertext = await sealed(db, vault, scope)
        second = Vault(RING, new_id, clock)
        assert await opened(db, second, scope, ciphertext) == b"token"
        async with db.transaction(scope) as session:
            await destroy_keys(session, vault)

        clock.now += CACHE_LIFE
        with pytest.raises(CiphertextInvalid):
            await opened(db, second, scope, ciphertext)

    async def test_a_clock_that_steps_back_does_not_extend_the_cache(
        self, db: Database, scope: Scope, vault: Vault, clock: MovableClock
    ) -> None:
        ciphertext = await sealed(db, vault, scope)
        second = Vault(RING, new_id, clock)
        await opened(db, second, scope, ciphertext)
        async with db.transaction(scope) as session:
            await destroy_keys(session, vault)

        clock.now -= timedelta(minutes=10)
        with pytest.raises(CiphertextInvalid):
            await opened(db, second, scope, ciphertext)
