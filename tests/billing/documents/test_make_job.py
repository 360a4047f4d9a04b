"""The job that creates an invoice's documents: enqueued by the finalising transaction, and written once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
import redis.asyncio
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.documents.formats import DocumentFormat
from billing.documents.make_job import documents_handler, repair_documents
from billing.documents.store import list_documents, read_document, store_documents, write_documents
from billing.invoices.repository import find_snapshot
from billing.job_types import LANE, MAKE_DOCUMENTS
from foundation.errors import NotFound
from foundation.jobs.enqueue import NewJob, discard_jobs, enqueue
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.telemetry.metrics import LaneMetrics
from tests.billing.conftest import Market
from tests.billing.invoices.test_lifecycle import NOW, close, issuing  # noqa: F401 - the fixture


async def test_an_invoice_without_documents_gets_them_by_the_repair(
    issuing: Market,  # noqa: F811
) -> None:
    invoice_id, other = (await close(issuing)).invoice.id, issuing.another_client()
    waiting = text("SELECT ref FROM job WHERE kind = :kind AND tenant_id = :t")

    async def repaired(market: Market) -> Sequence[UUID]:
        async with market.as_client() as session:
            await repair_documents(session, NOW)
        async with market.as_client() as session:
            keys = {"kind": MAKE_DOCUMENTS.name, "t": market.client.tenant_id}
            return (await session.scalars(waiting, keys)).all()

    assert await repaired(issuing) == [invoice_id], "its job waits already"
    async with issuing.as_client() as session:
        await discard_jobs(session, [LANE])
    assert await repaired(other) == []
    assert await repaired(issuing) == [invoice_id]
    async with issuing.as_client() as session:
        await discard_jobs(session, [LANE])
        found = await find_snapshot(session, invoice_id)
        assert found is not None
        [line] = found[1].lines
        broken = replace(found[1], lines=[replace(line, description="a\x01b\ufffe")])
        made = await asyncio.to_thread(write_documents, broken)
        assert "a\ufffdb\ufffd".encode() in made[DocumentFormat.UBL]
        await store_documents(session, invoice_id, found[0], made, now=NOW)
    assert await repaired(issuing) == []


async def test_the_documents_leave_with_the_invoice_and_stay_as_they_are(
    issuing: Market,  # noqa: F811
    valkey: "redis.asyncio.Redis",
) -> None:
    now = NOW
    job_types = JobRegistry([JobHandler(MAKE_DOCUMENTS, documents_handler(lambda: now))])
    metrics = LaneMetrics(CollectorRegistry())
    worker = LaneWorker(issuing.db, ReadyQueue(valkey), job_types, pool="shared", metrics=metrics, lease=60)
    scope, invoice_id = issuing.client, (await close(issuing)).invoice.id
    files = []
    for _ in range(2):
        await worker.run_lane(scope.msp_id, scope.tenant_id, LANE)
        async with issuing.as_client() as session:
            left = text("SELECT error FROM job WHERE lane = :lane")
            assert (await session.scalars(left, {"lane": LANE})).all() == []
            files.append([(await read_document(session, invoice_id, kind)).content for kind in DocumentFormat])
            now += timedelta(days=1)
            enqueue(session, [NewJob(LANE, MAKE_DOCUMENTS, key="again", ref=invoice_id)])
    assert files[0] == files[1]
    async with issuing.another_client().as_client() as session:
        with pytest.raises(NotFound):
            await list_documents(session, invoice_id)
        assert await session.scalar(text("SELECT count(*) FROM invoice_document")) == 0
    with pytest.raises(DBAPIError, match="permission denied"):
        async with issuing.as_client() as session:
            await session.execute(text("UPDATE invoice_document SET file = ''"))
