"""Shared services of every process, built once from settings and passed on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from prometheus_client import CollectorRegistry

from connectors.ports import Connector
from connectors.runtime import ConnectorRuntime
from controlplane.rooms import ROOMS
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.ready_queue import ReadyQueue
from foundation.outbound.client import OutboundClient
from foundation.outbound.metrics import OutboundMetrics
from foundation.outbound.settings import OutboundSettings, parse_allowed
from foundation.rooms import AppServices, Rooms
from foundation.settings import Settings
from foundation.telemetry.metrics import LaneMetrics
from foundation.telemetry.tracing import build_tracer
from foundation.valkey import valkey_client
from foundation.vault.key_ring import KeyRing
from foundation.vault.vault import Vault
from governance.services import GovernanceServices
from policy.cache import PolicyCache
from tenants.auth.services import AuthServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(AppServices):
    """Services of one process, with names for those that this package itself uses."""

    @property
    def governance(self) -> GovernanceServices:
        return self.get(GovernanceServices)

    @property
    def policies(self) -> PolicyCache:
        return self.get(PolicyCache)

    @property
    def auth(self) -> AuthServices:
        return self.get(AuthServices)

    @property
    def registry(self) -> Mapping[str, Connector]:
        return self.get(ConnectorRuntime).registry

    async def close(self) -> None:
        await self.outbound.close()
        await self.db.close()
        await self.valkey.aclose()
        await asyncio.to_thread(self.tracing.close)


def build_services(  # noqa: PLR0913 - what the processes differ in
    settings: Settings,
    *,
    rooms: Rooms = ROOMS,
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
    metrics = metrics or CollectorRegistry()
    tracing = build_tracer(settings.otlp_endpoint, service=name)
    outbound = OutboundClient(
        OutboundSettings(allowed=parse_allowed(settings.outbound_allowed)),
        valkey,
        utc_now,
        observer=OutboundMetrics(metrics),
        tracing=tracing,
    )
    return rooms.add_services(Services(
        rooms=rooms,
        settings=settings,
        db=db,
        valkey=valkey,
        ready_queue=ready_queue,
        vault=Vault(KeyRing.parse(settings.vault_keys), new_id, utc_now),
        outbound=outbound,
        metrics=metrics,
        lane_metrics=LaneMetrics(metrics),
        tracing=tracing,
        clock=utc_now,
        new_id=new_id,
    ))  # fmt: skip
