"""Meters and their events. A wrong event is accepted, and reported later by a thin event."""

from decimal import Decimal, InvalidOperation

from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.generic import list_page
from tests.support.stripe_fake.store import Call, Object, handles

DAY = 86400
PAST_SECONDS = 35 * DAY
FUTURE_SECONDS = 300
UNIQUE_SECONDS = DAY
CANCEL_SECONDS = DAY
_GROUPS = {"hour": 3600, "day": DAY}


@handles("billing.meter.create")
def create(call: Call) -> Object:
    name = call.params["event_name"]
    if any(one["event_name"] == name and one["status"] == "active" for one in call.account.of_kind("billing.meter")):
        raise invalid(
            "resource_already_exists", f"An active meter with event name {name} already exists.", "event_name"
        )
    defaults = {
        "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "value_settings": {"event_payload_key": "value"},
    }
    kept = {key: value for key, value in call.params.items() if key != "dimension_payload_keys"}
    made = call.make(
        "billing.meter", **defaults | kept, status="active", updated=call.now,
        status_transitions={"deactivated_at": None},
    )  # fmt: skip
    call.emit("billing.meter.created", made)
    return made


@handles("billing.meter.deactivate")
def deactivate(call: Call) -> Object:
    found = call.need(call.ids[0], "billing.meter")
    found.update(status="inactive", updated=call.now, status_transitions={"deactivated_at": call.now})
    call.emit("billing.meter.deactivated", found)
    return found


@handles("billing.meter_event.create")
def create_event(call: Call) -> Object:
    params, now = call.params, call.now
    at = params.get("timestamp", now)
    if not now - PAST_SECONDS <= at <= now + FUTURE_SECONDS:
        raise invalid(
            "timestamp_out_of_range",
            "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future.", "timestamp",
        )  # fmt: skip
    identifier = params.get("identifier") or f"generated-{call.world.number()}"
    for other in call.account.meter_events:
        if other["identifier"] == identifier and other["created"] > now - UNIQUE_SECONDS:
            raise invalid(
                "duplicate_meter_event", f"An event already exists with identifier {identifier}.", "identifier"
            )
    event = {
        "object": "billing.meter_event", "livemode": False, "created": now, "event_name": params["event_name"],
        "identifier": identifier, "payload": params["payload"], "timestamp": at,
    }  # fmt: skip
    meter, wrong = _check(call, event)
    if wrong is None:
        call.account.meter_events.append({**event, "_meter": meter["id"] if meter else ""})
    else:
        _report(call, meter, event, wrong)
    return event


def _check(call: Call, event: Object) -> tuple[Object | None, str | None]:
    named = [one for one in call.account.of_kind("billing.meter") if one["event_name"] == event["event_name"]]
    meter = named[-1] if named else None
    if meter is None:
        return None, "no_meter"
    if meter["status"] != "active":
        return meter, "archived_meter"
    customer = event["payload"].get(meter["customer_mapping"]["event_payload_key"])
    if not customer:
        return meter, "meter_event_no_customer_defined"
    found = call.account.objects.get(customer)
    if found is None or found["object"] != "customer":
        return meter, "meter_event_customer_not_found"
    value = event["payload"].get(meter["value_settings"]["event_payload_key"], "1" if _counts(meter) else "")
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return meter, "meter_event_invalid_value"
    return meter, "meter_event_value_too_many_digits" if len(exact.as_tuple().digits) > 15 else None


def _counts(meter: Object) -> bool:
    return bool(meter["default_aggregation"]["formula"] == "count")


def _report(call: Call, meter: Object | None, event: Object, code: str) -> None:
    sample = {"error_message": code, "request": {"identifier": event["identifier"]}}
    data = {
        "developer_message_summary": f"There is 1 invalid event: {code}",
        "reason": {"error_count": 1, "error_types": [{"code": code, "error_count": 1, "sample_errors": [sample]}]},
        "validation_start": event["created"], "validation_end": event["created"] + 10,
    }  # fmt: skip
    if meter is None:
        call.world.emit_thin(call.account, "v1.billing.meter.no_meter_found", related=None, data=data)
        return
    related = {"id": meter["id"], "type": "billing.meter", "url": f"/v1/billing/meters/{meter['id']}"}
    call.world.emit_thin(call.account, "v1.billing.meter.error_report_triggered", related=related, data=data)


@handles("billing.meter_event_adjustment.create")
def adjust(call: Call) -> Object:
    identifier = call.params["cancel"]["identifier"]
    for place, event in enumerate(call.account.meter_events):
        if event["identifier"] == identifier and event["event_name"] == call.params["event_name"]:
            if event["created"] < call.now - CANCEL_SECONDS:
                raise invalid("meter_event_too_old", "Events can be cancelled within 24 hours of receipt only.")
            del call.account.meter_events[place]
            break
    else:
        raise invalid("resource_missing", f"No event with identifier {identifier}.", "cancel[identifier]")
    return call.make(
        "billing.meter_event_adjustment", event_name=call.params["event_name"], cancel={"identifier": identifier},
        type="cancel", status="pending",
    )  # fmt: skip


@handles("billing.meter_event_summary.list")
def list_summaries(call: Call) -> Object:
    meter = call.need(call.ids[0], "billing.meter")
    params = call.params
    start, end = params["start_time"], params["end_time"]
    step = _GROUPS.get(params.get("value_grouping_window", ""), end - start)
    if start % 60 or end % 60 or (step in _GROUPS.values() and (start % step or end % step)):
        raise invalid("parameter_invalid", "Start and end must be aligned with the grouping window.", "start_time")
    key, value_key = meter["customer_mapping"]["event_payload_key"], meter["value_settings"]["event_payload_key"]
    rows = []
    for at in range(start, end, step):
        values = [
            Decimal(one["payload"].get(value_key, "1"))
            for one in sorted(call.account.meter_events, key=lambda event: event["timestamp"])
            if one["_meter"] == meter["id"] and one["payload"].get(key) == params["customer"]
            and at <= one["timestamp"] < at + step
        ]  # fmt: skip
        if values:
            formula = meter["default_aggregation"]["formula"]
            total = {"sum": sum(values), "count": len(values), "last": values[-1]}[formula]
            rows.append(_summary(meter["id"], at, at + step, float(total)))
    return list_page(call, rows, f"/v1/billing/meters/{meter['id']}/event_summaries")


def _summary(meter: str, start: int, end: int, total: float) -> Object:
    return {
        "id": f"mtrusg_{meter}_{start}", "object": "billing.meter_event_summary", "aggregated_value": total,
        "start_time": start, "end_time": end, "livemode": False, "meter": meter,
    }  # fmt: skip
