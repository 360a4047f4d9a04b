"""Job that calculates the tax of a draft at the tax service."""

from billing.errors import PartyMissing
from billing.held_calls import defer_held
from billing.legal_entities.tax import TaxRule
from billing.payment_account.accounts import open_account
from billing.payment_account.services import OpenAccount, PaymentServices
from billing.payments.port import ProviderBusy, ProviderUncertain
from billing.stripe.adapter import StripeProvider
from billing.stripe.tax import StripeTax
from billing.tax_service.calculations import read_question, write_calculation, write_tax_refusal
from billing.tax_service.port import NO_SERVICE, TaxAnswer, TaxHeld, TaxQuestion, TaxService
from billing.tax_service.rules import rule_of
from foundation.errors import Conflict
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld


def service_of(account: OpenAccount | None) -> TaxService | None:
    """The tax service of the MSP's payment account; None without an account at Stripe."""
    provider = None if account is None else account.provider
    if not isinstance(provider, StripeProvider):
        return None
    return StripeTax(provider.client, provider.log, provider.ledger)


def calculate_handler(services: PaymentServices) -> Handler[NoPayload]:
    async def calculate(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        account = await open_account(services, batch.scope)
        now, refusal = services.clock(), None
        async with batch.read() as session:
            try:
                found = await read_question(session, item.ref, now=now)
            except PartyMissing:
                return
        if found is None:
            return
        batch.check_lease()
        try:
            answer, rule = await _ask(service_of(account), found[0])
        except (ProviderBusy, OutboundHeld) as held:
            defer_held(batch, item, held)
            return
        except ProviderUncertain as failure:
            async with services.db.transaction(batch.scope) as session:
                await write_tax_refusal(session, item.ref, failure, now=now)
            raise
        except Conflict as error:
            refusal = error
        async with batch.commit() as session:
            if refusal is not None:
                await write_tax_refusal(session, item.ref, refusal, now=now)
            elif account is not None:
                await write_calculation(session, item.ref, found[0], answer, rule, account_id=account.id, now=now)

    return calculate


async def _ask(service: TaxService | None, question: TaxQuestion) -> tuple[TaxAnswer, TaxRule]:
    """Raises TaxHeld, and as the port."""
    if service is None:
        raise TaxHeld(NO_SERVICE)
    answer = await service.calculate(question)
    return answer, rule_of(question, answer)
