"""Spans of one correlation id belong to one trace."""

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from foundation.telemetry.correlation import correlated
from foundation.telemetry.open_telemetry import OpenTelemetryTracing, trace_id_of
from foundation.telemetry.tracing import NO_TRACING, build_tracer
from tests.foundation.outbound.server import Answer, running


def test_without_a_collector_a_span_is_nothing() -> None:
    tracing = build_tracer("")

    assert tracing is NO_TRACING
    assert tracing.span("a", tenant="1") is tracing.span("b")
    with tracing.span("a"), tracing.span("b"):
        pass
    tracing.close()


def test_opentelemetry_is_imported_with_a_collector_only() -> None:
    code = "import sys, foundation.telemetry.tracing; print('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"False"


def test_spans_of_one_correlation_are_one_trace_in_every_process() -> None:
    exporters = [InMemorySpanExporter(), InMemorySpanExporter()]
    for exporter in exporters:  # two processes
        tracing = OpenTelemetryTracing(SimpleSpanProcessor(exporter), service="test")
        with (
            correlated("0199f2c4-b8a0-7e1f-8a3e-1d2c3b4a5968"),
            tracing.span("outer", tenant_id="t"),
            tracing.span("inner"),
        ):
            pass
        tracing.close()

    spans = [span for exporter in exporters for span in exporter.get_finished_spans()]
    assert {f"{span.context.trace_id:032x}" for span in spans} == {"0199f2c4b8a07e1f8a3e1d2c3b4a5968"}
    assert [span.name for span in spans] == ["inner", "outer"] * 2
    assert spans[0].parent is not None
    assert spans[0].parent.span_id == spans[1].context.span_id
    assert spans[1].attributes == {"tenant_id": "t", "correlation": "0199f2c4-b8a0-7e1f-8a3e-1d2c3b4a5968"}


def test_an_error_is_recorded_and_raised() -> None:
    exporter = InMemorySpanExporter()
    tracing = OpenTelemetryTracing(SimpleSpanProcessor(exporter), service="test")

    with pytest.raises(ZeroDivisionError), tracing.span("failing"):
        raise ZeroDivisionError
    assert exporter.get_finished_spans()[0].status.status_code.name == "ERROR"
    tracing.close()


@given(st.text(min_size=1))
def test_every_correlation_makes_a_valid_trace_id(correlation: str) -> None:
    assert 0 < trace_id_of(correlation) < 2**128


def test_a_zero_id_is_not_used() -> None:
    assert trace_id_of(str(uuid4().int * 0).zfill(32)) != 0


async def test_spans_arrive_at_a_collector() -> None:
    async with running(lambda seen: Answer(body=b"")) as collector:
        tracing = build_tracer(collector.url, service="white-label")
        with tracing.span("work"):
            pass
        await asyncio.to_thread(tracing.close)

    assert collector.seen[0].path == "/v1/traces"
    assert b"white-label" in collector.seen[0].body
