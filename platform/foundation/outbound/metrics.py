"""Port: metrics of calls to other systems. A process without Prometheus passes none."""

from typing import Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class OutboundObserver(Protocol):
    def called(self, tenant_id: UUID, credential_id: str, outcome: str, seconds: float) -> None:
        """Count a call that was sent. `outcome` is a status class (2xx … 5xx), 429, or a short word when there was no
        response.
        """

    def held(self, tenant_id: UUID, credential_id: str, reason: str) -> None:
        """Count a call that was not sent: throttled, open, retries_spent, or refused."""

    def repeated(self, tenant_id: UUID, credential_id: str) -> None:
        """Count an admitted call that spends the retry budget."""


class OutboundMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "fairlead_outbound_seconds",
            "Time of one call to another system",
            ["tenant_id", "credential_id"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._calls = Counter(
            "fairlead_outbound_calls",
            "Calls to other systems by how they ended",
            ["tenant_id", "credential_id", "outcome"],
            registry=registry,
        )
        self._retries = Counter(
            "fairlead_outbound_retries",
            "Calls to other systems for work that was sent before and brought nothing",
            ["tenant_id", "credential_id"],
            registry=registry,
        )

    def called(self, tenant_id: UUID, credential_id: str, outcome: str, seconds: float) -> None:
        tenant = str(tenant_id)
        self._seconds.labels(tenant, credential_id).observe(seconds)
        self._calls.labels(tenant, credential_id, outcome).inc()

    def held(self, tenant_id: UUID, credential_id: str, reason: str) -> None:
        self._calls.labels(str(tenant_id), credential_id, reason).inc()

    def repeated(self, tenant_id: UUID, credential_id: str) -> None:
        self._retries.labels(str(tenant_id), credential_id).inc()
