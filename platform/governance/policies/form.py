"""The form of a rule: its fields by name, as a page posts them, and the rule that they make."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_
from policy.approvers import MOST_APPROVALS
from policy.packaged import starter_rules
from policy.rule_form import RuleForm, RuleOrigin, RuleOutcome
from policy.terms import TEXT_KINDS, Membership, Term, TermComparison, TermKind
from policy.time_facts import WEEKDAYS

Fields = Mapping[str, str]
_BOUNDS: Final = {TermKind.NEW_VALUE: ("new_value", "new_value_2"), TermKind.HOUR: ("hour", "hour_2")}
"""Fields of kinds with two bounds, such as a floor and a ceiling."""
_FLAGS: Final = (TermKind.BELOW_COST, TermKind.COST_UNKNOWN, TermKind.ANY_CHANGE)
_COMPARED: Final = (TermKind.CHANGE_PERCENT, TermKind.MONTH_PERCENT, TermKind.CHANGE_AMOUNT)
_TICKED: Final = frozenset({TermKind.WEEKDAY, TermKind.PROPOSER_ROLE})
"""Kinds with a checkbox for each value."""
_ORDER: Final = tuple(TermKind)


def read_fields(fields: Fields) -> RuleForm:
    """The rule of a posted form.

    Raises:
        InvalidInput: no outcome, or a field that is none of its choices.
    """
    terms = [term for kind in _ORDER for term in _terms_of(kind, fields)]
    try:
        outcome = RuleOutcome.of(fields.get("outcome", ""))
    except ValueError:
        raise InvalidInput(N_("Choose what happens to such a change."), field="outcome") from None
    try:
        origin = RuleOrigin.of(fields.get("origin", RuleOrigin.ANY))
    except ValueError:
        raise InvalidInput(N_("There is no such choice here."), field="origin") from None
    asks = outcome is RuleOutcome.REVIEW
    return RuleForm(
        element=fields.get("element", ""), outcome=outcome, origin=origin, terms=tuple(terms),
        reason=fields.get("reason", "").strip(), approver=fields.get("approver", "").strip() if asks else "",
        approvals=_approvals(fields.get("approvals", "")) if asks else 1, role=fields.get("role", "").strip(),
        locked=bool(fields.get("locked")),
    )  # fmt: skip


def without_stale_reason(form: RuleForm, before: RuleForm) -> RuleForm:
    """`form`, edited from `before`, without a packaged reason whose packaged conditions were changed."""
    is_packaged = form.reason == before.reason and form.reason in {rule.description for rule in starter_rules("")}
    is_other = (form.terms, form.outcome, form.origin) != (before.terms, before.outcome, before.origin)
    return msgspec.structs.replace(form, reason="") if is_packaged and is_other else form


def _approvals(text: str) -> int:
    if not text.strip():
        return 1
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_APPROVALS:
        raise InvalidInput(
            N_("Between 1 and {most} members can be required to approve."), params={"most": MOST_APPROVALS},
            field="approvals",
        )  # fmt: skip
    return number


def write_fields(form: RuleForm) -> dict[str, str] | None:
    """The fields that show a rule; None if the form has no fields for its conditions."""
    fields = {
        "element": form.element,
        "outcome": form.outcome.value,
        "origin": form.origin.value,
        "reason": form.reason,
        "approver": form.approver,
        "approvals": str(form.approvals),
        "role": form.role,
    } | ({"locked": "on"} if form.locked else {})
    bounds = {kind.value: list(names) for kind, names in _BOUNDS.items()}
    for term in form.terms:
        name = term.kind
        if name in bounds:
            if not bounds[name]:
                return None
            name = bounds[name].pop(0)
        if name in fields or f"{name}_how" in fields:
            return None
        if name in _TICKED:
            fields |= {_ticked(name, value): "on" for value in term.values} | {f"{name}_how": term.comparison}
            continue
        fields[name] = ", ".join(term.values) if term.kind in TEXT_KINDS else "".join(term.values) or "on"
        if term.comparison:
            fields[f"{name}_how"] = term.comparison
    return fields if read_fields(fields).terms == _sorted(form.terms) else None


def _sorted(terms: Sequence[Term]) -> tuple[Term, ...]:
    return tuple(sorted(terms, key=lambda term: _ORDER.index(TermKind.of(term.kind))))


def _terms_of(kind: TermKind, fields: Fields) -> list[Term]:
    if kind in _FLAGS:
        return [Term(kind)] if fields.get(kind) else []
    if kind in _TICKED:
        known = WEEKDAYS if kind is TermKind.WEEKDAY else ticked_names(kind, fields)
        values = tuple(value for value in known if fields.get(_ticked(kind, value)))
        return [Term(kind, fields.get(f"{kind}_how") or Membership.ANY_OF.value, values)] if values else []
    names = _BOUNDS.get(kind, (kind.value,))
    return [
        term for name in names if (value := fields.get(name, "").strip()) and (term := _term(kind, name, value, fields))
    ]


def _ticked(kind: str, value: str) -> str:
    """Name of a value's checkbox."""
    return f"{kind}_{value}"


def ticked_names(kind: TermKind, fields: Fields) -> list[str]:
    """Values of the posted checkboxes; `_how` is their comparison."""
    start = _ticked(kind, "")
    return [name.removeprefix(start) for name in fields if name.startswith(start) and name != f"{kind}_how"]


def _term(kind: TermKind, name: str, value: str, fields: Fields) -> Term | None:
    how = fields.get(f"{name}_how", "")
    if kind in TEXT_KINDS:
        words = tuple(dict.fromkeys(word for part in value.split(",") if (word := part.strip())))
        return Term(kind, how or Membership.ANY_OF.value, words) if words else None
    if kind in _BOUNDS or kind in _COMPARED:
        return Term(kind, how or TermComparison.MORE_THAN.value, (value,))
    return Term(kind, values=(value,))
