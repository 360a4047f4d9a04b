"""Makes an invoice at the provider agree with ours: pushes, credits, voids or settles it. Each step may be repeated."""

from billing.collection.prepare import Collectable
from billing.payments.port import PaymentProvider, ProviderRefused, RemoteInvoice
from billing.payments.states import UNPAID_THERE, RemoteStatus
from billing.states import InvoiceState
from foundation.marks import N_


async def converge(provider: PaymentProvider, wanted: Collectable) -> RemoteInvoice:
    """Take the steps that are missing, and return the provider's invoice afterwards.

    Raises:
        ProviderRefused, TotalsDiffer, Conflict: a person has to decide.
        ProviderUncertain, ProviderBusy, OutboundHeld: call it again.
    """
    invoice, row = wanted.invoice, wanted.row
    if not row.external_id or row.status == RemoteStatus.DRAFT:
        customer_id = await provider.put_customer(wanted.payer)
        remote = await provider.push_invoice(wanted.pushed, customer_id)
    else:
        remote = await _read(provider, row.external_id)
    for note in wanted.credits:
        remote = await provider.credit(remote.external_id, note)
    if remote.status == RemoteStatus.PAID and (remote.credited_minor or remote.refunded_minor):
        await provider.adjust_fee(invoice.id, remote.external_id)
    if remote.status not in UNPAID_THERE:
        return remote
    if invoice.state is InvoiceState.VOID:
        return await provider.void(invoice.id, remote.external_id)
    if invoice.balance_minor <= 0:
        return await provider.settle_elsewhere(invoice.id, remote.external_id)
    return remote


async def _read(provider: PaymentProvider, external_id: str) -> RemoteInvoice:
    found = await provider.read_invoice(external_id)
    if found is None:
        raise ProviderRefused(N_("The invoice no longer exists."), provider_code="resource_missing")
    return found
