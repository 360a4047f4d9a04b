"""Stripe Tax as the tax service: calculations, and transactions for the tax returns."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import stripe

from billing.legal_entities.tax import EU, TaxDetail
from billing.payments.requests import ProviderCall, RequestLog, Sent
from billing.stripe.amounts import amount_in, amount_out
from billing.stripe.client import provider_errors
from billing.tax_service.port import TaxAnswer, TaxQuestion

_ID_TYPES: Final = {"GB": "gb_vat", "CH": "ch_vat", "NO": "no_vat"}


@dataclass(frozen=True, slots=True)
class StripeTax:
    """Stripe Tax of one account. All taxed lines have one tax code, so their sum is one line there: its tax is rounded
    once, as that of our documents.
    """

    client: stripe.StripeClient
    log: RequestLog
    ledger: str

    async def calculate(self, question: TaxQuestion) -> TaxAnswer:
        """Without an idempotency key of ours: a repeated question is answered by the present registrations."""
        with provider_errors():
            made = await self.client.v1.tax.calculations.create_async(_asked(question))  # type: ignore[arg-type]
        lines = [] if made.line_items is None else made.line_items.data
        details = [_detail(one, question.currency) for line in lines for one in line.tax_breakdown or ()]
        return TaxAnswer(str(made.id), amount_in(made.tax_amount_exclusive, question.currency), details)

    async def record(self, calculation_id: str, *, reference: str) -> str:
        return await self._once(
            reference, "tax", {"calculation": calculation_id},
            lambda key: self.client.v1.tax.transactions.create_from_calculation_async(
                {"calculation": calculation_id, "reference": reference, "expand": ["line_items"]},
                {"idempotency_key": key},
            ),
        )  # fmt: skip

    async def reverse(self, transaction_id: str, *, reference: str, gross_minor: int | None, currency: str) -> str:
        values: dict[str, Any] = {"mode": "full", "original_transaction": transaction_id, "reference": reference}
        if gross_minor is not None:
            values |= {"mode": "partial", "flat_amount": -amount_out(gross_minor, currency)}
        return await self._once(
            reference, "untax", values,
            lambda key: self.client.v1.tax.transactions.create_reversal_async(values, {"idempotency_key": key}),  # type: ignore[arg-type]
        )  # fmt: skip

    async def _once(self, reference: str, action: str, body: dict[str, Any], act: Any) -> str:
        """Stripe cannot list transactions, so an answer that was lost a day ago is not found again; Stripe then refuses
        the reference, which is unique there.
        """

        async def send(key: str) -> Sent:
            with provider_errors():
                return {"id": str((await act(key)).id)}

        async def find() -> Sent | None:
            return None

        done = await self.log.send(ProviderCall(f"fl:{self.ledger}:{reference}:{action}:v1", body, send, find))
        return str(done["id"])


def _asked(question: TaxQuestion) -> dict[str, Any]:
    details: dict[str, Any] = {
        "address": {
            "line1": question.street, "postal_code": question.postcode, "city": question.city,
            "country": question.country,
        },
        "address_source": "billing",
    }  # fmt: skip
    kind = "eu_vat" if question.country in EU else _ID_TYPES.get(question.country)
    if kind is not None and question.vat_id:
        details["tax_ids"] = [{"type": kind, "value": question.vat_id}]
    line = {
        "amount": amount_out(question.net_minor, question.currency), "reference": "services",
        "tax_behavior": "exclusive", "tax_code": question.tax_code,
    }  # fmt: skip
    return {
        "currency": question.currency.lower(), "customer_details": details, "line_items": [line],
        "expand": ["line_items.data.tax_breakdown"],
    }  # fmt: skip


def _detail(one: Any, currency: str) -> TaxDetail:
    rate = one.tax_rate_details
    return TaxDetail(
        one.jurisdiction.display_name, one.jurisdiction.level, "" if rate is None else rate.display_name,
        Decimal(0) if rate is None else Decimal(rate.percentage_decimal), one.taxability_reason,
        amount_in(one.taxable_amount, currency), amount_in(one.amount, currency),
    )  # fmt: skip
