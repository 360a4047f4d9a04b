"""Structs of meters and usage for pages, commands and the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from billing.usage.counting import (
    MOST_FILTERS,
    MOST_VALUES,
    USUAL_PERCENTILE,
    Counting,
    MeterAggregation,
    write_filters,
)
from foundation.web.requests import RequestBody

MOST_EVENTS = 1000
"""Events of one request."""

_Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Source = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Meter = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Value = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Dimensions = Annotated[dict[_Code, _Value], msgspec.Meta(max_length=10)]


class NewMeter(RequestBody, frozen=True):
    """A meter to declare. `code` is its name for systems, such as `gb_hours`; `label` the text on invoices, `unit` what
    one unit is called, such as “GB-hours”.

    `event`: the name under which its usage is reported, its code if empty; several meters may read the same events.
    `filters`: only events with one of these values of each dimension. `aggregation`, with `dimension` and
    `percentile`, is how a month's events become its quantity: see the guide on usage.
    """

    code: _Code
    label: Annotated[str, msgspec.Meta(max_length=200)]
    unit: Annotated[str, msgspec.Meta(max_length=200)]
    event: Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_]{0,39})?$")] = ""
    aggregation: MeterAggregation = MeterAggregation.SUM
    dimension: Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_]{0,39})?$")] = ""
    percentile: Decimal = USUAL_PERCENTILE
    filters: Annotated[
        dict[_Code, Annotated[list[_Value], msgspec.Meta(min_length=1, max_length=MOST_VALUES)]],
        msgspec.Meta(max_length=MOST_FILTERS),
    ] = msgspec.field(default_factory=dict)

    @property
    def counting(self) -> Counting:
        return Counting(self.aggregation, self.dimension, self.percentile, self.filters)


class MeterToRetire(RequestBody, frozen=True):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class MeterView(msgspec.Struct, frozen=True):
    """`declared_by`: `product` for meters of this product, which have no `event`; `msp` for usage that other systems
    report. `event`: the name under which it is reported.
    """

    code: str
    label: str
    unit: str
    declared_by: Literal["product", "msp"]
    created_at: datetime | None = None
    created_by: str = ""
    retired_at: datetime | None = None
    event: str = ""
    aggregation: MeterAggregation = MeterAggregation.SUM
    dimension: str = ""
    percentile: Decimal = USUAL_PERCENTILE
    filters: Mapping[str, Sequence[str]] = {}

    @property
    def filter_text(self) -> str:
        return "; ".join(write_filters(self.filters).splitlines())


class MeterCreated(msgspec.Struct, frozen=True):
    code: str


class MeterRetired(msgspec.Struct, frozen=True):
    code: str


class MeterList(msgspec.Struct, frozen=True):
    items: Sequence[MeterView]


class UsageEventInput(RequestBody, frozen=True, kw_only=True):
    """One use of one meter, or of all meters that read the events of the name `meter` and take its dimensions. `id`
    identifies it among the events of its source: sent again, it counts once.

    `quantity`: an exact decimal of 0 or more with up to 9 decimals; 1 if not given. `dimensions`: names and values by
    which usage is analysed. `reverses`: the `id` of an earlier event of this source, whose quantity is reversed in
    full; such an event has no quantity of its own.
    """

    id: _Id
    meter: _Meter
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    quantity: Decimal | None = None
    dimensions: _Dimensions = msgspec.field(default_factory=dict)
    reverses: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ClientUsageEventInput(UsageEventInput, frozen=True, kw_only=True):
    """A use by the client with this short name."""

    client: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]


class UsageBatch(RequestBody, frozen=True, kw_only=True):
    """Usage events of one client. `source`: the system that counted them."""

    source: _Source
    events: Annotated[list[UsageEventInput], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


class ClientUsageBatch(RequestBody, frozen=True, kw_only=True):
    """Usage events of several clients."""

    source: _Source
    events: Annotated[list[ClientUsageEventInput], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


class CloudEventUsageData(RequestBody, frozen=True):
    """See `UsageEventInput`."""

    quantity: Decimal | None = None
    dimensions: _Dimensions = msgspec.field(default_factory=dict)
    reverses: Annotated[str, msgspec.Meta(max_length=200)] = ""


class UsageCloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A usage event as CloudEvents 1.0 in JSON: `type` is the meter, `source` the system, `time` the time of use.
    Extension attributes are ignored.
    """

    specversion: Literal["1.0"]
    id: _Id
    source: _Source
    type: _Meter
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: CloudEventUsageData = msgspec.field(default_factory=CloudEventUsageData)
    subject: Annotated[str, msgspec.Meta(max_length=500)] = ""
    datacontenttype: Literal["application/json"] = "application/json"


CloudEventBatch = Annotated[list[UsageCloudEvent], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


class ReportedEvent(msgspec.Struct, frozen=True):
    """Result of one event. `duplicate`: accepted before, and counted once. A refusal has a code and a sentence."""

    id: str
    result: Literal["accepted", "duplicate", "refused"]
    code: str = ""
    detail: str = ""


class UsageReceipt(msgspec.Struct, frozen=True):
    """Results in the order of the request."""

    accepted: int
    duplicate: int
    refused: int
    items: Sequence[ReportedEvent]

    @classmethod
    def of(cls, items: Sequence[ReportedEvent]) -> "UsageReceipt":
        counts = {
            result: sum(item.result == result for item in items) for result in ("accepted", "duplicate", "refused")
        }
        return cls(counts["accepted"], counts["duplicate"], counts["refused"], items)


class ReportedUsageView(msgspec.Struct, frozen=True):
    """A usage event that another system reported. `reverses` is the `event_id` of the event that it takes back."""

    id: UUID
    client_id: UUID
    meter: str
    source: str
    event_id: str
    quantity: Decimal
    occurred_at: datetime
    received_at: datetime
    dimensions: Mapping[str, Any]
    reverses: str | None
    reported_by: str


class UsageGroup(msgspec.Struct, frozen=True):
    """Usage of one value of the grouping, such as a day or a client; `before` is that of the month before."""

    key: str
    events: int
    quantity: Decimal
    before: Decimal


class UsageSummary(msgspec.Struct, frozen=True):
    """Usage of one meter in one month, in the account's time zone UTC.

    `forecast` is the month's quantity if usage goes on as until `as_of`; equal to `quantity` for a month that has
    ended. `before` is the month before. `groups` are the largest first, days in order; `days` always those of the
    month. Quantities of groups add up to the month's where `aggregation` is sum or count.
    """

    meter: str
    month: str
    by: str
    as_of: datetime
    events: int
    quantity: Decimal
    before: Decimal
    forecast: Decimal
    days: Sequence[UsageGroup]
    groups: Sequence[UsageGroup]
    dimensions: Sequence[str]
    aggregation: MeterAggregation = MeterAggregation.SUM
