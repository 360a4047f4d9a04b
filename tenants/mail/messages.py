"""Reasons why a mail was not sent."""

from collections.abc import Mapping
from typing import Final

from foundation.i18n.localizer import current_localizer
from foundation.i18n.messages import MessageType, StoredMessage, by_code
from foundation.marks import N_

NO_SERVER: Final = MessageType("mail.no_server", N_("No mail server is set."))
NOT_ALLOWED: Final = MessageType(
    "mail.server_not_allowed",
    N_("{host} may not be used as a mail server: it is on a private network, or without encryption."),
)
UNREACHABLE: Final = MessageType("mail.server_unreachable", N_("{host} cannot be reached: {answer}"))
UNTRUSTED: Final = MessageType("mail.server_untrusted", N_("{host} cannot be reached over TLS: {answer}"))
SIGN_IN_REFUSED: Final = MessageType(
    "mail.sign_in_refused", N_("{host} refuses the user name or the password: {answer}")
)
REFUSED: Final = MessageType("mail.refused", N_("{host} refuses the mail: {answer}"))
DELAYED: Final = MessageType("mail.delayed", N_("{host} does not accept the mail now: {answer}"))
UNREADABLE: Final = MessageType("mail.unreadable", N_("This release does not support this kind of mail."))

MAIL_MESSAGES: Final[Mapping[str, MessageType]] = by_code(
    [NO_SERVER, NOT_ALLOWED, UNREACHABLE, UNTRUSTED, SIGN_IN_REFUSED, REFUSED, DELAYED, UNREADABLE]
)


def write_problem(message: StoredMessage | None) -> str:
    """The reason in the reader's language; empty for none."""
    if message is None:
        return ""
    known = MAIL_MESSAGES.get(message.code)
    return current_localizer().fill(known.text, message.params) if known is not None else message.code
