"""Writing to and verifying a tenant's audit chain.

Each entry's hash is SHA-256 over the previous hash and the entry's canonical JSON. Cutting the newest entries off is
visible only against a head kept elsewhere: `chain_head` gives what to keep.
"""

import hashlib
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import buffer, scope_of
from foundation.scope import Scope
from foundation.telemetry.correlation import current_correlation

GENESIS = bytes(32)


class _Note(NamedTuple):
    action: str
    subject: str
    data: dict[str, Any]
    at: datetime
    correlation: str


class _Entry(msgspec.Struct, frozen=True, gc=False):
    seq: int
    at: datetime
    action: str
    subject: str
    body: str
    hash: str


_WRITE: Final = BulkWrite(
    {
        "seq": "bigint", "at": "timestamptz", "action": "varchar", "subject": "varchar", "body": "varchar",
        "hash": "bytea",
    },
    """
    WITH put AS (
        INSERT INTO audit_entry (tenant_id, msp_id, seq, at, action, subject, body, hash)
        SELECT :tenant_id, :msp_id, r.seq, r.at, r.action, r.subject, r.body, r.hash FROM {rows} ORDER BY r.place_
    )
    UPDATE audit_head SET seq = :head_seq, hash = :head_hash WHERE tenant_id = :tenant_id
    """,
)  # fmt: skip


class Verdict(msgspec.Struct, frozen=True):
    """`broken_at` is the first sequence number that does not follow from the one before; None when all do."""

    entries: int
    head: str
    broken_at: int | None = None


def note(  # noqa: PLR0913 - keyword-only parts of one entry
    session: AsyncSession, *, action: str, subject: str, data: dict[str, Any], at: datetime, correlation: str = ""
) -> None:
    """Add an entry when the transaction commits. `data` holds ids and values, never secrets.

    `correlation` is for batches, whose items came by different ways; without it the present one is taken.
    """
    entry = _Note(action, subject, data, at, correlation or current_correlation())
    buffer(session, _append, last=True).append(entry)


async def _append(session: AsyncSession, notes: list[Any]) -> None:
    scope = scope_of(session)
    seq, last = await _lock_head(session, scope)
    actor = {"kind": scope.actor.kind, "id": scope.actor.id, "name": scope.actor.name}
    entries: list[_Entry] = []
    for number, entry in enumerate(notes, start=seq + 1):
        body = msgspec.json.encode(
            {
                "seq": number, "at": entry.at, "actor": actor, "action": entry.action, "subject": entry.subject,
                "data": entry.data, "correlation": entry.correlation,
            },
            order="deterministic",
        )  # fmt: skip
        last = hashlib.sha256(last + body).digest()
        entries.append(_Entry(number, entry.at, entry.action, entry.subject, body.decode(), f"\\x{last.hex()}"))
    await _WRITE.execute(session, entries, head_seq=seq + len(notes), head_hash=last)


async def _lock_head(session: AsyncSession, scope: Scope) -> tuple[int, bytes]:
    keys = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id}
    locked = text("SELECT seq, hash FROM audit_head WHERE tenant_id = :tenant_id FOR UPDATE")
    head = (await session.execute(locked, keys)).one_or_none()
    if head is None:  # the tenant's first entry; whoever else is first at the same time waits here
        await session.execute(
            text("""
                INSERT INTO audit_head (tenant_id, msp_id, seq, hash) VALUES (:tenant_id, :msp_id, 0, :genesis)
                ON CONFLICT (tenant_id) DO NOTHING
            """),
            {**keys, "genesis": GENESIS},
        )
        head = (await session.execute(locked, keys)).one()
    return head.seq, bytes(head.hash)


async def verify_chain(session: AsyncSession, *, page: int = 5000) -> Verdict:
    """Recompute every hash of the session's tenant up to its present head, oldest first.

    The head is read first, so entries that are written meanwhile do not look like a fault.
    """
    keys = {"t": scope_of(session).tenant_id}
    head = (await session.execute(text("SELECT seq, hash FROM audit_head WHERE tenant_id = :t"), keys)).one_or_none()
    if head is None:
        first = (await session.execute(text("SELECT min(seq) FROM audit_entry WHERE tenant_id = :t"), keys)).scalar()
        return Verdict(entries=0, head=GENESIS.hex(), broken_at=first)
    seq, last = 0, GENESIS
    while seq < head.seq:
        rows = await session.execute(
            text("""
                SELECT seq, at, action, subject, body, hash FROM audit_entry
                 WHERE tenant_id = :t AND seq > :seq AND seq <= :head ORDER BY seq LIMIT :page
            """),
            {**keys, "seq": seq, "head": head.seq, "page": page},
        )
        before = seq
        for row in rows:
            following = hashlib.sha256(last + row.body.encode()).digest()
            if row.seq != seq + 1 or following != bytes(row.hash) or not _agrees(row):
                return Verdict(entries=seq, head=last.hex(), broken_at=seq + 1)
            seq, last = row.seq, following
        if seq == before:
            return Verdict(entries=seq, head=last.hex(), broken_at=seq + 1)
    return Verdict(entries=seq, head=last.hex(), broken_at=None if last == bytes(head.hash) else seq)


class _Body(msgspec.Struct):
    seq: int
    at: datetime
    action: str
    subject: str


def _agrees(row: Any) -> bool:
    """The columns beside the body are for searching; they must say what the hashed body says."""
    try:
        body = msgspec.json.decode(row.body, type=_Body)
    except msgspec.MsgspecError:
        return False
    return (body.seq, body.at, body.action, body.subject) == (row.seq, row.at, row.action, row.subject)
