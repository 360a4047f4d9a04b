"""Months of instants are months in UTC, whatever the instant's time zone."""

from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from billing.views import InvoiceView


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_an_invoice_names_its_own_month(zone: str) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC).astimezone(ZoneInfo(zone))
    invoice = SimpleNamespace(period_start=start)
    assert InvoiceView(invoice, "").month == "March 2026"  # type: ignore[arg-type]
