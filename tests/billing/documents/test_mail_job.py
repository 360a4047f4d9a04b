"""Mails of invoices and reminders: recipients, contents, and cases without a mail."""

from datetime import date
from typing import Any

import msgspec
import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from billing.documents.mail_job import InvoiceMails, mail_handler
from billing.documents.make_job import documents_handler
from billing.invoices.advance import advance_invoices
from billing.invoices.settle import InvoiceAct, act_on_invoice
from billing.job_types import LANE, MAIL_INVOICE, MAKE_DOCUMENTS
from billing.legal_entities.repository import set_billing_details
from billing.legal_entities.schemas import BillingDetailsInput
from billing.schemas import InvoiceDetail
from foundation.clock import utc_now
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.telemetry.metrics import LaneMetrics
from foundation.vault.key_ring import KeyRing
from foundation.vault.vault import Vault
from tenants.mail.mailer import Mailer
from tests.billing.conftest import APRIL, Market
from tests.billing.invoices.test_lifecycle import (  # noqa: F401 - the fixture
    ADDRESS,
    NOW,
    close,
    close_negative,
    issuing,
    pay,
    shown,
)
from tests.conftest import VAULT_KEYS


async def act(market: Market, invoice: InvoiceDetail, what: InvoiceAct) -> None:
    async with market.as_client() as session:
        await act_on_invoice(session, invoice.invoice.id, what, now=NOW, new_id=new_id)


async def advance(market: Market, day: date) -> None:
    async with market.as_client() as session:
        await advance_invoices(session, NOW + (day - NOW.date()), new_id=new_id)


async def mails(market: Market, valkey: Any) -> list[tuple[Any, ...]]:
    """(kind, recipient, name and first bytes of the file) of all mails, after the jobs that are waiting."""
    mailer = Mailer(Vault(KeyRing.parse(VAULT_KEYS), new_id, utc_now), new_id)
    handlers: list[JobHandler[Any]] = [
        JobHandler(MAKE_DOCUMENTS, documents_handler(utc_now)),
        JobHandler(MAIL_INVOICE, mail_handler(InvoiceMails(mailer, utc_now))),
    ]
    metrics = LaneMetrics(CollectorRegistry())
    worker = LaneWorker(market.db, ReadyQueue(valkey), JobRegistry(handlers), pool="shared", metrics=metrics, lease=60)
    scope, left = market.client, text("SELECT count(*) FROM job WHERE lane = :lane")
    for _ in range(10):
        await worker.run_lane(scope.msp_id, scope.tenant_id, LANE)
        async with market.as_client() as session:
            if not await session.scalar(left, {"lane": LANE}):
                break
    async with market.as_client() as session:
        assert await session.scalar(left, {"lane": LANE}) == 0
        rows = await session.execute(
            text("""
                SELECT m.kind, m.recipient, a.name, encode(substring(a.file FROM 1 FOR 4), 'escape') AS start
                  FROM mail m
                  JOIN mail_attachment a ON a.tenant_id = m.tenant_id AND a.mail_id = m.id ORDER BY m.id
            """)
        )
        return [tuple(row) for row in rows]


async def test_sending_and_reminding_mail_the_pdf_to_the_billing_contact(
    issuing: Market,  # noqa: F811
    valkey: "redis.asyncio.Redis",
) -> None:
    closed = await close(issuing)
    await act(issuing, closed, InvoiceAct.SEND)  # there is no address yet
    assert (await mails(issuing, valkey), (await shown(issuing, closed)).invoice.state) == ([], "sent")
    with pytest.raises(Conflict, match="no address"):
        await act(issuing, closed, InvoiceAct.SEND)
    details = BillingDetailsInput(name="Birch AG", **ADDRESS, email="buy@birch.example")
    async with issuing.as_client() as session:
        await set_billing_details(session, details, payer_id=None, now=NOW)
    await act(issuing, closed, InvoiceAct.SEND)
    with pytest.raises(Conflict, match="state"):
        await act(issuing, closed, InvoiceAct.REMIND)
    file = ("buy@birch.example", "R-2026-001.pdf", "%PDF")
    assert await mails(issuing, valkey) == [("invoice", *file)]
    for day in (date(2026, 4, 27), date(2026, 4, 27)):
        await advance(issuing, day)
    await act(issuing, closed, InvoiceAct.REMIND)
    assert (await mails(issuing, valkey))[1:] == [("invoice_reminder", *file)] * 2
    notes = [(step.cause, step.note) for step in (await shown(issuing, closed)).steps]
    assert [note for cause, note in notes if cause == "reminder"] == ["buy@birch.example"] * 2
    await act(issuing, closed, InvoiceAct.REMIND)
    await pay(issuing, closed, 1369)
    assert len(await mails(issuing, valkey)) == 3, "a reminder that waits is not sent once the invoice is paid"
    async with issuing.another_client().as_client() as session:
        assert await session.scalar(text("SELECT count(*) FROM mail_attachment")) == 0


async def test_a_credit_note_is_mailed_as_one(issuing: Market, valkey: "redis.asyncio.Redis") -> None:  # noqa: F811
    closed = await close_negative(issuing)
    details = BillingDetailsInput(name="Birch AG", **ADDRESS, email="buy@birch.example")
    async with issuing.as_client() as session:
        await set_billing_details(session, details, payer_id=None, now=NOW)
        await act_on_invoice(session, closed.id, InvoiceAct.SEND, now=APRIL.end, new_id=new_id)
    assert await mails(issuing, valkey) == [("credit_note", "buy@birch.example", "GR-2026-001.pdf", "%PDF")]


async def test_the_payers_contact_gets_the_mail(issuing: Market, valkey: "redis.asyncio.Redis") -> None:  # noqa: F811
    payer = issuing.another_client()
    details = BillingDetailsInput(name="Holding AG", **ADDRESS, email="pay@holding.example")
    async with payer.as_client() as session:
        await set_billing_details(session, details, payer_id=None, now=NOW)
    own = msgspec.structs.replace(details, name="Birch AG", email="buy@birch.example", payer="holding")
    async with issuing.as_client() as session:
        await set_billing_details(session, own, payer_id=payer.client.tenant_id, now=NOW)
    await act(issuing, await close(issuing), InvoiceAct.SEND)
    assert [row[1] for row in await mails(issuing, valkey)] == ["pay@holding.example"]
