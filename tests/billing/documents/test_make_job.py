"""The job that makes the documents of an invoice: it leaves with the finalising transaction, and writes them once."""

from datetime import timedelta

import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.documents.formats import DocumentFormat
from billing.documents.make_job import documents_handler
from billing.documents.store import list_documents, read_document
from billing.job_types import LANE, MAKE_DOCUMENTS
from foundation.errors import NotFound
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.telemetry.metrics import LaneMetrics
from tests.billing.conftest import Market
from tests.billing.invoices.test_lifecycle import NOW, close, issuing  # noqa: F401 - the fixture


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
