"""Values of hidden elements are replaced everywhere; nothing else is."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import COST, PRICE
from canonical.values import HiddenValue, Value, money, read_value, value_json
from foundation.i18n.messages import StoredMessage
from policy.index import compile_rules, hidden_elements
from policy.oracle import PolicyOracle
from policy.redaction import redact_content
from policy.rules import SHOW, PolicyRule, RuleKind, role_rule

_NAMES = ("ann", "bob", "buyer", "lead")


class View(msgspec.Struct, frozen=True):
    element: str
    old: Value | None
    new: Value
    cost: Value | None = None
    data: Any = None


_COST, _PRICE = money("5.50", "EUR"), money("9", "EUR")


def test_a_value_is_hidden_wherever_its_element_is_named() -> None:
    hidden = frozenset({COST})
    view = View(COST, None, _COST, data={"value": msgspec.to_builtins(_COST)})
    assert redact_content([view], hidden) == [View(COST, None, HiddenValue(), data={"value": {"type": "hidden"}})]
    entry = {"element": COST, "old": 550, "new": msgspec.to_builtins(_COST), "rule": "r"}
    assert redact_content(entry, hidden) == {"element": COST, "old": None, "new": {"type": "hidden"}, "rule": "r"}
    assert (
        redact_content({"element": {"code": COST, "dimension": "currency=EUR"}, "value": _COST}, hidden)["value"]
        == HiddenValue()
    )


def test_a_price_is_shown_without_its_hidden_cost() -> None:
    view = View(PRICE, _PRICE, _PRICE, _COST)
    assert redact_content((view,), frozenset({COST})) == (View(PRICE, _PRICE, _PRICE, HiddenValue()),)
    assert redact_content(view, frozenset()) is view
    assert redact_content(view, frozenset({"stock.on_hand"})) == view


def test_a_value_without_its_element_is_hidden_if_it_may_be_a_hidden_one() -> None:
    read = {"connection": "c", "read": msgspec.to_builtins(_PRICE)}
    assert redact_content(read, frozenset({PRICE})) == {"connection": "c", "read": {"type": "hidden"}}
    assert redact_content(read, frozenset({"stock.on_hand"})) == read
    assert redact_content(read | {"element": COST}, frozenset({PRICE})) == read | {"element": COST}


def test_texts_of_a_message_about_a_hidden_element_are_hidden() -> None:
    reason = StoredMessage("translation.source_report_reason", {"value": "9 EUR", "reason": "legacy"})
    about = StoredMessage("x", {"element": PRICE, "reason": {"code": reason.code, "params": reason.params}})
    shown = redact_content(about, frozenset({PRICE}))
    assert "9 EUR" not in str(shown)
    assert shown.params["element"] == PRICE
    assert redact_content(about, frozenset({COST})) == about


def test_a_margin_is_hidden_beside_a_hidden_price() -> None:
    entry = {"element": PRICE, "margin": 0.25}
    assert redact_content(entry, frozenset({PRICE})) == {"element": PRICE, "margin": None}


def test_a_hidden_value_is_read_back_and_is_of_no_element() -> None:
    assert read_value(msgspec.json.decode(value_json(HiddenValue()))) == HiddenValue()


@given(
    rules=st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from([COST, PRICE])), max_size=4),
    links=st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_NAMES)), max_size=4),
    reader=st.lists(st.sampled_from(_NAMES), min_size=1, max_size=2).map(tuple),
)
def test_who_sees_values_is_as_pycasbin_says(
    rules: list[tuple[str, str]], links: list[tuple[str, str]], reader: tuple[str, ...]
) -> None:
    made = [
        PolicyRule(f"s{place}", RuleKind.GOVERNANCE, role, "t", element, SHOW)
        for place, (role, element) in enumerate(rules)
    ]
    made += [role_rule(id=f"g{place}", member=a, role=b, dom="t") for place, (a, b) in enumerate(links)]
    index, oracle = compile_rules(made, tenant_id="t", version=1), PolicyOracle(made, version=1)
    named = {element for _, element in rules}
    assert hidden_elements(index, reader) == {one for one in named if not oracle.shows("t", reader, one)}
