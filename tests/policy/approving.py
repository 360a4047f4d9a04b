"""Shared steps of tests of approvals, each in a transaction of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from policy.approval_repository import Approval
from policy.approvals import ApprovalRequest, decide_approval, find_approval, request_approvals
from policy.binding import bind_content
from policy.redeeming import RedeemResult, redeem_approvals
from policy.states import ApprovalState
from tests.policy.conftest import NOW

HOUR = timedelta(hours=1)


class NotRedeemedError(Exception):
    """Refusal to redeem, with the result as its text."""


def content(price: int = 100) -> bytes:
    return bind_content({"price.list": price}, policy_version=1, snapshot={"cost": 50}, target=["shop"])


def wish(scope: Scope, *, subject: UUID | None = None, price: int = 100, author: str = "") -> ApprovalRequest:
    return ApprovalRequest(
        subject_kind="change",
        subject_id=subject or new_id(),
        content_hash=content(price),
        policy_version=1,
        requested_by=scope.actor.id,
        expires_at=NOW + HOUR,
        author=author,
    )


async def ask(db: Database, scope: Scope, request: ApprovalRequest | None = None) -> UUID:
    async with db.transaction(scope) as session:
        return (await request_approvals(session, scope, requests=[request or wish(scope)], now=NOW, new_id=new_id))[0]


async def ask_many(db: Database, scope: Scope, requests: Sequence[ApprovalRequest]) -> list[UUID]:
    async with db.transaction(scope) as session:
        return await request_approvals(session, scope, requests=requests, now=NOW, new_id=new_id)


async def answer(
    db: Database, scope: Scope, approval: UUID, *, grant: bool = True, reason: str = "", later: timedelta = timedelta()
) -> Approval:
    async with db.transaction(scope) as session:
        return await decide_approval(session, scope, approval_id=approval, grant=grant, reason=reason, now=NOW + later)


async def redeem(
    db: Database, scope: Scope, approval: UUID, *, price: int = 100, later: timedelta = timedelta()
) -> None:
    async with db.transaction(scope) as session:
        await redeem_one(session, scope, approval, content(price), now=NOW + later)


async def redeem_one(
    session: AsyncSession, scope: Scope, approval: UUID, content_hash: bytes, now: datetime = NOW
) -> None:
    results = await redeem_approvals(session, scope, content_hashes={approval: content_hash}, now=now)
    if results[approval] is not RedeemResult.REDEEMED:
        raise NotRedeemedError(results[approval])


async def state(db: Database, scope: Scope, approval: UUID) -> ApprovalState:
    async with db.transaction(scope) as session:
        return (await find_approval(session, scope, approval_id=approval)).state


async def someone_waits_for(session: AsyncSession) -> bool:
    waiting = "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid))"
    return bool((await session.execute(text(waiting))).scalar_one())
