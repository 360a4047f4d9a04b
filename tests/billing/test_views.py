"""Views of invoices: the month in UTC, whatever the instant's time zone, and the displayed state."""

import inspect
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import stripe

from billing.payments.states import DISPUTE_REASONS
from billing.views import InvoiceView


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_an_invoice_names_its_own_month(zone: str) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC).astimezone(ZoneInfo(zone))
    invoice = SimpleNamespace(period_start=start)
    assert InvoiceView(invoice, "").month == "March 2026"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "changes", "label"),
    [
        ("sent", {}, "Sent"),
        ("paid", {"paid_minor": 100}, "Paid"),
        ("paid", {"paid_minor": 80, "refunded_minor": 20}, "Partly refunded"),
        ("paid", {"refunded_minor": 100}, "Refunded"),
        ("overdue", {"refunded_minor": 20}, "Overdue"),
        ("sent", {"is_disputed": True}, "Disputed"),
        ("paid", {"is_disputed": True, "refunded_minor": 20, "paid_minor": 80}, "Disputed"),
    ],
)
def test_one_label_says_where_the_money_is(state: str, changes: dict[str, object], label: str) -> None:
    values = {"state": state, "paid_minor": 0, "refunded_minor": 0, "is_disputed": False} | changes
    assert InvoiceView(SimpleNamespace(**values), "").state[0] == label  # type: ignore[arg-type]


def test_every_reason_that_the_provider_documents_has_a_sentence() -> None:
    documented = inspect.getsource(stripe.Dispute).partition("Reason given by cardholder for dispute.")[2]
    reasons = set(re.findall("`([a-z_]+)`", documented.partition("Learn more")[0]))
    assert "fraudulent" in reasons
    assert reasons == set(DISPUTE_REASONS)
