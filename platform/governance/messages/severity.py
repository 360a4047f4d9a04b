"""Messages of the factors of a severity."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

BY_TYPE: Final = "severity.by_type"
"""The factor that the type of the exception explains (`governance.exceptions.severity`)."""
NO_AMOUNT: Final = MessageType("severity.no_amount", N_("No amount is known."))
PRICE_DIFFERENCE: Final = MessageType("severity.price_difference", N_("By the size of the difference in price."))
QUANTITY_DIFFERENCE: Final = MessageType(
    "severity.quantity_difference", N_("By the size of the difference in quantity.")
)
NO_CHANNEL: Final = MessageType("severity.no_channel", N_("No channel shows it."))
ONE_CHANNEL: Final = MessageType("severity.one_channel", N_("One channel shows it."))
CHANNELS: Final = MessageType("severity.channels", N_("{count} channels show it."))
OVERDUE: Final = MessageType("severity.overdue", N_("It was not corrected in the time its contract allows."))
