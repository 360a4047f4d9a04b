"""One thin adapter for each kind of the worked cases: the inputs of a case → the public function → its results.

Inputs that a case leaves out take the function's default. Numbers are text or integers, never floats.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from billing.pricing import charges, discounts, grants, tiers, true_ups
from billing.pricing.discounts import Discount, TaxedFee, Weight
from billing.pricing.periods import Interval
from billing.pricing.rounding import Rounding, round_amount

Inputs = Mapping[str, Any]
Result = Mapping[str, Any]
Adapter = Callable[[Inputs], Result]
ADAPTERS: Final[dict[str, Adapter]] = {}


def adapter(*kinds: str) -> Callable[[Adapter], Adapter]:
    def register(function: Adapter) -> Adapter:
        for kind in kinds:
            ADAPTERS[kind] = function
        return function

    return register


def number(value: Any) -> Decimal:
    return Decimal(value)


def maybe(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def whole(value: Any) -> int:
    return int(Decimal(value))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def rounding(i: Inputs, *names: str) -> Rounding:
    found = next((i[name] for name in (*names, "mode", "round", "rounding") if i.get(name)), "half_up")
    return Rounding(found)


def _tiers(i: Inputs) -> list[tiers.PriceTier]:
    return [tiers.PriceTier(maybe(t["up_to"]), number(t.get("unit", 0)), number(t.get("flat", 0))) for t in i["tiers"]]


def _zero(i: Inputs) -> bool:
    return bool(i.get("zero_usage_pays_first_flat", False))


@adapter("graduated")
def graduated(i: Inputs) -> Result:
    found = tiers.graduated(
        _tiers(i), number(i["quantity"]), before=number(i.get("before", 0)), zero_usage_pays_first_flat=_zero(i)
    )
    return {"amount": found}


@adapter("volume")
def volume(i: Inputs) -> Result:
    found = tiers.volume(
        _tiers(i), number(i["quantity"]), before=number(i.get("before", 0)), zero_usage_pays_first_flat=_zero(i)
    )
    return {"amount": found}


@adapter("graduated_percentage")
def graduated_percentage(i: Inputs) -> Result:
    rates = [
        tiers.PercentTier(maybe(t["up_to"]), number(t.get("rate_pct", 0)), number(t.get("flat", 0))) for t in i["tiers"]
    ]
    quantity = number(i.get("quantity", i.get("amount", 0)))
    found = tiers.graduated_percentage(
        rates, quantity, before=number(i.get("before", 0)), zero_usage_pays_first_flat=_zero(i)
    )
    return {"amount": found}


@adapter("package")
def package(i: Inputs) -> Result:
    found = tiers.package(
        number(i["size"]), number(i["price"]), number(i["quantity"]), free=number(i.get("free", 0)),
        before=number(i.get("before", 0)), min_packages=whole(i.get("min_packages", 0)),
    )  # fmt: skip
    return {"packages": found.packages, "amount": found.amount}


@adapter("block_tiers")
def block_tiers(i: Inputs) -> Result:
    blocks = [
        tiers.BlockTier(
            number(t["size"]), number(t["price"]), None if t.get("max_blocks") is None else whole(t["max_blocks"])
        )
        for t in i["tiers"]
    ]
    top = i.get("policy", "all_tiers") == "top_tier"
    return {
        "amount": tiers.block_tiers(blocks, number(i["quantity"]), top_tier_only=top, before=number(i.get("before", 0)))
    }


@adapter("percentage")
def percentage(i: Inputs) -> Result:
    terms = charges.Percentage(
        number(i["rate_pct"]), number(i.get("fixed_per_event") or 0),
        None if i.get("free_events") is None else whole(i["free_events"]), maybe(i.get("free_amount")),
        maybe(i.get("min_per_event")), maybe(i.get("max_per_event")),
    )  # fmt: skip
    events = [number(event) for event in i["events"]]
    return {"amount": charges.percentage(terms, events, before=[number(event) for event in i.get("before", ())])}


@adapter("maximum_spend")
def maximum_spend(i: Inputs) -> Result:
    found = true_ups.maximum_spend(
        maybe(i["maximum"]), number(i["amount"]), billed_before=number(i.get("billed_before", 0))
    )
    return {"total": found.total, "discount": found.discount}


@adapter("minimum_true_up")
def minimum_true_up(i: Inputs) -> Result:
    exponent = i.get("exponent", 0 if "of_days" in i else None)
    found = true_ups.minimum_true_up(
        number(i["minimum"]), number(i["charged"]), days=number(i.get("days", 1)), of_days=number(i.get("of_days", 1)),
        is_last=bool(i.get("last", i.get("is_last", True))), exponent=exponent, mode=rounding(i),
    )  # fmt: skip
    return {"true_up": found}


@adapter("commitment_true_up")
def commitment_true_up(i: Inputs) -> Result:
    fees = [true_ups.PeriodFee(number(fee["amount"]), bool(fee.get("prorated", False))) for fee in i["fees"]]
    found = true_ups.commitment_true_up(
        number(i["commitment"]), fees, days=number(i.get("days", 1)), of_days=number(i.get("of_days", 1)),
        prorate_commitment=bool(i.get("prorate_commitment", True)), exponent=i.get("exponent", 0), mode=rounding(i),
    )  # fmt: skip
    return {"true_up": found}


@adapter("usage_discount")
def usage_discount(i: Inputs) -> Result:
    found = charges.usage_discount(number(i["free_units"]), number(i["quantity"]), before=number(i.get("before", 0)))
    return {"billable": found.billable, "free_used_now": found.free_used_now}


@adapter("per_unit")
def per_unit(i: Inputs) -> Result:
    exponent = i.get("exponent", 0 if i.get("round") else None)
    found = charges.per_unit(
        number(i["unit_price"]), number(i["quantity"]), cap=maybe(i.get("cap")), exponent=exponent, mode=rounding(i)
    )
    return {"amount": found}


@adapter("matrix")
def matrix(i: Inputs) -> Result:
    cells = [charges.Cell(cell.get("dims", {}), number(cell["unit_price"])) for cell in i["cells"]]
    usage = [charges.DimensionUsage(use.get("dims", {}), number(use["quantity"])) for use in i["usage"]]
    return {"amount": charges.matrix(cells, usage)}


@adapter("flat")
def flat(i: Inputs) -> Result:
    periods_, quantity = number(i.get("periods", 1)), number(i.get("quantity", 1))
    return {"amount": charges.flat(number(i["amount"]), periods=periods_, quantity=quantity)}


@adapter("margin")
def margin(i: Inputs) -> Result:
    cost = number(i["cost_unit"])
    price = charges.marked_up(cost, number(i["markup_pct"])) if "markup_pct" in i else number(i["price_unit"])
    found = charges.margin(cost, price, number(i.get("quantity", 1)))
    return {"cost": found.cost, "revenue": found.revenue, "margin": found.margin, "price_unit": price}


@adapter("prepaid_then_overage")
def prepaid_then_overage(i: Inputs) -> Result:
    found = charges.prepaid_then_overage(
        number(i["prepaid_units"]), number(i["prepaid_fee"]), number(i["overage_price"]), number(i["quantity"])
    )
    return {
        "drawn_units": found.drawn_units, "overage_units": found.overage_units,
        "overage_amount": found.overage_amount, "total": found.total,
    }  # fmt: skip


ENDS: Final = ("voided", "voided_at", "deleted", "deleted_at")


def _grant(g: Inputs) -> grants.CreditGrant:
    recurs = g.get("recurrence", g.get("recurs"))
    interval, anchor = (recurs.get("interval"), recurs.get("anchor")) if isinstance(recurs, dict) else (recurs, None)
    return grants.CreditGrant(
        id=str(g["id"]), amount=number(g["amount"]), priority=whole(g.get("priority", 0)),
        effective=instant(g["effective"]), expires=moment(g.get("expires")),
        voided=moment(next((g[name] for name in ENDS if g.get(name)), None)),
        recurs=None if interval is None else INTERVALS[interval], anchor=moment(anchor or g.get("anchor")),
        max_rollover=maybe(g.get("max_rollover", 0)), min_rollover=number(g.get("min_rollover", 0)),
    )  # fmt: skip


@adapter("credit_burndown")
def credit_burndown(i: Inputs) -> Result:
    found = grants.burn_down(
        [_grant(grant) for grant in i["grants"]],
        [grants.UseEvent(instant(event["at"]), number(event["quantity"])) for event in i["events"]],
        until=instant(i["until"]), overage=number(i.get("overage", 0)),
        resets=[instant(at) for at in i.get("resets", ())],
        keep_overage=bool(i.get("preserve_overage", i.get("keep_overage", False))),
        overage_from_next_grant=bool(i.get("overage_from_next_grant", True)),
    )  # fmt: skip
    return {"balances": found.balances, "overage": found.overage}


@adapter("rollover")
def rollover(i: Inputs) -> Result:
    maximum = maybe(i.get("max_rollover"))
    return {"balance": grants.rollover(number(i["balance"]), maximum, minimum=number(i.get("min_rollover") or 0))}


@adapter("wallet_top_up")
def wallet_top_up(i: Inputs) -> Result:
    found = grants.wallet_top_up(number(i["credits"]), number(i.get("rate", 1)), i.get("exponent", 2), mode=rounding(i))
    return {"amount_minor": found}


@adapter("wallet_drawdown")
def wallet_drawdown(i: Inputs) -> Result:
    found = grants.wallet_drawdown(whole(i["balance_minor"]), whole(i["invoice_minor"]))
    return {"applied_minor": found.applied_minor, "due_minor": found.due_minor, "balance_minor": found.balance_minor}


@adapter("wallets_priority")
def wallets_priority(i: Inputs) -> Result:
    wallets = [
        grants.Wallet(
            id=wallet["id"], balance_minor=whole(wallet["balance_minor"]), priority=whole(wallet.get("priority", 50)),
            expires=moment(wallet.get("expires")),
        )
        for wallet in i["wallets"]
    ]  # fmt: skip
    found = grants.draw_wallets(wallets, whole(i["invoice_minor"]), now=moment(i.get("at", i.get("now"))))
    left = {wallet.id: wallet.balance_minor - found.applied[wallet.id] for wallet in wallets}
    return {"applied": found.applied, "due_minor": found.due_minor, "balances": left}


def _coupon(i: Inputs) -> Discount:
    percent = next((i[name] for name in ("percent", "percentage", "percentage_rate", "rate_pct") if name in i), None)
    only = next((i[name] for name in ("only", "fees", "fee_ids", "applies_to", "limited_to") if i.get(name)), None)
    return Discount(
        amount_minor=maybe(i.get("amount_minor")), percent=maybe(percent),
        used_before_minor=number(i.get("used_before_minor", 0)),
        recurring=i.get("frequency", "once") != "once", only=only,
    )  # fmt: skip


@adapter("coupon")
def coupon(i: Inputs) -> Result:
    inputs = {name: value for name, value in i.items() if name != "fees"}
    found = discounts.apply_coupon(_coupon(inputs), [whole(fee) for fee in i["fees_minor"]], mode=rounding(i))
    return {"credit_minor": found.credit_minor, "per_fee": list(found.per_fee)}


@adapter("coupon_once_across_invoices")
def coupon_once_across_invoices(i: Inputs) -> Result:
    found, left = discounts.spend_coupon(whole(i["amount_minor"]), [whole(one) for one in i["invoices_minor"]])
    return {"credits_minor": found, "remaining_minor": left}


@adapter("coupons_then_tax")
def coupons_then_tax(i: Inputs) -> Result:
    fees = [TaxedFee(fee["id"], number(fee["minor"]), number(fee.get("tax_pct", 0))) for fee in i["fees"]]
    found = discounts.coupons_then_tax(fees, [_coupon(one) for one in i["coupons"]], mode=rounding(i))
    return {
        "coupons_minor": found.coupons_minor, "subtotal_minor": found.subtotal_minor, "tax_per_fee": list(found.taxes),
        "discount_per_fee_5dp": [round_amount(number, 5) for number in found.discounts], "tax_minor": sum(found.taxes),
        "total_minor": found.subtotal_minor + sum(found.taxes),
    }  # fmt: skip


@adapter("allocate")
def allocate(i: Inputs) -> Result:
    items = [Weight(str(item["key"]), number(item["weight"])) for item in i["items"]]
    parts = discounts.allocate(
        number(i["amount"]), items, exponent=i.get("exponent", 0), cap_to_items=bool(i.get("cap_to_items", False))
    )
    return {"parts": parts}


@adapter("percent_discount_per_amount")
def percent_discount_per_amount(i: Inputs) -> Result:
    percent, amounts = number(i["percent"]), [number(one) for one in i["amounts_minor"]]
    return {
        "per_amount": discounts.percent_of_each(percent, amounts, mode=rounding(i)),
        "on_sum": discounts.percent_of_sum(percent, amounts, mode=rounding(i)),
    }


INTERVALS: Final = {
    **{interval.value: interval for interval in Interval},
    "daily": Interval.DAY, "weekly": Interval.WEEK, "monthly": Interval.MONTH, "quarterly": Interval.QUARTER,
    "semiannual": Interval.HALF_YEAR, "half-year": Interval.HALF_YEAR, "yearly": Interval.YEAR,
    "annual": Interval.YEAR, "biannual": Interval.HALF_YEAR,
}  # fmt: skip
