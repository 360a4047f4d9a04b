"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from governance.elements.models import ElementContract
from tests.support.list_rows import ListSample, Matches, Rows


async def add_connection(rows: Rows, number: int) -> Matches:
    await rows.sample.connection(rows.name(number))
    return {"search": [rows.name(number)], "environment": ["live"], "partner": []}


async def add_contract(rows: Rows, number: int) -> Matches:
    element, selector = f"price.{rows.tag.lower()}{number}", f"record_key={rows.tag}{number}-*"
    await rows.sample.add(
        ElementContract(
            **rows.own, element=element, selector=selector, source_connection_id=None,
            owner=rows.name(number), workflow="policy", propagation_slo_ms=30_000, correction_slo_ms=60_000,
            approval_ttl_s=3_600, version=1, published_at=utc_now(),
        )
    )  # fmt: skip
    return {"element": [element], "selector": [selector]}


SAMPLES: dict[str, ListSample] = {"connections": add_connection, "contracts": add_contract}
