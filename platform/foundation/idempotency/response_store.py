"""Storage of a response under the idempotency key of its request, in the transaction of the request's effect.

Keys are scoped to the actor and the account: keys of two members or of two accounts never collide. Source:
draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import buffer, scope_of
from foundation.database.locks import try_lock
from foundation.idempotency.errors import KeyInUse, KeyMalformed, KeyReused
from foundation.jobs.enqueue import set_timer
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault

RETENTION: Final = timedelta(hours=24)
PRUNE: Final = JobType("foundation.prune_responses", N_("Delete expired responses"), NoPayload, batch=1)
LANE: Final = "housekeeping"
LONGEST: Final = 255
_KEY: Final = re.compile(r"[!-~]+", re.ASCII)
_PURPOSE: Final = "idempotency:{actor_id}:{key}"

SEALED: Final = EncryptedColumn("idempotency_key", "sealed_response", _PURPOSE, keys=("actor_id", "key"))
"""Sealed column, for `vault.rotation`."""


class StoredResponse(msgspec.Struct, frozen=True):
    """A response. `headers` are all except those specific to one transmission."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class _SealedResponse(msgspec.Struct, frozen=True):
    request_hash: bytes
    answer: StoredResponse


def read_key(header: str) -> str:
    """The header's value, with or without the draft's quotation marks.

    Raises:
        KeyMalformed: empty, longer than 255 characters, or not visible ASCII.
    """
    quoted = len(header) > 1 and header[0] == header[-1] == '"'
    key = header[1:-1] if quoted else header
    if len(key) > LONGEST or not _KEY.fullmatch(key):
        raise KeyMalformed
    return key


async def find_response(session: AsyncSession, vault: Vault, *, key: str, request_hash: bytes) -> StoredResponse | None:
    """The stored response to this key. None: this request is the first, and concurrent ones wait for its end.

    Raises:
        KeyInUse: the first request with this key is in progress.
        KeyReused: the key was used with a different request.
    """
    scope = scope_of(session)
    names = {"tenant_id": scope.tenant_id, "actor_id": scope.actor.id, "key": key}
    # Two statements: the second must see commits made before the lock was acquired.
    if not await try_lock(session, f"idempotency:{scope.tenant_id}:{scope.actor.id}:{key}"):
        raise KeyInUse
    sealed = await session.scalar(
        text("""
            SELECT sealed_response FROM idempotency_key
            WHERE tenant_id = :tenant_id AND actor_id = :actor_id AND key = :key
        """),
        names,
    )
    if sealed is None:
        return None
    stored = msgspec.msgpack.decode(
        await vault.decrypt(session, _PURPOSE.format(**names), bytes(sealed)), type=_SealedResponse
    )
    if stored.request_hash != request_hash:
        raise KeyReused
    return stored.answer


async def store_response(  # noqa: PLR0913 - keyword-only parts of one row
    session: AsyncSession, vault: Vault, *, key: str, request_hash: bytes, answer: StoredResponse, now: datetime
) -> None:
    """Store the response for at least `RETENTION`, if the transaction commits."""
    scope = scope_of(session)
    names = {"actor_id": scope.actor.id, "key": key}
    plain = msgspec.msgpack.encode(_SealedResponse(request_hash, answer))
    await session.execute(
        text("""
            INSERT INTO idempotency_key (tenant_id, msp_id, actor_id, key, sealed_response, created_at)
            VALUES (:tenant_id, :msp_id, :actor_id, :key, :sealed_response, :now)
        """),
        {
            "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, **names, "now": now,
            "sealed_response": await vault.encrypt(session, _PURPOSE.format(**names), plain),
        },
    )  # fmt: skip
    # At the commit: the timer's row is the tenant's only one, and must not stay locked for the rest of the transaction.
    buffer(session, _schedule_pruning).append(now + RETENTION)


async def _schedule_pruning(session: AsyncSession, due: list[datetime]) -> None:
    await set_timer(session, name=PRUNE.name, lane=LANE, job_type=PRUNE, due_at=min(due))


async def prune_responses(session: AsyncSession, *, now: datetime) -> int:
    """Delete responses older than `RETENTION`, and reschedule for the rest, at most hourly.

    Returns the number deleted.
    """
    tenant = {"tenant_id": scope_of(session).tenant_id}
    gone = await session.execute(
        text("DELETE FROM idempotency_key WHERE tenant_id = :tenant_id AND created_at <= :until RETURNING 1"),
        {**tenant, "until": now - RETENTION},
    )
    oldest: datetime | None = await session.scalar(
        text("SELECT min(created_at) FROM idempotency_key WHERE tenant_id = :tenant_id"), tenant
    )
    if oldest is not None:
        due = max(oldest + RETENTION, now + timedelta(hours=1))
        await set_timer(session, name=PRUNE.name, lane=LANE, job_type=PRUNE, due_at=due)
    return len(gone.all())


async def repair_pruning(session: AsyncSession, now: datetime) -> None:
    """Ensure that a timer exists while there is a response to delete."""
    oldest: datetime | None = await session.scalar(
        text("SELECT min(created_at) FROM idempotency_key WHERE tenant_id = :t"), {"t": scope_of(session).tenant_id}
    )
    if oldest is not None:
        due = max(oldest + RETENTION, now + timedelta(hours=1))
        await ensure_timer(session, name=PRUNE.name, lane=LANE, job_type=PRUNE, due_at=due)
