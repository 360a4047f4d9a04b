"""Properties of the planner for any order, repetition and mix of senders."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import COST, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.messages import Observation
from foundation.i18n.localizer import ENGLISH
from foundation.ids import new_id
from governance.changes.planner import DecisionSnapshot, Plan, content_of, plan_changes
from governance.changes.reissue import reissue_approvals
from governance.changes.rows import Awaiting
from governance.elements.contracts import Contracts
from governance.elements.rows import Contract, Observed
from governance.messages.writer import write_message
from governance.records.rows import Channel
from policy.index import PolicyIndex, compile_rules
from policy.packaged import starter_rules, system_rules
from tests.support.values import minor, of, pieces

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TENANT, ERP, SHOP, MARKET = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
CHANNELS = (Channel(SHOP, None, "Shop"), Channel(MARKET, None, "Market"))


def index() -> PolicyIndex:
    return compile_rules([*system_rules(), *starter_rules(str(TENANT))], tenant_id=str(TENANT), version=1)


INDEX = index()


def snapshot() -> DecisionSnapshot:
    contracts = Contracts(Contract(element, ERP, 30_000, 60_000, 3600) for element in (PRICE, STOCK, COST))
    return DecisionSnapshot(contracts=contracts, values={}, index=INDEX, channels=CHANNELS, now=NOW, new_id=new_id)


def seen(sku: str, element: str, amount: int, version: int, *, sender: UUID = ERP) -> Observed:
    observation = Observation(sku, element, of(element, amount), version, NOW - timedelta(seconds=1))
    return Observed(observation, sender, new_id(), f"c{version}")


stock = st.builds(
    lambda sku, amount, version: seen(f"SKU-{sku}", STOCK, amount, version),
    st.integers(0, 3), st.integers(0, 50), st.integers(1, 40),
)  # fmt: skip


def first_of_each_version(batch: list[Observed]) -> list[Observed]:
    """A source never reports two values under one version."""
    known: dict[tuple[str, int], Observed] = {}
    for item in batch:
        known.setdefault((item.observation.record_key, item.observation.source_version), item)
    return list(known.values())


@given(st.lists(stock, max_size=30).map(first_of_each_version), st.randoms())
def test_in_any_order_and_however_often_the_newest_version_wins(batch: list[Observed], draw: object) -> None:
    shuffled = [*batch, *batch[:5]]
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    made = snapshot()
    plan_changes(shuffled, made)
    for sku in {item.observation.record_key for item in batch}:
        newest = max(
            (item.observation for item in batch if item.observation.record_key == sku), key=lambda o: o.source_version
        )
        assert made.values[ElementKey(sku, STOCK)].value == newest.value


@given(st.lists(stock, max_size=30).map(first_of_each_version))
def test_a_second_pass_plans_nothing(batch: list[Observed]) -> None:
    made = snapshot()
    plan_changes(batch, made)
    again = plan_changes(batch, made)
    assert (again.changes, again.propagations, again.exceptions) == ([], [], [])


@given(st.lists(stock, max_size=30).map(first_of_each_version))
def test_splitting_the_messages_anywhere_gives_the_same_result(batch: list[Observed]) -> None:
    whole, parts = snapshot(), snapshot()
    plan_changes(batch, whole)
    for item in batch:
        plan_changes([item], parts)
    assert {key: row.value for key, row in whole.values.items()} == {
        key: row.value for key, row in parts.values.items()
    }


@given(st.lists(stock, max_size=30).map(first_of_each_version))
def test_every_released_change_goes_to_every_channel_once_and_versions_grow(batch: list[Observed]) -> None:
    plan = plan_changes(batch, snapshot())
    released = [change for change in plan.changes if change.state == "released"]
    assert len(plan.propagations) == len(released) * len(CHANNELS)
    assert len({(row.change_id, row.connection_id) for row in plan.propagations}) == len(plan.propagations)
    by_key: dict[str, list[int]] = {}
    for change in released:
        assert change.version is not None
        by_key.setdefault(change.record_key, []).append(change.version)
    assert all(versions == sorted(set(versions)) for versions in by_key.values())


def plan(*items: Observed) -> Plan:
    return plan_changes(items, snapshot())


def test_an_echo_of_the_approved_value_changes_nothing() -> None:
    made = snapshot()
    plan_changes([seen("A", STOCK, 5, 1)], made)
    again = plan_changes([seen("A", STOCK, 5, 2)], made)
    assert (again.echoes, again.changes) == (1, [])
    assert made.values[ElementKey("A", STOCK)].source_version == 2


def test_a_written_value_is_an_echo_and_any_other_is_drift() -> None:
    made = snapshot()
    plan_changes([seen("A", STOCK, 5, 1)], made)
    assert plan_changes([seen("A", STOCK, 5, 9, sender=SHOP)], made).echoes == 1
    other = plan_changes([seen("A", STOCK, 6, 10, sender=SHOP)], made)
    assert [found.code for found in other.exceptions] == ["channel.drift"]
    sentence = write_message(other.exceptions[0].message, ENGLISH)
    assert sentence.startswith("Stock on hand of A was set to 6 elsewhere.")
    assert made.values[ElementKey("A", STOCK)].value == pieces(5), "an ERP-owned value was taken over from a channel"


def test_a_late_report_of_an_earlier_value_is_an_echo() -> None:
    """101 was sent, then 102; the channel's message about 101 arrives only now. One of another channel is no echo."""
    made = snapshot()
    plan_changes([seen("A", STOCK, 102, 1)], made)
    made = replace(made, sent={(SHOP, ElementKey("A", STOCK)): frozenset({pieces(101), pieces(102)})})
    late = plan_changes([seen("A", STOCK, 101, 9, sender=SHOP)], made)
    assert (late.echoes, late.exceptions) == (1, [])
    other = plan_changes([seen("A", STOCK, 101, 10, sender=new_id())], made)
    assert [found.code for found in other.exceptions] == ["channel.drift"]


def test_an_element_without_a_contract_is_not_distributed() -> None:
    made = snapshot()
    orphan = Observed(Observation("A", "product.title", pieces(1), 1, NOW), ERP, new_id(), "c")
    found = plan_changes([orphan], made)
    assert [each.code for each in found.exceptions] == ["contract.missing"]
    assert found.propagations == []


def test_a_price_is_compared_with_the_cost_of_its_batch_in_either_order() -> None:
    for items in (
        [seen("A", COST, 900, 1), seen("A", PRICE, 800, 2)],
        [seen("A", PRICE, 800, 2), seen("A", COST, 900, 1)],
    ):
        assert [change.state for change in plan(*items).changes] == ["refused"]


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_only_changes_up_to_five_percent_pass(old: int, new: int) -> None:
    made = snapshot()
    plan_changes([seen("A", COST, 0, 1), seen("A", PRICE, old, 2)], made)
    row = made.values[ElementKey("A", PRICE)]
    row.value, row.version = minor(old), 1
    changes = plan_changes([seen("A", PRICE, new, 3)], made).changes
    if old == new:
        assert changes == []
    else:
        expected = "released" if abs(new - old) * 100 <= 5 * old else "awaiting_approval"
        assert [change.state for change in changes] == [expected]


def test_a_value_superseded_in_its_batch_is_requested_once() -> None:
    found = plan(seen("A", PRICE, 1_000, 1), seen("A", PRICE, 1_000, 2), seen("A", PRICE, 2_000, 3))
    assert [(change.new_value, change.state) for change in found.changes] == [
        (minor(1_000), "superseded"),
        (minor(2_000), "awaiting_approval"),
    ]


def asking(value: Observed, *, answered: bool) -> DecisionSnapshot:
    """A value that needs approval, because its cost is not known yet."""
    made = snapshot()
    (change,) = plan_changes([value], made).changes
    asked = Awaiting(change, content_of(change, made), answered=answered)
    return replace(made, awaiting={change.key: [asked]})


@pytest.mark.parametrize(("answered", "asked"), [(False, {ElementKey("SKU-1", PRICE)}), (True, set())])
def test_a_new_cost_reissues_a_pending_approval_but_not_an_answered_one(
    *, answered: bool, asked: set[ElementKey]
) -> None:
    made = asking(seen("SKU-1", PRICE, 10_000, 1), answered=answered)
    plan = plan_changes([seen("SKU-1", COST, 5_000, 1), seen("SKU-2", COST, 5_000, 1)], made)
    reissue_approvals(plan, made)
    assert (
        plan.superseded - {ElementKey("SKU-1", COST), ElementKey("SKU-2", COST)} == asked == set(plan.reviews_requested)
    )


def test_an_approval_of_stock_does_not_cover_the_cost() -> None:
    made = snapshot()
    (change,) = plan_changes([seen("SKU-1", STOCK, 5, 1)], made).changes
    before = content_of(change, made)
    plan_changes([seen("SKU-1", COST, 5_000, 1)], made)
    assert content_of(change, made) == before
