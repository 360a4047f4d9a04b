"""Documents of credit notes: type 381 with the credited invoice, by rate, for their readers only."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.documents.credit_notes import find_credit_snapshot, read_credit_document
from billing.documents.formats import DocumentFormat
from billing.documents.make_job import repair_documents
from billing.documents.store import store_documents, write_documents
from billing.invoices.settle import NewCredit, create_credit_note
from billing.job_types import LANE, MAKE_DOCUMENTS
from billing.snapshot import InvoiceSnapshot
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.jobs.enqueue import discard_jobs
from tests.billing.conftest import Market
from tests.billing.documents.test_documents import _RULES, failed
from tests.billing.invoices.test_lifecycle import NOW, close, issuing  # noqa: F401 - the fixture


async def take_back(market: Market, invoice_id: UUID, net_minor: int | None) -> UUID:
    async with market.as_client() as session:
        credit = NewCredit(reason="A fault", net_minor=net_minor)
        return await create_credit_note(session, invoice_id, credit, now=NOW, new_id=new_id)


async def snapshot(market: Market, note_id: UUID) -> InvoiceSnapshot | None:
    async with market.as_client() as session:
        found = await find_credit_snapshot(session, note_id)
    return None if found is None else found[1]


async def test_credit_notes_give_back_the_whole_invoice_in_valid_documents(issuing: Market) -> None:  # noqa: F811
    detail = await close(issuing)
    invoice_id, document = detail.invoice.id, detail.document
    assert document is not None
    notes = [await take_back(issuing, invoice_id, 7), await take_back(issuing, invoice_id, None)]
    found = [one for note in notes if (one := await snapshot(issuing, note)) is not None]
    assert [one.net_minor for one in found] == [-7, 7 - document.net_minor]
    assert sum(one.tax_minor for one in found) == -document.tax_minor
    assert len({document.number, *(one.number for one in found)}) == 3
    for one in found:
        assert (one.is_credit, one.preceding_number, one.buyer) == (True, document.number, document.buyer)
        for writer in _RULES:
            made = writer(one)
            assert failed(made, writer) == ""
            assert b">381<" in made
            assert document.number.encode() in made
    assert await snapshot(issuing, invoice_id) is None
    assert await snapshot(issuing.another_client(), notes[0]) is None


async def test_documents_are_made_by_the_job_and_read_by_who_sees_the_invoice(issuing: Market) -> None:  # noqa: F811
    invoice_id, other = (await close(issuing)).invoice.id, issuing.another_client()
    note_id = await take_back(issuing, invoice_id, 7)

    async def waiting() -> Sequence[UUID]:
        async with issuing.as_client() as session:
            return (
                await session.scalars(text("SELECT ref FROM job WHERE kind = :k"), {"k": MAKE_DOCUMENTS.name})
            ).all()

    assert note_id in await waiting(), "enqueued with the credit note"
    async with issuing.as_client() as session:
        await discard_jobs(session, [LANE])
        await repair_documents(session, NOW)
    assert note_id in await waiting(), "and by the repair"
    with pytest.raises(NotFound):
        async with issuing.as_client() as session:
            await read_credit_document(session, invoice_id, note_id, DocumentFormat.PDF)
    async with issuing.as_client() as session:
        found = await find_credit_snapshot(session, note_id)
        assert found is not None
        await store_documents(session, note_id, found[0], write_documents(found[1]), now=NOW)
        file = await read_credit_document(session, invoice_id, note_id, DocumentFormat.PDF)
        assert (file.name, file.content[:5]) == (f"{found[1].number}.pdf", b"%PDF-")
    for market, invoice in ((other, invoice_id), (issuing, note_id)):
        with pytest.raises(NotFound):
            async with market.as_client() as session:
                await read_credit_document(session, invoice, note_id, DocumentFormat.PDF)
