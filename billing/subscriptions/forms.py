"""Input of the forms of subscriptions and their steps."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

from billing.forms import build_body
from billing.plans.forms import read_count
from billing.pricing.periods import local_instant
from billing.subscriptions.schemas import StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.lists import is_day

Typed = Mapping[str, str]
_ADD_ON: Final = "add_on_"
_PROBLEMS: Final = {"plan": N_("Choose a plan.")}


def read_subscription(typed: Typed) -> SubscriptionInput:
    """Raises InvalidInput: names the field."""
    given = {
        "plan": typed.get("plan", ""), "quantity": _count(typed, "quantity", 1), "add_ons": _add_ons(typed),
        "starts_on": _day(typed, "starts_on"), "calendar": typed.get("periods") != "anniversary",
        "reason": typed.get("reason", ""),
    }  # fmt: skip
    return build_body(SubscriptionInput, given, _PROBLEMS)


def read_step(typed: Typed, zone: str) -> StepInput:
    """Raises InvalidInput: names the field."""
    kind = typed.get("kind", "")
    if kind not in list(StepKind):
        raise InvalidInput(N_("Choose what to do."), field="kind")
    when, day = typed.get("when", ""), _day(typed, "on")
    given: dict[str, Any] = {
        "kind": kind, "reason": typed.get("reason", ""), "credits": typed.get("credits", "on") == "on",
        "when": when if when in ("now", "period_end") else None,
    }  # fmt: skip
    if when == "day":
        if day is None:
            raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field="on")
        given["at"] = local_instant(datetime.combine(day, time()), zone).astimezone(UTC)
    if kind == StepKind.CHANGE:
        given |= {"plan": typed.get("plan") or None, "quantity": _count(typed, "quantity", None)}
        given["add_ons"] = _add_ons(typed) or None
    return build_body(StepInput, given, _PROBLEMS)


def _count(typed: Typed, name: str, empty: int | None) -> int | None:
    return read_count(typed, name) if typed.get(name) else empty


def _add_ons(typed: Typed) -> dict[str, int]:
    return {name.removeprefix(_ADD_ON): read_count(typed, name) for name in typed if name.startswith(_ADD_ON)}


def _day(typed: Typed, name: str) -> date | None:
    text = typed.get(name, "")
    if text and not is_day(text):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field=name)
    return date.fromisoformat(text) if text else None
