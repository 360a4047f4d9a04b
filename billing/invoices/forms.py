"""Forms of the invoice page: the acts that its state allows, and their input."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from billing.invoices.balance import keep_on_balance, pay_from_balance
from billing.invoices.repository import load_invoice
from billing.invoices.settle import (
    InvoiceAct,
    NewCredit,
    NewPayment,
    act_on_invoice,
    create_credit_note,
    parse_minor,
    record_payment,
    state_after,
)
from billing.schemas import InvoiceSummary
from billing.sides import Side
from billing.states import OPEN, InvoiceState
from canonical.money import stored_exponent
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.lists import is_day
from tenants.access import Access

ACT_LABELS: Final = {
    InvoiceAct.SEND: N_("Send"),
    InvoiceAct.REMIND: N_("Send a reminder"),
    InvoiceAct.SUSPEND: N_("Suspend"),
    InvoiceAct.WRITE_OFF: N_("Write off"),
    InvoiceAct.VOID: N_("Void"),
}
_PAYMENTS: Final = (InvoiceState.PARTLY_PAID, InvoiceState.PAID)


def acts_of(invoice: InvoiceSummary, from_balance: int = 0) -> Sequence[tuple[str, str]]:
    """(act, label) of the acts that a retail invoice's state allows. `from_balance`: minor units paid from the client's
    credit, which voiding gives back.
    """
    if invoice.side is not Side.RETAIL or invoice.state in OPEN:
        return []
    touched = invoice.paid_minor != from_balance or bool(invoice.credited_minor)
    state = InvoiceState(invoice.state)
    unpaid = InvoiceState.SENT if from_balance and state in _PAYMENTS else state
    is_mailed = invoice.number is not None
    return [
        (act.value, label)
        for act, label in ACT_LABELS.items()
        if state_after(act, unpaid if act is InvoiceAct.VOID else state)
        and not (act is InvoiceAct.VOID and touched)
        and (is_mailed or act is not InvoiceAct.REMIND)
        and (is_mailed or act is not InvoiceAct.SEND or state is InvoiceState.FINALISED)
    ]


async def settle(access: Access, invoice_id: UUID, kind: str, typed: Mapping[str, str]) -> None:
    """Process a form of the page; `kind` is the last part of its address.

    Raises:
        NotFound: the client has no such invoice.
        InvalidInput, Conflict: as the use cases.
    """
    session, now = access.session, access.now
    invoice = (await load_invoice(session, invoice_id)).invoice
    if invoice.side is not Side.RETAIL:
        raise NotFound
    exponent = stored_exponent(invoice.currency)
    if kind == "payments":
        day = typed.get("paid_on", "")
        if not is_day(day):
            raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field="paid_on")
        amount = parse_minor(typed.get("amount", ""), exponent, field="amount")
        payment = NewPayment(paid_on=date.fromisoformat(day), amount_minor=amount, reference=typed.get("reference", ""))
        await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
    elif kind == "from-balance":
        await pay_from_balance(session, invoice_id, now=now, new_id=new_id)
    elif kind == "to-balance":
        await keep_on_balance(session, invoice_id, now=now, new_id=new_id)
    elif kind == "credit-notes":
        amount_text = typed.get("amount", "")
        net = parse_minor(amount_text, exponent, field="amount") if amount_text else None
        lines = _line(typed, net)
        credit = NewCredit(reason=typed.get("reason", ""), net_minor=None if lines else net, lines=lines)
        await create_credit_note(session, invoice_id, credit, now=now, new_id=new_id)
    else:
        if typed.get("act") not in list(InvoiceAct):
            raise InvalidInput(N_("Choose what to do."), field="act")
        await act_on_invoice(
            session, invoice_id, InvoiceAct(typed["act"]), reason=typed.get("reason", ""), now=now, new_id=new_id
        )


def _line(typed: Mapping[str, str], net: int | None) -> Mapping[UUID, int]:
    """The amount by line, if one is chosen. Raises InvalidInput."""
    chosen = typed.get("line", "")
    if not chosen:
        return {}
    if net is None:
        raise InvalidInput(N_("Enter the amount to credit on this line."), field="amount")
    try:
        return {UUID(chosen): net}
    except ValueError:
        raise InvalidInput(N_("Choose a line of this invoice."), field="line") from None
