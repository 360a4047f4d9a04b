"""Stripe as a payment provider: invoices are rated here and pushed line by line, their totals compared before they are
finalised.

Each changing call has a request row of its own (`billing.payments.requests`), and each object has our id in its
metadata, by which a retry finds it if the answer was lost.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import stripe

from billing.payments.port import (
    MethodLink,
    PayingClient,
    PaymentMethod,
    ProviderAccount,
    ProviderRefused,
    PushedCredit,
    PushedInvoice,
    RemoteEvent,
    RemoteInvoice,
    TotalsDiffer,
)
from billing.payments.requests import ProviderCall, RequestLog, Sent
from billing.payments.states import EventTopic
from billing.stripe import methods
from billing.stripe.amounts import amount_in, amount_out, given_back_share, part_out
from billing.stripe.client import provider_errors
from billing.stripe.convert import (
    OWN_CLIENT,
    OWN_ID,
    OWN_LEDGER,
    StripeInvoiceStatus,
    account_status,
    pushed_line,
    remote_invoice,
)
from billing.stripe.hooks import TYPES_OF
from billing.stripe.reading import MISSING, charges_of, find_by_own_id, invoice_of, read_remote
from foundation.marks import N_

_LINES: Final = 100
"""Lines of one request."""
_CUSTOMERS: Final = 20
"""Attempts to create a client's customer: one more after each that was deleted at Stripe."""
Act = Callable[[str], Awaitable[Any]]
Find = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class StripeProvider:
    """One account at Stripe. `ledger`: side of its invoices, part of keys and metadata. Of a connected account only:
    `fee_basis_points`, the platform's share, and `platform`, the API client of the platform.
    """

    client: stripe.StripeClient
    log: RequestLog
    ledger: str
    fee_basis_points: int = 0
    platform: stripe.StripeClient | None = None

    async def read_account(self) -> ProviderAccount:
        with provider_errors():
            return account_status(await self.client.v1.accounts.retrieve_current_async())

    async def put_customer(self, customer: PayingClient) -> str:
        """Return the customer's id. Created without name and address, because they change and the request's body must
        not. A customer that was deleted at Stripe is created again.
        """
        values: dict[str, Any] = {"metadata": self._metadata(customer.client_id)}

        async def find() -> Any:
            return await find_by_own_id(await self.client.v1.customers.list_async({"limit": 100}), customer.client_id)

        for version in range(1, _CUSTOMERS + 1):
            made = await self._request(
                customer.client_id, "cus", values, find,
                lambda key: self.client.v1.customers.create_async(values, {"idempotency_key": key}),  # type: ignore[arg-type]
                version=version,
            )  # fmt: skip
            try:
                with provider_errors():
                    await self.client.v1.customers.update_async(
                        str(made["id"]), {"name": customer.name, "email": customer.email}
                    )
            except ProviderRefused as refused:
                if refused.provider_code != MISSING or version == _CUSTOMERS:
                    raise
            else:
                break
        return str(made["id"])

    async def method_link(self, customer_id: str, *, return_url: str, currency: str) -> MethodLink:
        with provider_errors():
            return await methods.method_link(self.client, customer_id, return_url=return_url, currency=currency)

    async def portal_link(self, customer_id: str, *, return_url: str) -> str:
        with provider_errors():
            return await methods.portal_link(self.client, customer_id, return_url=return_url)

    async def adopt_method(self, session_id: str) -> bool:
        with provider_errors():
            return await methods.adopt_method(self.client, session_id)

    async def list_methods(self, customer_id: str) -> Sequence[PaymentMethod]:
        with provider_errors():
            return await methods.list_methods(self.client, customer_id)

    async def choose_method(self, customer_id: str, method_id: str) -> None:
        with provider_errors():
            await methods.choose_method(self.client, customer_id, method_id)

    async def remove_method(self, method_id: str) -> None:
        with provider_errors():
            await methods.remove_method(self.client, method_id)

    async def find_client_of(self, object_id: str) -> UUID | None:
        with provider_errors():
            return await methods.find_client_of(self.client, object_id)

    async def push_invoice(self, invoice: PushedInvoice, customer_id: str) -> RemoteInvoice:
        """Raises TotalsDiffer: the draft's total is not ours; it stays a draft."""
        external_id = await self._draft(invoice, customer_id)
        for start in range(0, len(invoice.lines), _LINES):
            await self._add_lines(invoice, start, external_id)
        with provider_errors():
            draft = await self.client.v1.invoices.retrieve_async(external_id)
        total = amount_in(draft.total, invoice.currency)
        if total != invoice.total_minor:
            raise TotalsDiffer(
                N_("Stripe's draft {draft} has the total {theirs}, ours is {ours}, in minor units."),
                params={"draft": external_id, "theirs": str(total), "ours": str(invoice.total_minor)},
            )
        if draft.status == StripeInvoiceStatus.DRAFT:
            await self._on_invoice(
                invoice.invoice_id, external_id, "fin", lambda found: found.status != StripeInvoiceStatus.DRAFT,
                lambda key: self.client.v1.invoices.finalize_invoice_async(
                    external_id, {"auto_advance": False}, {"idempotency_key": key}
                ),
            )  # fmt: skip
        return await self._fresh(external_id)

    async def collect(self, invoice_id: UUID, external_id: str, *, attempt: int) -> RemoteInvoice:
        """Charge the default payment method, with a key for each `attempt`. Raises ProviderRefused: declined."""
        await self._on_invoice(
            invoice_id, external_id, f"pay.{attempt}", lambda found: found.status == StripeInvoiceStatus.PAID,
            lambda key: self.client.v1.invoices.pay_async(external_id, {}, {"idempotency_key": key}),
        )  # fmt: skip
        return await self._fresh(external_id)

    async def settle_elsewhere(self, invoice_id: UUID, external_id: str) -> RemoteInvoice:
        """Mark the invoice as paid outside the provider."""
        await self._on_invoice(
            invoice_id, external_id, "outside", lambda found: found.status == StripeInvoiceStatus.PAID,
            lambda key: self.client.v1.invoices.pay_async(
                external_id, {"paid_out_of_band": True}, {"idempotency_key": key}
            ),
        )  # fmt: skip
        return await self._fresh(external_id)

    async def void(self, invoice_id: UUID, external_id: str) -> RemoteInvoice:
        await self._on_invoice(
            invoice_id, external_id, "void", lambda found: found.status == StripeInvoiceStatus.VOID,
            lambda key: self.client.v1.invoices.void_invoice_async(external_id, {}, {"idempotency_key": key}),
        )  # fmt: skip
        return await self._fresh(external_id)

    async def credit(self, external_id: str, note: PushedCredit) -> RemoteInvoice:
        """Create a credit note rather than a bare refund, which would leave the invoice wrong. Limited to the invoice's
        total at Stripe, which excludes a part settled before the push. See `_credit_amounts`.
        """
        note_id = note.note_id
        before = await self._fresh(external_id)
        credited = min(note.amount_minor, before.total_minor - before.credited_minor)
        if credited <= 0:
            return before
        values = {
            "invoice": external_id,
            "metadata": self._metadata(note_id),
            **_credit_amounts(before, credited, refunds=note.refunds),
        }
        asked = amount_out(note.amount_minor, before.currency)

        async def find() -> Any:
            notes = await self.client.v1.credit_notes.list_async({"invoice": external_id, "limit": 100})
            return await find_by_own_id(notes, note_id)

        # The logged body has the note's amount only: the parts refunded and left open depend on the time of the call.
        await self._request(
            note_id, "cn", {"invoice": external_id, "amount": asked}, find,
            lambda key: self.client.v1.credit_notes.create_async(values, {"idempotency_key": key}),  # type: ignore[arg-type]
        )  # fmt: skip
        return await self._fresh(external_id)

    async def adjust_fee(self, invoice_id: UUID, external_id: str) -> None:
        """Return the platform's share of refunds, which Stripe keeps, also after a refund in its dashboard."""
        if self.platform is None:
            return
        with provider_errors():
            invoice = await self.client.v1.invoices.retrieve_async(external_id, {"expand": ["payments"]})
            charges = await charges_of(self.client, invoice)
        for charge in charges:
            await self._adjust_share(self.platform, invoice_id, charge, invoice.total)

    async def _adjust_share(self, platform: stripe.StripeClient, invoice_id: UUID, charge: Any, total: int) -> None:
        fee_id = str(charge.application_fee or "")
        if not fee_id or total <= 0:
            return
        with provider_errors():
            fee = await platform.v1.application_fees.retrieve_async(fee_id)
        back = given_back_share(fee.amount, total=total, held=charge.amount_captured - charge.amount_refunded)
        if back <= fee.amount_refunded:
            return
        values: dict[str, Any] = {"amount": back - fee.amount_refunded, "metadata": self._metadata(invoice_id)}

        async def find() -> Any:
            known = await platform.v1.application_fees.retrieve_async(fee_id)
            return known if known.amount_refunded >= back else None

        await self._request(
            invoice_id, f"fee.{fee_id}.{back}", {"fee": fee_id, "back": back}, find,
            lambda key: platform.v1.application_fees.refunds.create_async(fee_id, values, {"idempotency_key": key}),  # type: ignore[arg-type]
        )  # fmt: skip

    async def read_invoice(self, external_id: str) -> RemoteInvoice | None:
        with provider_errors():
            return await read_remote(self.client, external_id)

    async def find_invoice_of(self, object_id: str) -> str | None:
        with provider_errors():
            return await invoice_of(self.client, object_id)

    async def list_invoices(self, since: datetime, *, after: str = "") -> Sequence[RemoteInvoice]:
        with provider_errors():
            listed = await self.client.v1.invoices.list_async(_page(since, after))  # type: ignore[arg-type]
        return [remote_invoice(one) for one in listed.data]

    async def list_events(
        self, since: datetime, *, after: str = "", topic: EventTopic = EventTopic.INVOICES
    ) -> Sequence[RemoteEvent]:
        asked = {**_page(since, after), "types": [one for one in TYPES_OF[topic] if not one.startswith("v2.")]}
        with provider_errors():
            listed = await self.client.v1.events.list_async(asked)  # type: ignore[arg-type]
        return [
            RemoteEvent(
                one.id, one.type, str(getattr(one.data.object, "id", None) or ""), msgspec.json.encode(one.to_dict())
            )
            for one in listed.data
        ]  # fmt: skip

    async def _draft(self, invoice: PushedInvoice, customer_id: str) -> str:
        values: dict[str, Any] = {
            "customer": customer_id, "currency": invoice.currency.lower(), "auto_advance": False,
            "collection_method": "send_invoice", "days_until_due": invoice.due_days,
            "pending_invoice_items_behavior": "exclude",
            "metadata": {**self._metadata(invoice.invoice_id), OWN_CLIENT: str(invoice.client_id)},
        }  # fmt: skip
        if self.fee_basis_points:
            fee = part_out(invoice.total_minor, self.fee_basis_points, invoice.currency)
            values["application_fee_amount"] = fee

        async def find() -> Any:
            listed = await self.client.v1.invoices.list_async({"customer": customer_id, "limit": 100})
            return await find_by_own_id(listed, invoice.invoice_id)

        # A deleted customer is created again, and its drafts with it. The fee may change between attempts.
        body = {"customer": customer_id, "invoice": str(invoice.invoice_id), "currency": values["currency"]}
        made = await self._request(
            invoice.invoice_id, f"inv.{customer_id}", body, find,
            lambda key: self.client.v1.invoices.create_async(values, {"idempotency_key": key}),  # type: ignore[arg-type]
        )  # fmt: skip
        return str(made["id"])

    async def _add_lines(self, invoice: PushedInvoice, start: int, external_id: str) -> None:
        lines = invoice.lines[start : start + _LINES]
        values: dict[str, Any] = {
            "lines": [pushed_line(invoice, line) | {"metadata": self._metadata(line.line_id)} for line in lines]
        }

        async def find() -> Any:
            added = await self.client.v1.invoices.line_items.list_async(external_id, {"limit": 100})
            return await find_by_own_id(added, lines[-1].line_id)  # all of one request are added, or none

        body = {"lines": [_content(line) for line in values["lines"]]}
        await self._request(
            invoice.invoice_id, f"lines.{external_id}.{start}", body, find,
            lambda key: self.client.v1.invoices.add_lines_async(external_id, values, {"idempotency_key": key}),  # type: ignore[arg-type]
        )  # fmt: skip

    async def _on_invoice(
        self, invoice_id: UUID, external_id: str, action: str, is_done: Callable[[Any], bool], act: Act
    ) -> None:
        async def find() -> Any:
            found = await self.client.v1.invoices.retrieve_async(external_id)
            return found if is_done(found) else None

        await self._request(invoice_id, f"{action}.{external_id}", {"invoice": external_id}, find, act)

    async def _request(  # noqa: PLR0913 - one request
        self, own: UUID, action: str, body: dict[str, Any], find: Find, act: Act, *, version: int = 1
    ) -> Sent:
        async def send(key: str) -> Sent:
            with provider_errors():
                return {"id": (await act(key)).id}

        async def find_again() -> Sent | None:
            with provider_errors():
                found = await find()
            return None if found is None else {"id": found.id}

        key = f"fl:{self.ledger}:{own}:{action}:v{version}"
        return await self.log.send(ProviderCall(key, body, send, find_again))

    async def _fresh(self, external_id: str) -> RemoteInvoice:
        with provider_errors():
            found = await read_remote(self.client, external_id)
        if found is None:
            raise ProviderRefused(N_("The invoice no longer exists."), provider_code=MISSING)
        return found

    def _metadata(self, own: UUID) -> dict[str, str]:
        return {OWN_ID: str(own), OWN_LEDGER: self.ledger}


def _page(since: datetime, after: str) -> dict[str, Any]:
    begin = {"starting_after": after} if after else {}
    return {"created": {"gte": int(since.timestamp())}, "limit": 100, **begin}


def _credit_amounts(before: RemoteInvoice, credited: int, *, refunds: bool) -> dict[str, int]:
    """Amounts of a credit note at Stripe: the open amount is reduced first, then payments are refunded; the rest was
    paid outside, or becomes the client's balance here.
    """
    left = before.total_minor - before.paid_minor - before.credited_minor
    opened = min(credited, left) if before.status == StripeInvoiceStatus.OPEN else 0
    held = before.paid_minor - before.paid_outside_minor - before.refunded_minor - before.disputed_minor
    refunded = max(0, min(credited - opened, held)) if refunds else 0
    parts = {"amount": credited, "refund_amount": refunded, "out_of_band_amount": credited - opened - refunded}
    return {name: amount_out(minor, before.currency) for name, minor in parts.items() if minor}


def _content(line: dict[str, Any]) -> dict[str, Any]:
    """Part of a line that must be equal when it is sent again: not its texts, whose translations may change."""
    taxes = [tax["amount"] for tax in line.get("tax_amounts", [])]
    return {"metadata": line["metadata"], "amount": line["amount"], "taxes": taxes}
