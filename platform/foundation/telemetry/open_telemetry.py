"""Spans of OpenTelemetry, sent to a collector.

The trace id derives from the correlation id, so spans of the web process, the workers and the relay belong to one trace
without propagating any other context.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from foundation.telemetry.correlation import current_correlation

_HEX = re.compile(r"[0-9a-f]{32}")


class OpenTelemetryTracing:
    def __init__(self, processor: SpanProcessor, *, service: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}),
            id_generator=_CorrelatedIds(),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("fairlead")

    @contextmanager
    def span(self, name: str, **attributes: str | float) -> Iterator[None]:
        correlation = current_correlation()
        if correlation:
            attributes["correlation"] = correlation
        with self._tracer.start_as_current_span(name, attributes=attributes):
            yield

    def close(self) -> None:
        self._provider.shutdown()


def export_spans(endpoint: str, *, service: str) -> OpenTelemetryTracing:
    """Tracing that sends to the OTLP/HTTP collector at `endpoint`."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    return OpenTelemetryTracing(BatchSpanProcessor(exporter), service=service)


def trace_id_of(correlation: str) -> int:
    """Trace id: a UUID's hex is used unchanged, so that either id can be searched for."""
    plain = correlation.replace("-", "").lower()
    number = int(plain, 16) if _HEX.fullmatch(plain) else 0
    return number or int.from_bytes(hashlib.sha256(correlation.encode()).digest()[:16], "big")


class _CorrelatedIds(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        correlation = current_correlation()
        return trace_id_of(correlation) if correlation else super().generate_trace_id()
