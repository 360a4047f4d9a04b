"""Job that makes the documents of an invoice. It is enqueued in the transaction that finalises the invoice."""

import asyncio

from billing.documents.store import store_documents, write_documents
from billing.invoices.repository import find_snapshot
from foundation.clock import Clock
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload


def documents_handler(clock: Clock) -> Handler[NoPayload]:
    async def make_documents(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        async with batch.read() as session:
            found = await find_snapshot(session, item.ref)
        made = {} if found is None else await asyncio.to_thread(write_documents, found[1])
        async with batch.commit() as session:
            if found is not None:
                await store_documents(session, item.ref, found[0], made, now=clock())

    return make_documents
