"""Prometheus metrics. One registry per process, injected; labels contain tenant ids, never names or record keys."""

from collections.abc import Mapping
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class LaneMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter("fairlead_jobs", "Jobs done", ["tenant_id", "kind"], registry=registry)
        self._seconds = Histogram(
            "fairlead_job_batch_seconds", "Time of one batch", ["kind"], buckets=_SECONDS, registry=registry
        )
        self._fenced = Counter(
            "fairlead_leases_lost", "Batches rolled back because their lease was lost", ["tenant_id"], registry=registry
        )
        self._dead_letters = Counter(
            "fairlead_dead_letters", "Jobs that failed", ["tenant_id", "kind"], registry=registry
        )
        self._oldest = Gauge(
            "fairlead_queue_oldest_age_seconds",
            "Age of a tenant's oldest ready job; absent when none waits",
            ["tenant_id"],
            registry=registry,
        )
        self._wakeups = Counter("fairlead_relay_wakeups", "Lanes woken by the relay", registry=registry)

    def ran(self, tenant_id: UUID, kind: str, items: int, seconds: float) -> None:
        self._jobs.labels(str(tenant_id), kind).inc(items)
        self._seconds.labels(kind).observe(seconds)

    def fenced(self, tenant_id: UUID) -> None:
        self._fenced.labels(str(tenant_id)).inc()

    def dead_lettered(self, tenant_id: UUID, kind: str) -> None:
        self._dead_letters.labels(str(tenant_id), kind).inc()

    def backlog(self, ages: Mapping[UUID, float]) -> None:
        """Age in seconds of the oldest ready job, of every tenant that has one."""
        self._oldest.clear()
        for tenant_id, seconds in ages.items():
            self._oldest.labels(str(tenant_id)).set(seconds)

    def woken(self, lanes: int) -> None:
        self._wakeups.inc(lanes)
