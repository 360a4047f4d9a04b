"""Tax by pushed line, and refused charges."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.collection.charge import charge, next_charge
from billing.collection.prepare import line_taxes
from billing.legal_entities.tax import tax_of
from billing.payments.port import ProviderRefused, RemoteInvoice
from billing.payments.states import NEEDS_CONFIRMATION, RemoteStatus
from foundation.ids import new_id

_NETS = st.lists(st.integers(-10_000, 1_000_000), max_size=12)
_PERCENTS = st.decimals(0, 100, places=3)


@given(_NETS, _PERCENTS)
def test_the_taxes_of_the_lines_are_the_tax_of_the_invoice(nets: list[int], percent: Decimal) -> None:
    taxes = line_taxes(nets, percent)
    assert (len(taxes), sum(taxes)) == (len(nets), tax_of(sum(nets), percent))
    for net, tax in zip(nets, taxes, strict=True):
        assert abs(tax - net * percent / 100) <= 1


@pytest.mark.parametrize(
    ("code", "declined", "waits"),
    [("card_declined", "No funds.", True), ("invoice_payment_intent_requires_action", NEEDS_CONFIRMATION, False)],
)
async def test_what_the_payer_has_to_confirm_is_told_and_not_repeated(code: str, declined: str, *, waits: bool) -> None:
    remote = RemoteInvoice("in_1", None, None, RemoteStatus.OPEN.value, "EUR", 100)

    class Provider:
        async def collect(self, *_: object, **__: object) -> RemoteInvoice:
            raise ProviderRefused("No funds.", provider_code=code)

        async def read_invoice(self, _: str) -> RemoteInvoice:
            return remote

    wanted: Any = SimpleNamespace(
        charges=True, invoice=SimpleNamespace(id=new_id(), balance_minor=100), row=SimpleNamespace(charge_attempts=0)
    )
    provider: Any = Provider()
    assert await charge(provider, wanted, remote) == (remote, declined)
    assert (next_charge(0, declined) is not None) is waits
