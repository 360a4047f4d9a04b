"""Redemption of an approval, once, for exactly the approved content. Called in the transaction of the effect itself."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import DomainError, NotFound
from foundation.marks import N_
from foundation.scope import Scope
from policy import approval_repository as sql
from policy.approval_repository import run
from policy.errors import ApprovalExpired, ApprovalMismatch, ApprovalNotGranted, ApprovalUsed
from policy.states import ApprovalState


class RedeemResult(StrEnum):
    REDEEMED = "redeemed"
    MISMATCH = "mismatch"
    EXPIRED = "expired"
    NOT_GRANTED = "not_granted"
    USED = "used"
    UNKNOWN = "unknown"


async def redeem_approval(
    session: AsyncSession, scope: Scope, *, approval_id: UUID, content_hash: bytes, now: datetime
) -> None:
    """Redeem one approval. Raises unless it is granted, unexpired, unused, and for this content. It cannot be redeemed
    again.
    """
    results = await redeem_approvals(session, scope, content_hashes={approval_id: content_hash}, now=now)
    refusal = _refusal(results[approval_id])
    if refusal is not None:
        raise refusal


async def redeem_approvals(
    session: AsyncSession, scope: Scope, *, content_hashes: Mapping[UUID, bytes], now: datetime
) -> dict[UUID, RedeemResult]:
    """Redeem many approvals by id with their content hashes, in one statement; only effects with REDEEMED may be
    executed.
    """
    wanted = {"ids": list(content_hashes), "hashes": list(content_hashes.values()), "now": now}
    rows = await run(session, scope, sql.REDEEM, wanted)
    return {row.id: _result(row.state, fresh=row.fresh, same=row.same, redeemed=row.redeemed) for row in rows}


def _result(state: str | None, *, fresh: bool, same: bool, redeemed: bool) -> RedeemResult:
    if redeemed:
        return RedeemResult.REDEEMED
    if state is None:
        return RedeemResult.UNKNOWN
    if state == ApprovalState.USED:
        return RedeemResult.USED
    if state == ApprovalState.EXPIRED or (state == ApprovalState.GRANTED and not fresh):
        return RedeemResult.EXPIRED
    if state != ApprovalState.GRANTED:
        return RedeemResult.NOT_GRANTED
    return RedeemResult.USED if same else RedeemResult.MISMATCH


def _refusal(result: RedeemResult) -> DomainError | None:
    match result:
        case RedeemResult.REDEEMED:
            return None
        case RedeemResult.MISMATCH:
            return ApprovalMismatch(
                N_(
                    "The content, its target, the policy, or the data behind the decision has changed since the "
                    "approval. A new approval is needed."
                )
            )
        case RedeemResult.EXPIRED:
            return ApprovalExpired(N_("The approval was not used in time. It needs a new one."))
        case RedeemResult.USED:
            return ApprovalUsed(N_("This approval has already been used. Each approval can be used once."))
        case RedeemResult.NOT_GRANTED:
            return ApprovalNotGranted(N_("This has not been approved yet. Wait for the decision, or propose it again."))
        case RedeemResult.UNKNOWN:
            return NotFound()
