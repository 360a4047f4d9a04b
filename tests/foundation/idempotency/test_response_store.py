"""Idempotency keys: format, scope, stored responses and their lifetime."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.errors import DomainError
from foundation.idempotency.errors import KeyInUse, KeyMalformed, KeyReused
from foundation.idempotency.response_store import (
    PRUNE,
    RETENTION,
    SEALED,
    StoredResponse,
    find_response,
    prune_responses,
    read_key,
    store_response,
)
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.vault.key_ring import KeyRing
from foundation.vault.rotation import reencrypt, rotate_data_key
from foundation.vault.vault import Vault
from tests.conftest import make_scope

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ANSWER = StoredResponse(201, (("content-type", "application/json"),), b'{"key": "SHOWN-ONCE"}')
SAME, OTHER = b"s" * 32, b"o" * 32


@pytest.fixture
def vault() -> Vault:
    keys = KeyRing.parse("k1:" + base64.b64encode(bytes(range(32))).decode())
    return Vault(keys, new_id, lambda: NOW)


async def find(
    db: Database, vault: Vault, scope: Scope, key: str = "k", request_hash: bytes = SAME
) -> StoredResponse | None:
    async with db.transaction(scope) as session:
        return await find_response(session, vault, key=key, request_hash=request_hash)


async def keep(db: Database, vault: Vault, scope: Scope, key: str = "k", *, now: datetime = NOW) -> None:
    async with db.transaction(scope) as session:
        await store_response(session, vault, key=key, request_hash=SAME, answer=ANSWER, now=now)


@pytest.mark.parametrize(
    ("header", "key"),
    [("a", "a"), ('"8e03978e-40d5"', "8e03978e-40d5"), ("x" * 255, "x" * 255), ('"' + "x" * 255 + '"', "x" * 255)],
)
def test_a_key_is_accepted_with_and_without_quotation_marks(header: str, key: str) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize("header", ["", '""', "x" * 256, "two words", "n\xe4", "tab\t", "line\n", "\x00"])
def test_malformed_keys_are_refused(header: str) -> None:
    with pytest.raises(KeyMalformed):
        read_key(header)


async def test_the_first_finds_nothing_and_the_second_the_answer(db: Database, vault: Vault, scope: Scope) -> None:
    assert await find(db, vault, scope) is None
    await keep(db, vault, scope)
    assert await find(db, vault, scope) == ANSWER


async def test_another_request_with_the_key_is_refused(db: Database, vault: Vault, scope: Scope) -> None:
    await keep(db, vault, scope)
    with pytest.raises(KeyReused):
        await find(db, vault, scope, request_hash=OTHER)


async def test_while_the_first_runs_the_second_is_refused_at_once(db: Database, vault: Vault, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        assert await find_response(session, vault, key="k", request_hash=SAME) is None
        with pytest.raises(KeyInUse):
            await find(db, vault, scope)
        assert await find(db, vault, scope, key="another") is None
    assert await find(db, vault, scope) is None


async def test_a_key_belongs_to_its_actor_and_tenant(
    db: Database, vault: Vault, scope: Scope, sibling_scope: Scope, other_scope: Scope
) -> None:
    await keep(db, vault, scope)
    colleague = make_scope(msp_id=scope.msp_id, tenant_id=scope.tenant_id)
    same_actor_elsewhere = Scope(sibling_scope.msp_id, sibling_scope.tenant_id, scope.actor)
    for another in (sibling_scope, other_scope, colleague, same_actor_elsewhere):
        async with db.transaction(scope) as session:  # in progress there, too
            assert await find_response(session, vault, key="k", request_hash=SAME) == ANSWER
            assert await find(db, vault, another) is None


async def test_failures_are_not_stored(db: Database, vault: Vault, scope: Scope) -> None:
    async def fail() -> None:
        async with db.transaction(scope) as session:
            await store_response(session, vault, key="k", request_hash=SAME, answer=ANSWER, now=NOW)
            raise DomainError("the act failed after all")

    with pytest.raises(DomainError):
        await fail()
    assert await find(db, vault, scope) is None


async def test_stored_responses_are_encrypted_and_survive_a_key_rotation(
    db: Database, vault: Vault, scope: Scope
) -> None:
    await keep(db, vault, scope)

    async def sealed() -> bytes:
        async with db.transaction(scope) as session:
            return bytes(await session.scalar(text("SELECT sealed_response FROM idempotency_key")))

    before = await sealed()
    assert b"SHOWN" not in before
    async with db.transaction(scope) as session:
        await rotate_data_key(session, vault)
    async with db.transaction(scope) as session:
        assert await reencrypt(session, vault, columns=[SEALED], batch=10) == 1
    assert await sealed() != before
    assert await find(db, vault, scope) == ANSWER


async def test_old_responses_are_pruned_and_the_rest_later(
    db: Database, vault: Vault, scope: Scope, sibling_scope: Scope
) -> None:
    async def timer() -> object:
        async with db.transaction(scope) as session:
            return await session.scalar(text("SELECT due_at FROM timer WHERE name = :name"), {"name": PRUNE.name})

    async def fire(now: datetime) -> int:
        async with db.transaction(scope) as session:
            await session.execute(text("UPDATE timer SET due_at = NULL"))
            return await prune_responses(session, now=now)

    minute = timedelta(minutes=1)
    await keep(db, vault, scope, "first")
    await keep(db, vault, scope, "second", now=NOW + 90 * minute)
    await keep(db, vault, sibling_scope, "first")
    assert await timer() == NOW + RETENTION
    assert await fire(NOW + RETENTION - minute) == 0
    assert await timer() == NOW + RETENTION + 59 * minute, "not more than hourly"
    assert await fire(NOW + RETENTION) == 1
    assert await timer() == NOW + RETENTION + 90 * minute
    assert await find(db, vault, scope, "first") is None
    assert await find(db, vault, scope, "second") == ANSWER
    assert await fire(NOW + RETENTION + 90 * minute) == 1
    assert await timer() is None
    assert await find(db, vault, sibling_scope, "first") == ANSWER
