"""Failed values of a channel are deferred, reported and limited to the retry budget; new values continue."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

from sqlalchemy import text

from canonical.elements import STOCK
from connectors.runtime import ConnectorRuntime
from connectors.sandbox.faults import Faults
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.outbound.client import OutboundClient
from foundation.outbound.gate import Credential, RateLimit
from foundation.outbound.settings import BreakerSettings, OutboundSettings, RetrySettings, parse_allowed
from tests.connectors.running import RunningSandbox
from tests.support.client_env import ClientEnv

VALUES = 12
RETRIES = RetrySettings(ratio=0.25, per_second=0.0001, saved=2)


class Calls:
    """Results of calls, by credential."""

    def __init__(self) -> None:
        self.of: Counter[tuple[str, str]] = Counter()

    def called(self, tenant_id: UUID, credential_id: str, outcome: str, seconds: float) -> None:
        self.of[credential_id, outcome] += 1

    def held(self, tenant_id: UUID, credential_id: str, reason: str) -> None:
        self.of[credential_id, reason] += 1

    def repeated(self, tenant_id: UUID, credential_id: str) -> None:
        self.of[credential_id, "again"] += 1


def with_retry_budget(services: Services, calls: Calls, retries: RetrySettings = RETRIES) -> Services:
    """Without a breaker, which would hide the effect of the budget."""
    never_open = BreakerSettings(failures=10**9, min_calls=10**9)
    settings = OutboundSettings(
        allowed=parse_allowed("127.0.0.0/8"), breaker=never_open, retries=retries, valkey_seconds=60
    )
    outbound = OutboundClient(settings, services.valkey, utc_now, observer=calls)
    runtime = ConnectorRuntime(services.registry, services.vault, outbound)
    return replace(services, outbound=outbound).using(runtime, replace(services.governance, runtime=runtime))


async def run_delayed_jobs(env: ClientEnv) -> None:
    """Run delayed jobs at once."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms' WHERE delayed"))
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
    await env.work()


async def test_a_failing_channel_gets_few_retries_per_value(env: ClientEnv, sandbox: RunningSandbox) -> None:
    calls, shop = Calls(), env.channels["shop0"]
    env.services = with_retry_budget(env.services, calls)
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    for n in range(VALUES):
        await env.deliver(env.change(f"SKU-{n + 1:03}", STOCK, 100 + n))
        await env.work()
        for _ in range(4):
            await run_delayed_jobs(env)
    sent, again = calls.of[str(shop), "5xx"], calls.of[str(shop), "again"]
    assert sent - again == VALUES, "each value has its first attempt at once"
    assert 0 < again <= RETRIES.saved + VALUES * RETRIES.ratio
    assert calls.of[str(shop), "retries_spent"] > VALUES
    assert await env.rows("SELECT split_part(lane, '/', 1), count(*), max(attempts) FROM job GROUP BY 1") == [
        ("push", VALUES, 0)
    ]
    held = "SELECT count(*) FROM propagation WHERE connection_id = :shop AND state = 'pending'"
    assert await env.rows(held, shop=shop) == [(VALUES,)]
    ((error,),) = await env.rows("SELECT last_error FROM connection WHERE id = :shop", shop=shop)
    assert "500" in str(error) or "retries_spent" in str(error)

    sandbox.mend(env.urls["shop0"])
    await env.services.valkey.delete(Credential(env.scope.tenant_id, str(shop), RateLimit(1, 1)).key)
    await run_delayed_jobs(env)
    shown = "SELECT count(*) FROM propagation WHERE connection_id = :shop AND state = 'verified'"
    assert await env.rows(shown, shop=shop) == [(VALUES,)]
    await env.services.outbound.close()
