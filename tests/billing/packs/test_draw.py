"""Coverage of usage by packs."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.packs.draw import PackBalance, UnitUse, draw_units

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
HOURS = "support.hour"


def pack(number: int, left: str, last: date | None = None, *, priority: int = 100, **more: object) -> PackBalance:
    given: dict[str, Any] = {"meter": HOURS, "first_month": MARCH, **more}
    return PackBalance(id=UUID(int=number), left=Decimal(left), priority=priority, last_month=last, **given)


def use(number: int, quantity: str, month: date = MARCH, **more: object) -> UnitUse:
    return UnitUse(line_id=UUID(int=number), meter=HOURS, month=month, quantity=Decimal(quantity), **more)  # type: ignore[arg-type]


def test_packs_are_used_by_priority_then_by_their_last_month() -> None:
    packs = [pack(1, "9"), pack(2, "2.5", APRIL), pack(3, "1", MARCH), pack(4, "1", priority=1)]
    found = draw_units(packs, [use(1, "5.75")])
    assert {one.int: str(units) for one, units in found[UUID(int=1)].items()} == {4: "1", 3: "1", 2: "2.5", 1: "1.25"}


def test_other_meters_and_months_are_not_covered() -> None:
    packs = [pack(1, "9", meter="other"), pack(2, "9", first_month=APRIL)]
    packs.append(pack(4, "9", date(2026, 2, 1), first_month=date(2026, 1, 1)))
    assert draw_units(packs, [use(1, "5")]) == {}


def test_usage_taken_back_lowers_what_is_priced_before_it_gives_back_to_packs() -> None:
    first, second = pack(1, "0", MARCH), pack(2, "3")
    before = {first.id: Decimal(4), second.id: Decimal(2)}
    late = use(1, "-6.5", priced_before=Decimal(2), drawn_before=before)
    assert draw_units([first, second], [late]) == {late.line_id: {second.id: Decimal(-2), first.id: Decimal("-2.5")}}


_UNITS = st.decimals(0, 50, places=3)


@given(
    st.lists(st.tuples(_UNITS, st.integers(0, 2), st.sampled_from([None, MARCH, APRIL])), max_size=4),
    st.lists(st.tuples(st.decimals(-30, 60, places=3), st.sampled_from([MARCH, APRIL])), max_size=8),
)
def test_no_pack_gives_more_than_it_has_and_no_unit_is_lost(
    has: list[tuple[Decimal, int, date | None]], quantities: list[tuple[Decimal, date]]
) -> None:
    packs = [pack(number, str(left), last, priority=place) for number, (left, place, last) in enumerate(has, 1)]
    uses = [use(number, str(quantity), month) for number, (quantity, month) in enumerate(quantities, 1)]
    left: dict[UUID, Decimal] = {one.id: one.left for one in packs}
    for line, drawn in draw_units(packs, uses).items():
        used = uses[line.int - 1]
        assert abs(sum(drawn.values(), Decimal(0))) <= abs(used.quantity)
        for one, units in drawn.items():
            assert units * used.quantity > 0
            left[one] -= units
            assert Decimal(0) <= left[one] <= packs[one.int - 1].left


@given(st.lists(_UNITS, min_size=1, max_size=4), st.lists(_UNITS, min_size=1, max_size=5))
def test_use_and_its_reversal_leave_every_pack_as_it_was(has: list[Decimal], quantities: list[Decimal]) -> None:
    packs = [pack(number, str(left)) for number, left in enumerate(has, 1)]
    there = [use(number, str(quantity)) for number, quantity in enumerate(quantities, 1)]
    back = [use(50 + number, str(-quantity)) for number, quantity in enumerate(quantities, 1)]
    moved: dict[UUID, Decimal] = {}
    for drawn in draw_units(packs, [*there, *back]).values():
        for one, units in drawn.items():
            moved[one] = moved.get(one, Decimal(0)) + units
    assert not any(moved.values())


@given(st.lists(_UNITS, min_size=1, max_size=3), _UNITS, _UNITS)
def test_two_uses_draw_what_one_of_their_sum_does(has: list[Decimal], first: Decimal, second: Decimal) -> None:
    packs = [pack(number, str(left)) for number, left in enumerate(has, 1)]

    def total(*uses: UnitUse) -> dict[UUID, Decimal]:
        sums: dict[UUID, Decimal] = {}
        for drawn in draw_units(packs, uses).values():
            for one, units in drawn.items():
                sums[one] = sums.get(one, Decimal(0)) + units
        return sums

    assert total(use(1, str(first)), use(2, str(second))) == total(use(3, str(first + second)))
