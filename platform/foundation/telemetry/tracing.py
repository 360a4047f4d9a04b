"""Tracing spans, for deployments with a collector. Without a collector a span is a shared no-op object.

OpenTelemetry is imported only with a collector (`foundation.telemetry.open_telemetry`): a process starts a thirtieth
sooner without it.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attribute = str | int | float | bool
_NOTHING: AbstractContextManager[None] = nullcontext()


class Tracing(Protocol):
    def span(self, name: str, **attributes: Attribute) -> AbstractContextManager[None]:
        """Span of a block. Attributes contain ids and counts, never names, values or secrets."""

    def close(self) -> None:
        """Export the remaining spans."""


class _NoTracing:
    def span(self, name: str, **attributes: Attribute) -> AbstractContextManager[None]:  # noqa: ARG002 - the port's signature
        return _NOTHING

    def close(self) -> None:
        return


NO_TRACING: Tracing = _NoTracing()


def build_tracer(endpoint: str, *, service: str = "fairlead") -> Tracing:
    """Tracing for a collector. `endpoint` is the base URL of an OTLP/HTTP collector (OTEL_EXPORTER_OTLP_ENDPOINT);
    empty for none.
    """
    if not endpoint:
        return NO_TRACING
    from foundation.telemetry.open_telemetry import export_spans  # noqa: PLC0415 - see the module

    return export_spans(endpoint, service=service)
