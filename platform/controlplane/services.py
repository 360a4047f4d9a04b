"""Shared services of every process, built once from settings and passed on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

import redis.asyncio
from prometheus_client import CollectorRegistry

from connectors.ports import Connector
from connectors.registry import build_registry
from connectors.runtime import ConnectorRuntime
from controlplane.retention import RETAINED
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.ready_queue import ReadyQueue
from foundation.outbound.client import OutboundClient
from foundation.outbound.metrics import OutboundMetrics
from foundation.outbound.settings import OutboundSettings, parse_allowed
from foundation.settings import Settings
from foundation.telemetry.metrics import LaneMetrics
from foundation.telemetry.tracing import Tracing, build_tracer
from foundation.valkey import valkey_client
from foundation.vault.key_ring import KeyRing
from foundation.vault.vault import Vault
from governance.metrics import ClockMetrics
from governance.services import GovernanceServices
from governance.slo.suspension import move_clocks
from policy.cache import PolicyCache
from tenants.auth.devices import Devices
from tenants.auth.passwords import Passwords
from tenants.auth.services import AuthServices
from tenants.auth.sessions import SessionStore
from tenants.auth.throttle import SignInThrottle
from tenants.members.rights import MemberRights
from tenants.secrets import new_secret


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    db: Database
    valkey: "redis.asyncio.Redis"
    ready_queue: ReadyQueue
    vault: Vault
    registry: Mapping[str, Connector]
    outbound: OutboundClient
    governance: GovernanceServices
    policies: PolicyCache
    auth: AuthServices
    metrics: CollectorRegistry
    lane_metrics: LaneMetrics
    tracing: Tracing

    async def close(self) -> None:
        await self.outbound.close()
        await self.db.close()
        await self.valkey.aclose()
        await asyncio.to_thread(self.tracing.close)


def build_services(  # noqa: PLR0913 - what the processes differ in
    settings: Settings,
    *,
    pool_size: int = 10,
    name: str = "fairlead",
    metrics: CollectorRegistry | None = None,
    planning: LiteralString = "",
    round_trip_timeout: float | None = None,
) -> Services:
    """Build the services. `round_trip_timeout` limits each round trip to the database; without it the caller limits the
    total.
    """
    valkey = valkey_client(settings.redis_url)
    ready_queue = ReadyQueue(valkey)
    db = Database(
        settings.app_url, wake_lanes=ready_queue.hint, pool_size=pool_size, application_name=name, planning=planning,
        round_trip_timeout=round_trip_timeout,
    )  # fmt: skip
    vault = Vault(KeyRing.parse(settings.vault_keys), new_id, utc_now)
    registry = build_registry()
    metrics = metrics or CollectorRegistry()
    tracing = build_tracer(settings.otlp_endpoint, service=name)
    outbound = OutboundClient(
        OutboundSettings(allowed=parse_allowed(settings.outbound_allowed)),
        valkey,
        utc_now,
        observer=OutboundMetrics(metrics),
        tracing=tracing,
    )
    policies = PolicyCache()
    return Services(
        settings=settings,
        db=db,
        valkey=valkey,
        ready_queue=ready_queue,
        vault=vault,
        registry=registry,
        outbound=outbound,
        governance=GovernanceServices(
            ConnectorRuntime(registry, vault, outbound),
            policies,
            utc_now,
            new_id,
            rights=MemberRights(db, policies),
            metrics=ClockMetrics(metrics),
            retained=RETAINED,
        ),
        policies=policies,
        auth=AuthServices(
            db=db,
            policies=policies,
            sessions=SessionStore(valkey, new_secret, settings.sessions_key),
            passwords=Passwords(),
            throttle=SignInThrottle(valkey),
            devices=Devices(new_secret, settings.sessions_key),
            clock=utc_now,
            new_secret=new_secret,
            move_clocks=move_clocks,
        ),
        metrics=metrics,
        lane_metrics=LaneMetrics(metrics),
        tracing=tracing,
    )
