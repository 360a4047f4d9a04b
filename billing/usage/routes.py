"""The API of meters and reported usage."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody

from billing.periods import month_of, parse_month
from billing.permissions import BillingPermission
from billing.usage.clients import report_for_clients
from billing.usage.lists import REPORTED_USAGE
from billing.usage.meters import add_declared, create_meter, list_meters, retire_meter
from billing.usage.queries import read_grouping, read_usage
from billing.usage.report import report_usage
from billing.usage.schemas import (
    ClientUsageBatch,
    CloudEventBatch,
    MeterCreated,
    MeterList,
    MeterRetired,
    MeterToRetire,
    NewMeter,
    ReportedEvent,
    UsageBatch,
    UsageEventInput,
    UsageReceipt,
    UsageSummary,
)
from billing.web.dependencies import ProductMeters
from foundation.ids import new_id
from foundation.web.api import post
from foundation.web.requests import EXTENSIBLE
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_METERS: Final = "/api/v1/meters"
_USAGE: Final = ["/api/v1/usage", "/api/v1/clients/{client:str}/usage"]
_CLIENTS: Final = _USAGE[1]
_READ: Final = {"permission": BillingPermission.READ_USAGE, "fleet": True}
_REPORT: Final = {"permission": BillingPermission.REPORT_USAGE}
_DECLARE: Final = {"permission": BillingPermission.WRITE_METERS}
_TAGS: Final = ["usage"]
BATCH_BYTES: Final = 1024 * 1024
"""Size of a thousand events with all their dimensions."""

REPORTED_USAGE_LIST: Final = list_route(
    REPORTED_USAGE,
    _USAGE,
    opt=_READ,
    tags=_TAGS,
    about="List usage events that other systems reported, latest first. Quantities are exact decimals.",
)


@get(_METERS, opt={"permission": BillingPermission.READ_USAGE}, tags=_TAGS)
async def show_meters(access: OpenAccess, product_meters: ProductMeters) -> MeterList:
    """Return the product's meters, and those that the MSP declares for reported usage."""
    return MeterList(await list_meters(access.session, product_meters))


@post(_METERS, opt=_DECLARE, tags=_TAGS)
async def declare_meter(access: OpenAccess, product_meters: ProductMeters, data: JSONBody[NewMeter]) -> MeterCreated:
    """Declare a meter for usage that other systems report for your clients."""
    return MeterCreated(await create_meter(access.session, product_meters, data, now=access.now))


@post(f"{_METERS}/retire", opt=_DECLARE, tags=_TAGS)
async def retire_declared_meter(access: OpenAccess, data: JSONBody[MeterToRetire]) -> MeterRetired:
    """End the reporting of a meter's usage. Earlier usage is billed as usual."""
    await retire_meter(access.session, data.code, now=access.now)
    return MeterRetired(data.code)


@post(_CLIENTS, opt=_REPORT, tags=_TAGS, status_code=200, request_max_body_size=BATCH_BYTES)
async def report_client_usage(access: OpenAccess, data: JSONBody[UsageBatch]) -> UsageReceipt:
    """Report usage of a client. Each event has its own result; one sent again counts once. Usage of a month that is
    invoiced already is billed on the next invoice.
    """
    return await report_usage(access.session, data.source, data.events, now=access.now, new_id=new_id)


@post(
    f"{_CLIENTS}/cloudevents",
    opt={**_REPORT, EXTENSIBLE: True},
    tags=_TAGS,
    status_code=200,
    request_max_body_size=BATCH_BYTES,
)
async def report_usage_as_cloudevents(access: OpenAccess, data: JSONBody[CloudEventBatch]) -> UsageReceipt:
    """Report usage of a client as a batch of CloudEvents, whose `type` is the meter. Results are in the order of the
    batch.
    """
    by_source: dict[str, list[tuple[int, UsageEventInput]]] = {}
    for place, event in enumerate(data):
        usage = UsageEventInput(
            id=event.id, meter=event.type, occurred_at=event.time, quantity=event.data.quantity,
            dimensions=event.data.dimensions, reverses=event.data.reverses,
        )  # fmt: skip
        by_source.setdefault(event.source, []).append((place, usage))
    results: dict[int, ReportedEvent] = {}
    for source, events in sorted(by_source.items()):  # in one order, so that two batches cannot deadlock
        receipt = await report_usage(
            access.session, source, [usage for _, usage in events], now=access.now, new_id=new_id
        )
        results |= {place: item for (place, _), item in zip(events, receipt.items, strict=True)}
    return UsageReceipt.of([results[place] for place in range(len(data))])


@get([f"{path}/summary" for path in _USAGE], opt=_READ, tags=_TAGS)
async def show_usage_summary(
    access: OpenAccess,
    product_meters: ProductMeters,
    meter: FromQuery[str],
    month: FromQuery[str] = "",
    by: FromQuery[str] = "day",
) -> UsageSummary:
    """Return a month's usage of one meter, with the month before and a forecast. `month`: such as 2026-11; the current
    one if not given. `by`: `day`, `source`, `dimension:NAME` or, for all clients together, `client`.
    """
    found = (await add_declared(access.session, product_meters)).require(meter)
    period = parse_month(month) if month else month_of(access.now)
    grouping = read_grouping(by, is_fleet=access.scope.fleet)
    return await read_usage(access.session, meter=found.name, period=period, by=grouping, now=access.now)


@post(_USAGE[0], opt={**_REPORT, "fleet": True}, tags=_TAGS, status_code=200, request_max_body_size=BATCH_BYTES)
async def report_clients_usage(access: OpenAccess, data: JSONBody[ClientUsageBatch]) -> UsageReceipt:
    """Report usage of several clients. Each event has its own result; one sent again counts once."""
    return await report_for_clients(access, data)


USAGE_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    REPORTED_USAGE_LIST, show_meters, declare_meter, retire_declared_meter, report_client_usage,
    report_usage_as_cloudevents, show_usage_summary, report_clients_usage,
)  # fmt: skip
