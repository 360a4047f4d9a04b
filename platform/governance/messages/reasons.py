"""Messages that explain another message: why a value was not read or not sent."""

from typing import Final

from foundation.i18n.messages import N_, MessageType

NOT_A_SOURCE: Final = MessageType("translation.not_a_source", N_("This kind of connection does not report values."))
CONNECTOR_FAILED: Final = MessageType("translation.failed", N_("The connector could not read it ({error})."))
