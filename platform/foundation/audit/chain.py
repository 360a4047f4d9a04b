"""Appending to and verification of a tenant's audit chain.

Each entry's hash is SHA-256 over the previous hash and the entry's canonical JSON. Truncation of the newest entries, or
a rewrite from some entry on, is detectable only against an exported head, which `verify_chain` takes as `expected`.
Entries removed by retention are represented by an anchor.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import buffer, scope_of
from foundation.decoding import decode_json
from foundation.scope import Scope
from foundation.telemetry.correlation import current_correlation
from foundation.text import clean_foreign_text, clean_foreign_values

GENESIS = bytes(32)


class _NewEntry(NamedTuple):
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


class ChainPoint(NamedTuple):
    """A position in a chain: an entry's sequence number and its hash. Genesis is (0, 32 zero bytes)."""

    seq: int
    hash: bytes


START: Final = ChainPoint(0, GENESIS)


class ChainVerification(msgspec.Struct, frozen=True):
    """Result of a verification. `entries` is the last sequence number that verified. `broken_at` is the first entry
    that does not follow from its predecessor, or lies beyond the head or before the anchor; None when the chain is
    intact. `removed_to` is the last entry that retention removed, from which the chain was recomputed; 0 for none.
    """

    entries: int
    head: str
    broken_at: int | None = None
    removed_to: int = 0


def append_audit(  # noqa: PLR0913 - keyword-only parts of one entry
    session: AsyncSession, *, action: str, subject: str, data: dict[str, Any], at: datetime, correlation: str = ""
) -> None:
    """Append an entry when the transaction commits. `data` holds ids and values, never secrets.

    `correlation` is for batches, whose jobs have different correlation ids; by default the current one is used.
    """
    entry = _NewEntry(action, clean_foreign_text(subject), data, at, correlation or current_correlation())
    buffer(session, _append, last=True).append(entry)


async def _append(session: AsyncSession, notes: list[Any]) -> None:
    scope = scope_of(session)
    seq, last = await _lock_head(session, scope)
    actor = {"kind": scope.actor.kind, "id": scope.actor.id, "name": scope.actor.name}
    if scope.actor.looks_as:
        actor["looks_as"] = scope.actor.looks_as
    entries: list[_Entry] = []
    for number, entry in enumerate(notes, start=seq + 1):
        body = _encode(number, entry, actor)
        last = hashlib.sha256(last + body).digest()
        entries.append(_Entry(number, entry.at, entry.action, entry.subject, body.decode(), f"\\x{last.hex()}"))
    await _WRITE.execute(session, entries, head_seq=seq + len(notes), head_hash=last)


def _encode(number: int, entry: _NewEntry, actor: dict[str, Any]) -> bytes:
    """Canonical JSON of an entry, cleaned of U+0000 and lone surrogates. Searching the result costs a tenth of
    searching every value, and cleaning is rarely needed.
    """
    content = {
        "seq": number, "at": entry.at, "actor": actor, "action": entry.action, "subject": entry.subject,
        "data": entry.data, "correlation": entry.correlation,
    }  # fmt: skip
    try:
        body = msgspec.json.encode(content, order="deterministic")
    except UnicodeEncodeError:  # a lone surrogate
        body = _NUL
    return body if _NUL not in body else msgspec.json.encode(clean_foreign_values(content), order="deterministic")


_NUL: Final = b"\\u0000"
"""U+0000 as written in JSON, which PostgreSQL cannot store in text. Escaped backslashes before `u0000` match as well;
their cleaning changes nothing.
"""


async def _lock_head(session: AsyncSession, scope: Scope) -> tuple[int, bytes]:
    keys = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id}
    locked = text("SELECT seq, hash FROM audit_head WHERE tenant_id = :tenant_id FOR UPDATE")
    head = (await session.execute(locked, keys)).one_or_none()
    if head is None:  # the tenant's first entry; a concurrent first entry waits here
        await session.execute(
            text("""
                INSERT INTO audit_head (tenant_id, msp_id, seq, hash) VALUES (:tenant_id, :msp_id, 0, :genesis)
                ON CONFLICT (tenant_id) DO NOTHING
            """),
            {**keys, "genesis": GENESIS},
        )
        head = (await session.execute(locked, keys)).one()
    return head.seq, bytes(head.hash)


async def load_anchor(session: AsyncSession) -> ChainPoint:
    """The last anchor that retention recorded for the session's tenant."""
    found = (
        await session.execute(
            text("SELECT seq, hash FROM audit_anchor WHERE tenant_id = :t ORDER BY seq DESC LIMIT 1"),
            {"t": scope_of(session).tenant_id},
        )
    ).one_or_none()
    return START if found is None else ChainPoint(found.seq, bytes(found.hash))


async def verify_chain(
    session: AsyncSession,
    *,
    anchor: ChainPoint | None = None,
    expected: Sequence[ChainPoint] = (),
    removable_to: int | None = None,
    page: int = 5000,
) -> ChainVerification:
    """Recompute every hash of the session's tenant from `anchor` up to its current head, oldest first.

    `anchor` is the last entry that retention removed; the entries it represents are trusted. By default it is the
    anchor that retention recorded. Entries at or before it, and entries beyond the head, are faults.

    `expected` are exported heads: the chain, or an anchor, must still pass through each of them that is not before the
    anchor. `removable_to` is the last entry that was old enough for retention: an anchor beyond it means that the
    beginning was cut off by other means.

    Head, first and last entry are read in one statement, so that concurrent entries are not reported as faults.
    """
    anchor = anchor or await load_anchor(session)
    verification = await _verify_from(session, anchor, expected, page=page)
    if verification.broken_at is None:
        verification = msgspec.structs.replace(
            verification, broken_at=await _check_anchors(session, anchor, expected, removable_to)
        )
    return msgspec.structs.replace(verification, removed_to=anchor.seq)


async def _verify_from(
    session: AsyncSession, anchor: ChainPoint, expected: Sequence[ChainPoint], *, page: int
) -> ChainVerification:
    bounds = (await session.execute(_BOUNDS, {"t": scope_of(session).tenant_id})).one()
    if bounds.first is not None and bounds.first <= anchor.seq:
        return ChainVerification(entries=anchor.seq, head=anchor.hash.hex(), broken_at=bounds.first)
    if bounds.head_seq is None:
        faults = [anchor.seq, bounds.first or 0, *(point.seq for point in expected)]
        return ChainVerification(0, GENESIS.hex(), broken_at=min((seq for seq in faults if seq > 0), default=None))
    head = ChainPoint(bounds.head_seq, bytes(bounds.head_hash))
    kept = {point.seq: point.hash for point in expected}
    verified = await _verify_entries(session, anchor, head, kept, page=page)
    if verified.broken_at is not None:
        return verified
    if bounds.last is not None and bounds.last > head.seq:
        return ChainVerification(entries=head.seq, head=head.hash.hex(), broken_at=head.seq + 1)
    cut = [seq for seq in kept if seq > head.seq]
    return ChainVerification(verified.entries, verified.head, broken_at=head.seq + 1 if cut else None)


async def _check_anchors(
    session: AsyncSession, anchor: ChainPoint, expected: Sequence[ChainPoint], removable_to: int | None
) -> int | None:
    """Number of the first entry that an anchor misrepresents; each removal has recorded its own anchor."""
    if removable_to is not None and anchor.seq > removable_to:
        return removable_to + 1
    rows = await session.execute(
        text("SELECT seq, hash FROM audit_anchor WHERE tenant_id = :t ORDER BY seq"),
        {"t": scope_of(session).tenant_id},
    )
    anchors = {row.seq: bytes(row.hash) for row in rows} | {anchor.seq: anchor.hash}
    wrong = (point.seq for point in expected if anchors.get(point.seq, point.hash) != point.hash)
    return min(wrong, default=None)


_BOUNDS: Final = text("""
    SELECT (SELECT seq FROM audit_head WHERE tenant_id = :t) AS head_seq,
           (SELECT hash FROM audit_head WHERE tenant_id = :t) AS head_hash,
           (SELECT min(seq) FROM audit_entry WHERE tenant_id = :t) AS first,
           (SELECT max(seq) FROM audit_entry WHERE tenant_id = :t) AS last
""")
_PAGE: Final = text("""
    SELECT seq, at, action, subject, body, hash FROM audit_entry
     WHERE tenant_id = :t AND seq > :seq AND seq <= :head ORDER BY seq LIMIT :page
""")


async def _verify_entries(
    session: AsyncSession, anchor: ChainPoint, head: ChainPoint, kept: Mapping[int, bytes], *, page: int
) -> ChainVerification:
    keys = {"t": scope_of(session).tenant_id, "head": head.seq, "page": page}
    seq, last = anchor
    while seq < head.seq:
        before = seq
        for row in await session.execute(_PAGE, {**keys, "seq": seq}):
            following = hashlib.sha256(last + row.body.encode()).digest()
            if row.seq != seq + 1 or following != bytes(row.hash) or not _agrees(row):
                return ChainVerification(entries=seq, head=last.hex(), broken_at=seq + 1)
            if kept.get(row.seq, following) != following:
                return ChainVerification(entries=seq, head=last.hex(), broken_at=row.seq)
            seq, last = row.seq, following
        if seq == before:
            return ChainVerification(entries=seq, head=last.hex(), broken_at=seq + 1)
    whole = (seq, last) == head
    return ChainVerification(entries=seq, head=last.hex(), broken_at=None if whole else seq)


class _Body(msgspec.Struct):
    seq: int
    at: datetime
    action: str
    subject: str


def _agrees(row: Any) -> bool:
    """Whether the columns beside the body, which are for searching, match the hashed body."""
    try:
        body = decode_json(row.body, type=_Body)
    except msgspec.MsgspecError:
        return False
    return (body.seq, body.at, body.action, body.subject) == (row.seq, row.at, row.action, row.subject)
