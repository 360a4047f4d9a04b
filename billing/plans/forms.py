"""The form of a plan: reading its input, and filling it in from existing terms."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from billing.forms import build_body
from billing.plans.schemas import AddOnInput, PhaseInput, PlanEntitlementInput, PlanInput, PlanTermsInput
from billing.plans.terms import MONTHS, PlanTerms
from billing.price_books.forms import read_day, read_number
from billing.price_books.wording import write_plain
from foundation.entitlements.features import Features
from foundation.errors import InvalidInput
from foundation.marks import N_

Typed = Mapping[str, str]
ROWS: Final = range(1, 5)
"""Rows of phases and of add-ons."""
_PRICES: Final = ("fee", "seat_price", "setup_fee")
_PARTS: Final = ("use", "most", "seat", "soft")
"""Fields of a feature's entitlement."""
_LIMITS: Final = ("minimum", "commitment")
_PROBLEMS: Final = dict.fromkeys(
    ("code", "add_ons"), N_("A code has lower-case letters, digits, - and _, such as basic.")
)


def read_plan(typed: Typed, features: Features) -> PlanInput:
    """Raises InvalidInput: names the field."""
    given = _terms(typed, features)
    for field in ("code", "name", "currency"):
        given[field] = typed.get(field, "").upper() if field == "currency" else typed.get(field, "")
    return build_body(PlanInput, given, _PROBLEMS)


def read_terms(typed: Typed, features: Features) -> PlanTermsInput:
    """Raises InvalidInput: names the field."""
    return build_body(PlanTermsInput, _terms(typed, features), _PROBLEMS)


def _terms(typed: Typed, features: Features) -> dict[str, Any]:
    given: dict[str, Any] = {name: read_number(typed, name) or Decimal(0) for name in _PRICES}
    given |= {name: read_number(typed, name) for name in _LIMITS}
    given |= {name: typed.get(name, "") for name in ("seat_name", "setup_name")}
    interval = typed.get("interval", "month")
    if interval not in [one.value for one in MONTHS]:
        raise InvalidInput(N_("Choose how often the plan is billed."), field="interval")
    return given | {
        "interval": interval,
        "in_advance": typed.get("timing") != "arrears",
        "prorates_true_up": bool(typed.get("prorates_true_up")),
        "trial_days": read_count(typed, "trial_days"),
        "phases": [
            PhaseInput(
                read_count(typed, f"cycles_{row}"), read_number(typed, f"phase_fee_{row}") or Decimal(0),
                read_number(typed, f"phase_seat_{row}") or Decimal(0),
            )
            for row in ROWS if typed.get(f"cycles_{row}")
        ],
        "add_ons": [
            AddOnInput(
                typed.get(f"add_on_code_{row}", ""), typed.get(f"add_on_name_{row}", ""),
                read_number(typed, f"add_on_price_{row}") or Decimal(0),
            )
            for row in ROWS if typed.get(f"add_on_code_{row}") or typed.get(f"add_on_name_{row}")
        ],
        "entitlements": [
            PlanEntitlementInput(
                feature.code, typed.get(f"use_{feature.code}") != "off", _most(typed, f"most_{feature.code}"),
                _most(typed, f"seat_{feature.code}"), _most(typed, f"soft_{feature.code}"),
            )
            for feature in features if any(typed.get(f"{part}_{feature.code}") for part in _PARTS)
        ],
        "valid_from": read_day(typed),
    }  # fmt: skip


def _most(typed: Typed, name: str) -> int | None:
    return read_count(typed, name) if typed.get(name) else None


def read_count(typed: Typed, name: str) -> int:
    """A whole number, 0 for an empty field. Raises InvalidInput."""
    text = typed.get(name, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise InvalidInput(N_("Enter a whole number, such as 14."), field=name)
    return int(text)


def write_form(terms: PlanTerms) -> Typed:
    """Texts of the form's fields for existing terms."""
    shown = {name: write_plain(getattr(terms, name)) if getattr(terms, name) else "" for name in _PRICES}
    for name in _LIMITS:
        limit = getattr(terms, name)
        shown[name] = "" if limit is None else write_plain(limit)
    for row, phase in enumerate(terms.phases, start=1):
        shown |= {
            f"cycles_{row}": str(phase.cycles), f"phase_fee_{row}": write_plain(phase.fee),
            f"phase_seat_{row}": write_plain(phase.seat_price),
        }  # fmt: skip
    for row, add_on in enumerate(terms.add_ons, start=1):
        shown |= {
            f"add_on_code_{row}": add_on.code, f"add_on_name_{row}": add_on.name,
            f"add_on_price_{row}": write_plain(add_on.price),
        }  # fmt: skip
    for one in terms.entitlements:
        shown |= {
            f"use_{one.feature}": "on" if one.is_on else "off",
            f"most_{one.feature}": "" if one.limit is None else str(one.limit),
            f"seat_{one.feature}": "" if one.per_seat is None else str(one.per_seat),
            f"soft_{one.feature}": "" if one.soft_limit is None else str(one.soft_limit),
        }
    return shown | {
        "interval": terms.interval.value, "timing": "advance" if terms.in_advance else "arrears",
        "seat_name": terms.seat_name, "setup_name": terms.setup_name,
        "trial_days": str(terms.trial_days) if terms.trial_days else "",
        "prorates_true_up": "on" if terms.prorates_true_up else "",
    }  # fmt: skip
