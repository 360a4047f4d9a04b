"""Prometheus metrics of the two clocks. Labels carry tenant and connection ids, never names or record keys."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

_DELIVERY = (0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14400)
_DECISION = (1, 60, 300, 1800, 3600, 4 * 3600, 8 * 3600, 86400, 2 * 86400, 7 * 86400)


class ClockMetrics:
    """The metrics; without a registry nothing is exported."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._delivery = Histogram(
            "fairlead_delivery_seconds",
            "Time from the release of a change to its read-back on a channel, without pauses",
            ["tenant_id", "connection_id"],
            buckets=_DELIVERY,
            registry=registry,
        )
        self._decision = Histogram(
            "fairlead_decision_seconds",
            "Time from a proposal to the answer of a person, without suspensions",
            ["tenant_id"],
            buckets=_DECISION,
            registry=registry,
        )
        self._late = Counter(
            "fairlead_late_deliveries",
            "Deliveries past their target, by the time they became late",
            ["tenant_id", "connection_id"],
            registry=registry,
        )
        self._overdue = Counter(
            "fairlead_overdue_approvals", "Approvals not answered by their due time", ["tenant_id"], registry=registry
        )

        self._unproven = Counter(
            "fairlead_unproven_deliveries",
            "Values a channel accepted or may have applied that a newer value replaced before they were read back",
            ["tenant_id", "connection_id"],
            registry=registry,
        )

    def unproven(self, tenant_id: UUID, connection_id: UUID) -> None:
        self._unproven.labels(str(tenant_id), str(connection_id)).inc()

    def delivered(self, tenant_id: UUID, connection_id: UUID, took: Iterable[timedelta]) -> None:
        """Record many deliveries of one channel at once: looking up the labels costs more than counting."""
        deliveries = self._delivery.labels(str(tenant_id), str(connection_id))
        for each in took:
            deliveries.observe(each.total_seconds())

    def decided(self, tenant_id: UUID, took: timedelta) -> None:
        self._decision.labels(str(tenant_id)).observe(took.total_seconds())

    def late(self, tenant_id: UUID, connection_id: UUID) -> None:
        self._late.labels(str(tenant_id), str(connection_id)).inc()

    def overdue(self, tenant_id: UUID, number: int) -> None:
        self._overdue.labels(str(tenant_id)).inc(number)
