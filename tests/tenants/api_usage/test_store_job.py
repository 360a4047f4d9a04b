"""Calls of API keys: counted by hour with the rate limit, stored once, and metered per client."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.usage.ledger import collect_usage
from foundation.web.call_counts import HOUR, CallCounts, calls_key
from foundation.web.rate_limit import RateLimiter, RateLimits
from tenants.api_usage.meters import API_CALLS
from tenants.api_usage.store_job import store_calls


async def calls_of(db: Database, scope: Scope) -> list[tuple[UUID, int]]:
    async with db.transaction(scope) as session:
        rows = await session.execute(text("SELECT key_id, calls FROM api_call_hour ORDER BY calls"))
        return [(row.key_id, row.calls) for row in rows]


async def take(valkey: "redis.asyncio.Redis", scope: Scope, caller: str, times: int, **options: Any) -> None:
    limiter = RateLimiter(valkey, CollectorRegistry())
    for _ in range(times):
        limits = options.get("limits", RateLimits(100, 100))
        counted = options.get("is_counted", True)
        await limiter.take(
            msp_id=scope.msp_id, tenant_id=scope.tenant_id, caller=caller, limits=limits, is_counted=counted
        )


async def test_complete_hours_are_stored_once_and_metered(
    valkey: "redis.asyncio.Redis", db: Database, scope: Scope, sibling_scope: Scope
) -> None:
    counts, one, two, theirs = CallCounts(valkey), new_id(), new_id(), new_id()
    await take(valkey, scope, str(one), 3)
    await take(valkey, scope, str(two), 1)
    await take(valkey, scope, str(new_id()), 2, is_counted=False)
    await take(valkey, scope, "none's", 3, limits=RateLimits(1, 100))
    await take(valkey, sibling_scope, str(theirs), 1)
    await valkey.hset(calls_key(scope.msp_id, scope.tenant_id), "x:y", "z")
    assert await counts.read_complete(scope.msp_id, scope.tenant_id) == [], "the hour is not complete"
    counted = await counts.read_complete(scope.msp_id, scope.tenant_id, ahead=HOUR)
    for _ in range(2):  # a worker that stopped after its commit
        async with db.transaction(scope) as session:
            await store_calls(session, counted)
    await counts.forget(scope.msp_id, scope.tenant_id, counted)
    assert await counts.read_complete(scope.msp_id, scope.tenant_id, ahead=HOUR) == []
    assert await calls_of(db, scope) == [(two, 1), (one, 3)]
    assert await calls_of(db, sibling_scope) == []

    now = utc_now() + HOUR
    for _ in range(2):
        async with db.transaction(scope) as session:
            await collect_usage(session, API_CALLS, since=now - timedelta(days=1), until=now, rows_since=now)
            found = await session.execute(text("SELECT subject_id, quantity FROM usage_event ORDER BY quantity"))
            assert [(row.subject_id, row.quantity) for row in found] == [(two, 1), (one, 3)]


async def test_refused_requests_are_no_calls(valkey: "redis.asyncio.Redis", scope: Scope) -> None:
    key = new_id()
    await take(valkey, scope, str(key), 5, limits=RateLimits(2, 100))
    (found,) = await CallCounts(valkey).read_complete(scope.msp_id, scope.tenant_id, ahead=HOUR)
    assert (found.key_id, found.calls) == (key, 2)
