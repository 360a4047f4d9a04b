"""Job that calculates the tax of a draft at the tax service."""

from typing import Final

from billing.errors import PartyMissing
from billing.legal_entities.tax import TaxRule
from billing.payment_account.accounts import open_account
from billing.payment_account.services import OpenAccount, PaymentServices
from billing.payments.port import ProviderBusy, ProviderRefused, ProviderUncertain
from billing.stripe.adapter import StripeProvider
from billing.stripe.tax import StripeTax
from billing.tax_service.calculations import read_question, write_calculation, write_tax_failure
from billing.tax_service.port import NO_SERVICE, TaxAnswer, TaxHeld, TaxQuestion, TaxService
from billing.tax_service.rules import rule_of
from foundation.errors import Conflict
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld

_HELD_SECONDS: Final = 30.0


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
            batch.defer(item, delay=held.retry_after or _HELD_SECONDS, is_retry=False)
            return
        except ProviderUncertain as failure:
            async with services.db.transaction(batch.scope) as session:
                await write_tax_failure(session, item.ref, failure.code, problem=failure.reason, now=now)
            raise
        except Conflict as error:
            refusal = error
        async with batch.commit() as session:
            if refusal is not None:
                words = refusal.answer if isinstance(refusal, ProviderRefused) else ""
                problem = None if words else refusal.reason
                await write_tax_failure(session, item.ref, refusal.code, words, problem, now=now)
            elif account is not None:
                await write_calculation(session, item.ref, found[0], answer, rule, account_id=account.id, now=now)

    return calculate


async def _ask(service: TaxService | None, question: TaxQuestion) -> tuple[TaxAnswer, TaxRule]:
    """Raises TaxHeld, and as the port."""
    if service is None:
        raise TaxHeld(NO_SERVICE)
    answer = await service.calculate(question)
    return answer, rule_of(question, answer)
