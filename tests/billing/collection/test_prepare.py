"""Tax by line, as it is pushed."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.collection.prepare import line_taxes
from billing.legal_entities.tax import tax_of

_NETS = st.lists(st.integers(-10_000, 1_000_000), max_size=12)
_PERCENTS = st.decimals(0, 100, places=3)


@given(_NETS, _PERCENTS)
def test_the_taxes_of_the_lines_are_the_tax_of_the_invoice(nets: list[int], percent: Decimal) -> None:
    taxes = line_taxes(nets, percent)
    assert (len(taxes), sum(taxes)) == (len(nets), tax_of(sum(nets), percent))
    for net, tax in zip(nets, taxes, strict=True):
        assert abs(tax - net * percent / 100) <= 1
