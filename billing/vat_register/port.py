"""Port to a register of VAT ids."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from foundation.marks import N_


class VatStatus(StrEnum):
    VALID = "valid"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    """No result: the register, or that of the country, does not answer. Not a statement about the id."""


VAT_STATUS_LABELS: Final = {
    VatStatus.VALID: (N_("Valid"), "ok"),
    VatStatus.INVALID: (N_("Not valid"), "bad"),
    VatStatus.UNAVAILABLE: (N_("No answer"), "warn"),
}
"""Label and kind of the badge."""


class VatResult(msgspec.Struct, frozen=True):
    """A register's result. `consultation_number` is its proof that the check was made, given if a requester was named;
    `requested_on` its own time, and `reason` its code where there is no result.
    """

    status: VatStatus
    consultation_number: str = ""
    requested_on: datetime | None = None
    name: str = ""
    reason: str = ""


class VatRegister(Protocol):
    async def check(self, vat_id: str, *, requester: str) -> VatResult:
        """Check an EU VAT id with its prefix; `requester` is the id of who checks, or empty. A register that does not
        answer gives `unavailable`.

        Raises:
            OutboundHeld: not sent because of the rate limit.
        """
        ...
