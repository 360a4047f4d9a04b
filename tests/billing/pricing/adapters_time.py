"""Adapters of the worked cases about time, tax, whole invoices and events; see `adapters`."""

from datetime import date, timedelta
from typing import Any, Final

from billing.pricing import aggregation, periods, progressive, proration, tax, true_ups
from billing.pricing.rounding import round_amount, to_minor, to_stripe
from tests.billing.pricing.adapters import (
    INTERVALS,
    Inputs,
    Result,
    adapter,
    instant,
    maybe,
    moment,
    number,
    rounding,
    whole,
)


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _period(i: Inputs) -> tuple[date, date]:
    return _day(i["period_start"]), _day(i["period_end"])


@adapter("proration_days")
def proration_days(i: Inputs) -> Result:
    found = proration.prorate_days(
        number(i["price"]), _period(i), (_day(i["from"]), _day(i["to"])), exponent=i.get("exponent", 0),
        mode=rounding(i), last_day_included=bool(i.get("last_day_included", False)), credit=bool(i.get("credit")),
    )  # fmt: skip
    return {"amount": found}


@adapter("proration_30_day_month")
def proration_30_day_month(i: Inputs) -> Result:
    """Proration by months of thirty days; these cases name the last billed day."""
    actual = i.get("method", "30_360").startswith("actual")
    found = proration.prorate_30_day_month(
        number(i["price"]), _day(i["from"]), _day(i["to"]),
        method=proration.DayCount.ACTUAL_30 if actual else proration.DayCount.THIRTY,
        last_day_included=bool(i.get("last_day_included", True)), exponent=i.get("exponent", 2), mode=rounding(i),
    )  # fmt: skip
    return {"amount": found}


@adapter("proration_ratio")
def proration_ratio(i: Inputs) -> Result:
    found = proration.prorate(
        number(i["price"]), number(i["days"]), number(i["of_days"]), exponent=i.get("exponent", 0), mode=rounding(i),
        credit=bool(i.get("credit")),
    )  # fmt: skip
    return {"amount": found}


def _change(found: proration.PlanChange) -> Result:
    return {"credit_minor": found.credit_minor, "debit_minor": found.debit_minor, "net_minor": found.net_minor}


@adapter("proration_seconds")
def proration_seconds(i: Inputs) -> Result:
    period = instant(i["period_start"]), instant(i["period_end"])
    return _change(
        proration.change_by_seconds(
            number(i["old_minor"]), number(i["new_minor"]), period=period, at=instant(i["change_at"]), mode=rounding(i)
        )
    )


@adapter("plan_change")
def plan_change(i: Inputs) -> Result:
    return _change(
        proration.plan_change(
            (INTERVALS[i["old_interval"]], number(i["old_minor"])),
            (INTERVALS[i["new_interval"]], number(i["new_minor"])),
            cycle_start=instant(i["cycle_start"]), at=instant(i["change_at"]),
            keep_cycle=bool(i.get("keep_cycle", False)), mode=rounding(i),
        )
    )  # fmt: skip


@adapter("billing_cycles")
def billing_cycles(i: Inputs) -> Result:
    parts = [(number(days), number(of)) for days, of in i.get("parts", ())]
    return {"cycles": proration.billing_cycles(parts, whole=number(i.get("whole", 0)))}


@adapter("trial_first_bill")
def trial_first_bill(i: Inputs) -> Result:
    found = proration.trial_first_bill(number(i["price_minor"]), _period(i), _day(i["trial_end"]), mode=rounding(i))
    return {"amount_minor": found}


@adapter("upgrade_or_downgrade")
def upgrade_or_downgrade(i: Inputs) -> Result:
    up = periods.is_upgrade(
        number(i["old_amount"]), number(i["old_months"]), number(i["new_amount"]), number(i["new_months"])
    )
    return {"kind": "upgrade" if up else "downgrade"}


@adapter("period_starts")
def period_starts(i: Inputs) -> Result:
    every = whole(i.get("every", i.get("interval_count", 1)))
    starts = periods.period_starts(_day(i["anchor"]), INTERVALS[i["interval"]], whole(i["count"]), every=every)
    return {"starts": [start.isoformat() for start in starts]}


@adapter("local_midnight_utc")
def local_midnight_utc(i: Inputs) -> Result:
    found = periods.local_period(instant(i["local_start"]), instant(i["local_end"]), i["tz"])
    return {
        "start_utc": f"{found.start:%Y-%m-%dT%H:%M:%SZ}", "end_utc": f"{found.end:%Y-%m-%dT%H:%M:%SZ}",
        "hours": found.hours,
    }  # fmt: skip


@adapter("phases")
def phases(i: Inputs) -> Result:
    plan = [
        periods.Phase(number(phase["price"]), None if phase.get("cycles") is None else whole(phase["cycles"]))
        for phase in i["phases"]
    ]
    return {"prices": [periods.phase_price(plan, whole(cycle)) for cycle in i["cycles"]]}


@adapter("ramp_total")
def ramp_total(i: Inputs) -> Result:
    lines = periods.ramp_lines(
        [
            periods.RampSegment(
                number(s["unit_price"]), number(s.get("quantity", 1)), number(s.get("discount_pct") or 0),
                number(s.get("discount_amount") or 0), number(s.get("periods", 1)),
            )
            for s in i["segments"]
        ]
    )  # fmt: skip
    return {
        "line_totals": [line.list_total for line in lines], "net_unit": [line.net_unit for line in lines],
        "net_totals": [line.net_total for line in lines], "total": sum(line.list_total for line in lines),
    }  # fmt: skip


@adapter("rounding")
def rounding_(i: Inputs) -> Result:
    return {"amount": round_amount(number(i["amount"]), i.get("exponent", 2), rounding(i))}


@adapter("to_minor")
def to_minor_(i: Inputs) -> Result:
    amount, exponent, mode = number(i["amount"]), i.get("exponent", 2), rounding(i)
    if i.get("currency") and i.get("stripe"):
        return {"minor": to_stripe(amount, i["currency"], exponent, mode=mode)}
    three = bool(i.get("stripe_three_decimal", False))
    return {"minor": to_minor(amount, exponent, mode=mode, stripe_three_decimal=three)}


def _taxed(found: tax.Taxed) -> Result:
    return {"net": found.net, "tax": found.tax, "gross": found.gross}


@adapter("tax_inclusive")
def tax_inclusive(i: Inputs) -> Result:
    return _taxed(
        tax.tax_within(
            number(i["gross"]), number(i["rate_pct"]), round_tax=i.get("round_what", "tax") == "tax",
            exponent=i.get("exponent", 2), mode=rounding(i),
        )
    )  # fmt: skip


@adapter("tax_exclusive")
def tax_exclusive(i: Inputs) -> Result:
    return _taxed(tax.tax_on(number(i["net"]), number(i["rate_pct"]), exponent=i.get("exponent", 0), mode=rounding(i)))


def _lines(i: Inputs) -> list[tax.TaxableLine]:
    def line(one: Any) -> tax.TaxableLine:
        if isinstance(one, dict):
            net = next(one[name] for name in ("net", "amount", "minor") if name in one)
            return tax.TaxableLine(number(net), number(one.get("rate_pct", one.get("tax_pct", i.get("rate_pct", 0)))))
        return tax.TaxableLine(number(one), number(i["rate_pct"]))

    return [line(one) for one in i["lines"]]


@adapter("tax_per_line_vs_invoice")
def tax_per_line_vs_invoice(i: Inputs) -> Result:
    lines, exponent, mode = _lines(i), i.get("exponent", 0), rounding(i)
    return {
        "tax_by_line": tax.tax_by_line(lines, exponent=exponent, mode=mode),
        "tax_by_rate": sum(tax.tax_by_rate(lines, exponent=exponent, mode=mode).values()),
        "tax_by_invoice": tax.tax_by_invoice(lines, exponent=exponent, mode=mode),
    }


@adapter("invoice_waterfall")
def invoice_waterfall(i: Inputs) -> Result:
    found = tax.invoice_waterfall(
        [number(fee) for fee in i["fees"]], coupons=number(i.get("coupons", 0)), tax_pct=number(i.get("tax_pct", 0)),
        credit_notes=number(i.get("credit_notes", 0)), prepaid=number(i.get("prepaid", 0)),
        exponent=i.get("exponent", 2), mode=rounding(i),
    )  # fmt: skip
    return {name: getattr(found, name) for name in found.__struct_fields__}


@adapter("credit_note")
def credit_note(i: Inputs) -> Result:
    found = tax.credit_note(
        number(i["fee_minor"]), unused=number(i.get("unused_days", 1)), of=number(i.get("of_days", 1)),
        tax_pct=number(i.get("tax_pct", 0)), mode=rounding(i),
    )  # fmt: skip
    return {
        "credit_net_minor": found.net_minor, "credit_tax_minor": found.tax_minor,
        "credit_total_minor": found.total_minor,
    }  # fmt: skip


@adapter("credit_note_tax")
def credit_note_tax(i: Inputs) -> Result:
    found = tax.credit_note(number(i["item_minor"]), tax_pct=number(i.get("tax_pct", 0)), mode=rounding(i))
    return {"tax_minor": found.tax_minor, "total_minor": found.total_minor}


@adapter("progressive_billing")
def progressive_billing(i: Inputs) -> Result:
    found = progressive.bill_progressively(
        [number(threshold) for threshold in i["thresholds_minor"]], number(i["unit_price_minor"]),
        [number(event) for event in i["events"]], subscription_minor=number(i.get("subscription_minor", 0)),
        recurring_minor=maybe(i.get("recurring_threshold_minor", i.get("recurring_minor"))), mode=rounding(i),
    )  # fmt: skip
    return {
        "progressive_invoices": list(found.progressive_invoices), "final_total_minor": found.final_total_minor,
        "final_fees_minor": found.final_fees_minor, "credited_minor": found.credited_minor,
    }  # fmt: skip


_LAGO_PLACES: Final = 5


@adapter("weighted_sum")
def weighted_sum(i: Inputs) -> Result:
    carried = next((i[name] for name in ("carried", "carried_in", "initial", "initial_value") if name in i), 0)
    found = aggregation.weighted_sum(
        [aggregation.LevelChange(instant(event["at"]), number(event["delta"])) for event in i["events"]],
        instant(i["from"]), instant(i["to"]), carried=number(carried), places=_LAGO_PLACES,
    )  # fmt: skip
    return {"units": found.units, "carried": found.carried}


_FUNCTIONS: Final = {"last": "latest", "unique_count": "unique", "avg": "average", "mean": "average"}


@adapter("aggregate")
def aggregate(i: Inputs) -> Result:
    name = str(i["function"])
    percentile = i.get("percentile", i.get("p", name[1:] if name[0] == "p" and name[1:].isdigit() else 95))
    function = "percentile" if name[0] == "p" and name[1:].isdigit() else _FUNCTIONS.get(name, name)
    value = "value" if function == "unique" else i.get("field", "value")
    found = aggregation.aggregate(
        aggregation.Aggregation(function),
        [
            aggregation.Measured(
                value=number(event.get(value) or 0) if function != "count" else 1, at=moment(event.get("at")),
                fields={key: str(one) for key, one in event.items() if one is not None},
                removes=event.get("operation", event.get("operation_type")) == "remove",
            )
            for event in i["events"]
        ],
        field=i.get("field", "value"), group_by=i.get("group_by", ()), filters=i.get("filters"),
        percentile=number(percentile),
    )  # fmt: skip
    groups = {"/".join(key): one for key, one in found.groups.items()}
    return {"value": found.value, "groups": groups}


@adapter("late_event")
def late_event(i: Inputs) -> Result:
    known = [
        aggregation.ServicePeriod(
            instant(period["start"]), instant(period["end"]), period.get("state", "open") not in ("closed", "finalised")
        )
        for period in i.get("periods", ())
    ]
    found = aggregation.place_event(
        instant(i["occurred"]), instant(i["received"]), known, max_age=timedelta(days=i.get("max_age_days", 35)),
        max_future=timedelta(minutes=i.get("max_future_minutes", 5)),
    )  # fmt: skip
    return {"result": found.result.value}


@adapter("sla_credit")
def sla_credit(i: Inputs) -> Result:
    bands = [true_ups.UptimeBand(number(one["below_pct"]), number(one["credit_pct"])) for one in i["bands"]]
    found = true_ups.sla_credit(number(i["uptime_pct"]), number(i["fee"]), bands)
    return {"credit_pct": found.credit_pct, "credit": found.credit}
