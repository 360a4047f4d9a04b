"""Redemption of an approval, once, for exactly the approved content. Called in the transaction of the effect itself."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.scope import Scope
from policy import approval_repository as sql
from policy.approval_repository import run
from policy.states import ApprovalState


class RedeemResult(StrEnum):
    REDEEMED = "redeemed"
    MISMATCH = "mismatch"
    EXPIRED = "expired"
    NOT_GRANTED = "not_granted"
    USED = "used"
    UNKNOWN = "unknown"


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
