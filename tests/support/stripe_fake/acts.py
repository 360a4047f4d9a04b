"""Acts of people and banks at Stripe: complete a set-up, add a card, dispute a charge."""

from typing import Final

from tests.support.stripe_fake.resources.accounts import requirements
from tests.support.stripe_fake.resources.invoices import collect
from tests.support.stripe_fake.resources.payments import balance_entry, card
from tests.support.stripe_fake.resources.refunds import end_dispute, open_dispute, refund_charge
from tests.support.stripe_fake.store import PLATFORM, Call, Object, World

VISA: Final = "pm_card_visa"
_NOBODY: Object = {"id": None, "idempotency_key": None}


class Acts:
    """Acts in the connected account `account`; without it, in the platform's own."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _call(self, account: str) -> Call:
        return Call(self._world, self._world.accounts[account], (), {}, dict(_NOBODY))

    def onboard(self, account: str, *, still_due: tuple[str, ...] = ()) -> Object:
        """The owner has entered what Stripe requires, except `still_due`."""
        found = self._world.platform.need(account, "account")
        ready = not still_due
        found.update(charges_enabled=ready, payouts_enabled=ready, details_submitted=True)
        found["requirements"] = requirements(list(still_due), None if ready else "requirements.past_due")
        self._world.emit(self._world.accounts[account], "account.updated", found)
        return found

    def complete_checkout(self, session: str, *, card_token: str = VISA, account: str = PLATFORM) -> Object:
        """The customer enters a card, which becomes a payment method of theirs."""
        call = self._call(account)
        found = call.need(session, "checkout.session")
        method = card(call, card_token, found["customer"])
        intent = call.need(found["setup_intent"], "setup_intent")
        intent.update(status="succeeded", payment_method=method["id"])
        found.update(status="complete", url=None)
        call.emit("payment_method.attached", method)
        call.emit("setup_intent.succeeded", intent)
        call.emit("checkout.session.completed", found)
        return method

    def pay_hosted(self, invoice: str, *, card_token: str = VISA, account: str = PLATFORM) -> Object:
        """The customer pays on the invoice's hosted page."""
        call = self._call(account)
        found = call.need(invoice, "invoice")
        payment = next(one for one in call.account.of_kind("invoice_payment") if one["invoice"] == invoice)
        collect(call, found, payment, card_token)
        return found

    def dispute(self, charge: str, *, reason: str = "fraudulent", account: str = PLATFORM) -> Object:
        call = self._call(account)
        return open_dispute(call, call.need(charge, "charge"), reason)

    def refund(self, charge: str, amount: int, *, account: str = PLATFORM) -> Object:
        call = self._call(account)
        return refund_charge(call, call.need(charge, "charge"), amount, {})

    def end_dispute(self, dispute: str, *, won: bool, account: str = PLATFORM) -> Object:
        call = self._call(account)
        return end_dispute(call, call.need(dispute, "dispute"), "won" if won else "lost")

    def fail_refund(self, refund: str, *, account: str = PLATFORM) -> Object:
        """The bank returns a refund: the money is back in the balance."""
        call = self._call(account)
        found = call.need(refund, "refund")
        found.update(status="failed", failure_reason="lost_or_stolen_card")
        back = balance_entry(call, found["amount"], found["currency"], "refund_failure", found["id"])
        found["failure_balance_transaction"] = back["id"]
        charge = call.need(found["charge"], "charge")
        charge["amount_refunded"] -= found["amount"]
        charge["refunded"] = False
        call.emit("refund.failed", found)
        return found

    def pay_out(self, *, account: str = PLATFORM) -> Object:
        """Sends the balance to the bank."""
        call = self._call(account)
        entries = [one for one in call.account.of_kind("balance_transaction") if not one.get("_payout")]
        amount = sum(one["net"] for one in entries)
        made = call.make(
            "payout", amount=amount, currency=entries[0]["currency"], status="paid", automatic=True,
            arrival_date=call.now, method="standard", source_type="card",
        )  # fmt: skip
        for one in entries:
            one.update(_payout=made["id"], status="available")
        call.emit("payout.paid", made)
        return made
