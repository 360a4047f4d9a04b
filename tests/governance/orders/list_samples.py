"""Rows of this slice's lists, for the tests of every list."""

from datetime import timedelta

import msgspec

from canonical.elements import ORDER_DOCUMENT, ORDER_STATUS
from canonical.orders import ORDER, OrderValue
from canonical.values import EnumerationValue
from governance.records.models import RecordValue
from tests.governance.pages.samples import ORDER_LINES, Sample
from tests.support.list_rows import ListSample, Matches, Rows


async def put_order(
    sample: Sample, number: str, *, customer: str = "Ada Lovelace", currency: str = "EUR", status: str = "",
    is_released: bool = True, at: float = 60, channel: str = "",
) -> None:  # fmt: skip
    """Add an order's values, as reported by its channel and by the system that fulfils it."""
    value = msgspec.to_builtins(OrderValue(currency, customer, "ada@example.com", ORDER_LINES, "4.9"))
    shared = {
        **sample.own, "record_key": number, "record_type": ORDER, "source_version": 1, "version": 1,
        "adopted_at": sample.ago(at), "received_at": sample.ago(at),
    }  # fmt: skip
    await sample.add(
        RecordValue(
            **shared, element=ORDER_DOCUMENT, source_value=value, value=value if is_released else None,
            source_connection_id=sample.channels[channel or next(iter(sample.channels))],
        )
    )  # fmt: skip
    if status:
        code = msgspec.to_builtins(EnumerationValue(status))
        later = shared | {"adopted_at": sample.ago(at) + timedelta(seconds=30)}
        await sample.add(
            RecordValue(
                **later, element=ORDER_STATUS, source_value=code, value=code, source_connection_id=sample.source
            )
        )


async def add_order(rows: Rows, number: int) -> Matches:
    name, status = rows.name(number), "shipped" if number % 2 else ""
    currency = "USD" if number % 3 else "JPY"
    await put_order(rows.sample, name, customer=rows.name(number), currency=currency, status=status, at=60 - number)
    return {
        "search": [name, name.lower()], "status": [status or "released"],
        "channel": [str(next(iter(rows.env.channels.values())))], "currency": [currency, currency.lower()],
    }  # fmt: skip


SAMPLES: dict[str, ListSample] = {"orders": add_order}
