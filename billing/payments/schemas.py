"""State of an invoice at the payment provider, for display."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.payments.port import RemoteDispute


class InvoiceCollection(msgspec.Struct, frozen=True):
    """An invoice at the payment provider. `status` is the provider's word, empty until it is there; amounts are in
    minor units. `charge_failure` (`returned` for a debit that failed later, `requires_action` for one that the payer
    has to confirm at the bank) is the reason of the decline at `charged_at`; the next attempt is at `next_charge_at`.
    The payer pays at `payment_url`; it is empty while the amounts here and there differ. `failure` is the code of the
    error that stopped the last attempt, `answer` the provider's words about it, or ours; both are empty for readers
    without `invoice:issue`. An invoice that is not `is_current` is at an earlier payment account.
    """

    account_id: UUID
    provider: str
    external_id: str
    status: str
    payment_url: str
    total_minor: int
    paid_minor: int
    paid_outside_minor: int
    credited_minor: int
    refunded_minor: int
    disputed_minor: int
    disputes: Sequence[RemoteDispute]
    attempts: int
    charge_attempts: int
    charge_failure: str
    charged_at: datetime | None
    next_charge_at: datetime | None
    failure: str
    answer: str
    read_at: datetime | None
    is_current: bool = True

    @property
    def left_minor(self) -> int:
        """Amount that the provider would still collect."""
        return self.total_minor - self.paid_minor - self.credited_minor

    @property
    def held_minor(self) -> int:
        """Amount paid at the provider that can be refunded."""
        return max(0, self.paid_minor - self.paid_outside_minor - self.refunded_minor - self.disputed_minor)

    def at_account(self, current: UUID | None) -> "InvoiceCollection":
        """A copy whose `is_current` follows from the MSP's present account."""
        return msgspec.structs.replace(self, is_current=self.account_id == current)

    def for_balance(self, balance_minor: int) -> "InvoiceCollection":
        """A copy without the payment address if another amount than the balance would be paid, or to another
        account.
        """
        return (
            self
            if self.is_current and self.left_minor == balance_minor
            else msgspec.structs.replace(self, payment_url="")
        )

    def for_payer(self) -> "InvoiceCollection":
        """A copy without the provider's messages about the MSP's account."""
        return msgspec.structs.replace(self, failure="", answer="")
