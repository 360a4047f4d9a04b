"""Signed heads of audit chains, for storage elsewhere: points that a chain must still pass through when verified later.

The database's owner can rewrite a chain and recompute every hash. The signature's key derives from the vault's key,
which is not in the database, so that no head can be forged afterwards. Copies at a third party (by webhook) also
protect against holders of the vault's key.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import ChainPoint
from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from foundation.errors import InvalidInput
from foundation.retention import AUDIT
from foundation.vault.errors import VaultSealed
from foundation.vault.key_ring import KeyRing

_PURPOSE: Final = b"fairlead audit heads v1"


class Head(msgspec.Struct, frozen=True):
    tenant_id: UUID
    seq: int
    hash: str


class SignedHeads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Heads of all chains of one MSP at one time: its clients' and its own. `key` is the id of the vault's key."""

    version: int = 1
    exported_at: datetime
    msp_id: UUID
    heads: Sequence[Head]
    key: str
    mac: str = ""

    def line(self) -> bytes:
        return msgspec.json.encode(self, order="deterministic") + b"\n"


async def read_heads(session: AsyncSession) -> list[Head]:
    """Heads of all chains of the session's MSP; the session reads across its clients."""
    rows = await session.execute(
        text("SELECT tenant_id, seq, hash FROM audit_head WHERE msp_id = :msp_id ORDER BY tenant_id"),
        {"msp_id": scope_of(session).msp_id},
    )
    return [Head(row.tenant_id, row.seq, bytes(row.hash).hex()) for row in rows]


def sign_heads(ring: KeyRing, msp_id: UUID, heads: Sequence[Head], *, now: datetime) -> SignedHeads:
    unsigned = SignedHeads(exported_at=now, msp_id=msp_id, heads=heads, key=ring.current)
    return msgspec.structs.replace(unsigned, mac=_mac(ring, unsigned))


def read_signed(ring: KeyRing, lines: Iterable[bytes]) -> list[SignedHeads]:
    """Parse stored exports, one a line; each must have a valid signature.

    Raises:
        InvalidInput: a line is not an export, or was not signed with the vault's key.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            signed = decode_json(line, type=SignedHeads)
        except msgspec.MsgspecError as error:
            raise InvalidInput(f"Line {number} is not an export of audit heads.") from error
        try:
            expected = _mac(ring, msgspec.structs.replace(signed, mac=""))
        except VaultSealed as error:
            raise InvalidInput(
                f"Line {number} was signed with the vault's key {signed.key}, which is not given. Add it to the keys."
            ) from error
        if not hmac.compare_digest(signed.mac, expected):
            raise InvalidInput(f"Line {number} was changed, or was not signed with the vault's key {signed.key}.")
        found.append(signed)
    return found


class ExportedChain(NamedTuple):
    """The exported points of one chain, and the last entry that may have been removed by now; None for no limit.

    Entries after a head are younger than its export: while the export is younger than the minimum age at which audit
    entries may be removed, so are they.
    """

    points: Sequence[ChainPoint]
    removable_to: int | None = None


def exported_chains(exports: Iterable[SignedHeads], *, now: datetime) -> dict[tuple[UUID, UUID], ExportedChain]:
    """The chains of `exports`, by (msp_id, tenant_id)."""
    exports = list(exports)
    young = [export for export in exports if now - export.exported_at < timedelta(days=AUDIT.least_days)]
    removable: dict[tuple[UUID, UUID], int] = {}
    for key, points in expected_points(young).items():
        removable[key] = min(point.seq for point in points)
    return {key: ExportedChain(points, removable.get(key)) for key, points in expected_points(exports).items()}


def expected_points(exports: Iterable[SignedHeads]) -> dict[tuple[UUID, UUID], list[ChainPoint]]:
    """Points that each chain must pass through, per (msp_id, tenant_id)."""
    points: dict[tuple[UUID, UUID], list[ChainPoint]] = {}
    for export in exports:
        for head in export.heads:
            points.setdefault((export.msp_id, head.tenant_id), []).append(
                ChainPoint(head.seq, bytes.fromhex(head.hash))
            )
    return points


def _mac(ring: KeyRing, unsigned: SignedHeads) -> str:
    key = hmac.digest(ring.get(unsigned.key), _PURPOSE, "sha256")
    return b64encode(hmac.digest(key, msgspec.json.encode(unsigned, order="deterministic"), "sha256")).decode()
