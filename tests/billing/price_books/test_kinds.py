"""Kinds of prices: arithmetic, storage, and drafts."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from billing.errors import PriceNotAllowed
from billing.invoices.draft import close_period
from billing.invoices.repository import load_invoice
from billing.price_books.cells import PriceCell
from billing.price_books.pricing import (
    PriceKind,
    Terms,
    charge,
    check_terms,
    further_terms,
    terms_from_row,
    tiers_to_json,
)
from billing.price_books.repository import NewPrice, list_prices, set_price
from billing.pricing.rounding import Rounding
from billing.pricing.rules import BillingRules
from billing.pricing.tiers import PriceTier
from billing.sides import Side
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, uses

D = Decimal
TIERS = (PriceTier(D(100), D("0.5"), D(2)), PriceTier(None, D("0.25"), D(1)))
KINDS = [
    Terms(D("0.5"), D(5)),
    Terms(D("0.5"), tiers=TIERS),
    Terms(D("0.5"), tiers=TIERS, kind=PriceKind.VOLUME),
    Terms(D(3), D(5), kind=PriceKind.PACKAGE, size=D(10)),
    Terms(D(3), tiers=(PriceTier(D(20), D(3)), PriceTier(None, D(2))), kind=PriceKind.BLOCKS, size=D(10)),
    Terms(D(40), kind=PriceKind.FLAT),
    Terms(D(0), kind=PriceKind.PERCENTAGE, rate_pct=D("1.5"), per_event=D("0.1")),
    Terms(D(1), minimum=D(50), maximum=D(120)),
]
BY_DIMENSION = Terms(D("0.1"), kind=PriceKind.MATRIX, cells=(PriceCell({"region": "eu", "size": "l"}, D("0.5")),))


@pytest.mark.parametrize(
    ("terms", "cents"),
    [(KINDS[0], [0, 0, 50, 5750]), (KINDS[1], [0, 450, 500, 5800]), (KINDS[2], [0, 450, 500, 3100]),
     (KINDS[3], [0, 0, 300, 3600]), (KINDS[4], [0, 300, 300, 2600]), (KINDS[5], [0, 4000, 4000, 4000]),
     (KINDS[6], [0, 18, 19, 190]), (KINDS[7], [0, 5000, 5000, 12000])],
    ids=lambda value: value.kind.value if isinstance(value, Terms) else "",
)  # fmt: skip
def test_each_kind_charges_no_use_little_and_much(terms: Terms, cents: list[int]) -> None:
    found = [charge(terms, before=0, quantity=D(units), currency="EUR").amount_minor for units in (0, 5, 6, 120)]
    assert found == cents


@given(st.sampled_from([terms for terms in KINDS if terms.kind is not PriceKind.PERCENTAGE]),
       st.lists(st.integers(0, 400).map(D), max_size=5))  # fmt: skip
def test_charges_in_a_row_come_to_the_charge_of_the_sum(terms: Terms, parts: list[Decimal]) -> None:
    total, before = 0, D(0)
    for part in parts:
        total += charge(terms, before=before, quantity=part, currency="EUR").amount_minor
        before += part
    assert total == charge(terms, before=0, quantity=before, currency="EUR").amount_minor


@pytest.mark.parametrize("terms", [*KINDS, BY_DIMENSION])
def test_terms_of_each_kind_survive_their_columns(terms: Terms) -> None:
    checked = check_terms(terms)
    row = {"unit_price": checked.unit_price, "included_quantity": checked.included,
           "tiers": msgspec.json.decode(msgspec.json.encode(tiers_to_json(checked.tiers))),
           "terms": msgspec.json.decode(msgspec.json.encode(further_terms(checked)))}  # fmt: skip
    assert terms_from_row(row) == checked


@pytest.mark.parametrize(
    "wrong",
    [
        Terms(D(1), kind=PriceKind.VOLUME),
        Terms(D(1), kind=PriceKind.PACKAGE),
        Terms(D(1), size=D(10)),
        Terms(D(1), kind=PriceKind.FLAT, tiers=TIERS),
        Terms(D(1), minimum=D(2), maximum=D(1)),
        Terms(D(1), rate_pct=D(1)),
        Terms(D(1), minimum=D("NaN")),
        Terms(D(3), tiers=(PriceTier(D(25), D(3)), PriceTier(None, D(2))), kind=PriceKind.BLOCKS, size=D(10)),
        Terms(D(3), tiers=TIERS, kind=PriceKind.BLOCKS, size=D(10)),
    ],
)
def test_terms_that_do_not_fit_their_kind_are_refused(wrong: Terms) -> None:
    with pytest.raises(PriceNotAllowed):
        check_terms(wrong)


async def _set(market: Market, terms: Terms) -> None:
    price = NewPrice(meter=METER, description="Updates", terms=terms, valid_from=START)
    async with market.as_msp_account() as session:
        await set_price(session, market.books[Side.RETAIL, None], price=price, now=market.now, new_id=new_id)


@pytest.mark.parametrize(
    ("terms", "cents"), list(zip(KINDS, [5750, 5800, 3100, 3600, 2600, 4000, 200, 12000], strict=True))
)
async def test_a_draft_is_charged_by_its_kind_and_again_with_the_same_hash(
    market: Market, terms: Terms, cents: int
) -> None:
    await market.open_book(Side.RETAIL)
    await _set(market, terms)
    await market.use(*uses(2, quantity=60))
    draft = await market.rate(Side.RETAIL)
    assert draft is not None
    assert draft.total_minor == cents
    assert await market.rate(Side.RETAIL) == draft
    async with market.as_client() as session:
        (line,) = (await load_invoice(session, draft.id)).lines
    assert (line.terms.kind, line.terms.tiers) == (terms.kind, terms.tiers)
    async with market.as_staff() as session:
        assert [row.terms for row in (await list_prices(session)).items] == [check_terms(terms)]


async def test_late_usage_of_packages_pays_for_new_packages_only(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await _set(market, KINDS[3])
    await market.use(*uses(1, quantity=21))
    market.now = MARCH.end + timedelta(days=1)
    await market.rate(Side.RETAIL)

    async with market.as_client() as session:
        closed = await close_period(session, side=Side.RETAIL, period=MARCH, now=market.now)
    await market.use(*uses(1, quantity=4, at=START + timedelta(days=3)))
    late = await market.rate(Side.RETAIL, APRIL)
    await market.use(*uses(1, quantity=1, at=START + timedelta(days=4)))
    more = await market.rate(Side.RETAIL, APRIL)
    assert late is not None
    assert more is not None
    assert (closed.total_minor, late.total_minor, more.total_minor) == (600, 0, 300)


async def test_the_books_rules_round(market: Market) -> None:
    await market.open_book(Side.RETAIL, "JPY")
    await market.price(Side.RETAIL, "2.5")
    async with market.as_msp_account() as session:
        rules = await session.scalar(text("SELECT rules FROM price_book"))
    assert rules == {}
    await market.use(Usage(METER, new_id(), 5, START))
    draft = await market.rate(Side.RETAIL)
    assert draft is not None
    assert draft.total_minor == 13
    even = BillingRules(rounding=Rounding.HALF_EVEN)
    assert charge(Terms(D("2.5")), before=0, quantity=5, currency="JPY", rules=even).amount_minor == 12
