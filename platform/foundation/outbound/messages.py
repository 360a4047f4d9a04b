"""Messages of outbound calls that were not sent or had no usable response."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

ADDRESS_FORM: Final = MessageType(
    "outbound.address_form", N_("The address must start with https:// and have no spaces or control characters.")
)
ADDRESS_SIGN_IN: Final = MessageType(
    "outbound.address_sign_in",
    N_("The address must not contain a user name or an encoded host. Enter credentials in their own fields."),
)
ADDRESS_INVALID: Final = MessageType(
    "outbound.address_invalid", N_("The address is not valid. Check the host name and the port.")
)
NO_PORT: Final = MessageType("outbound.no_port", N_("The address has no valid port."))
NO_HOST: Final = MessageType("outbound.no_host", N_("The address has no valid host name."))
NOT_PUBLIC: Final = MessageType(
    "outbound.not_public", N_("{host} is not on the public internet. Only public addresses may be called.")
)
HTTPS_ONLY: Final = MessageType("outbound.https_only", N_("Only https:// addresses may be called."))
PORT_CLOSED: Final = MessageType("outbound.port_closed", N_("Port {port} may not be called; these may: {allowed}."))
NO_SOCKETS: Final = MessageType("outbound.no_sockets", N_("Local sockets may not be called."))
MALFORMED: Final = MessageType(
    "outbound.malformed", N_("The request cannot be sent: a header or the method is malformed.")
)
HEADER_FIXED: Final = MessageType("outbound.header_fixed", N_("The header {name} cannot be set."))
HEADER_CHARACTERS: Final = MessageType(
    "outbound.header_characters", N_("A header contains characters that HTTP does not allow.")
)
PAUSE_REQUESTED: Final = MessageType(
    "outbound.pause_asked", N_("The other system has asked for a pause between requests.")
)
RATE_USED_UP: Final = MessageType("outbound.rate_used_up", N_("The other system's rate limit is used up for now."))
LEFT_ALONE: Final = MessageType(
    "outbound.left_alone", N_("The other system failed several times in a row. Calls to it are paused for a moment.")
)
RETRIES_SPENT: Final = MessageType(
    "outbound.retries_spent",
    N_("The retry budget of the other system is used up. Retries are delayed; new calls continue."),
)
BUSY: Final = MessageType("outbound.busy", N_("Too many calls are under way. Try again."))
TIMED_OUT: Final = MessageType("outbound.timed_out", N_("The other system did not answer in time."))
OVERSIZED: Final = MessageType("outbound.oversized", N_("The other system's answer was larger than allowed."))
UNREADABLE: Final = MessageType(
    "outbound.unreadable", N_("The other system's answer was packed in a way that cannot be read.")
)
UNREACHABLE: Final = MessageType("outbound.unreachable", N_("The other system could not be reached, or broke off."))
RECEIVER_ANSWERED: Final = MessageType(
    "outbound.receiver_answered", N_("The receiver of audit heads answered {status}.")
)
