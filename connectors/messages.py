"""Messages of connectors: why a write, a reading or a translation failed. What the other system said is a parameter."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

SIGN_IN_REFUSED: Final = MessageType(
    "connector.sign_in_refused", N_("{system} did not accept our sign-in ({status}). Check the credentials.")
)
CHANNEL_SIGN_IN_REFUSED: Final = MessageType(
    "connector.channel_sign_in_refused",
    N_("The channel did not accept our sign-in ({status}). Check the credentials."),
)
NO_API_KEY: Final = MessageType(
    "connector.no_api_key",
    N_("This connection has no API key, so it cannot create orders. Connect the system with one."),
)
SYSTEM_ANSWERED: Final = MessageType("connector.system_answered", N_("{system} answered {status}."))
CHANNEL_ANSWERED: Final = MessageType("connector.channel_answered", N_("The channel answered {status}."))
WRONG_ADDRESS: Final = MessageType(
    "connector.wrong_address", N_("The address does not accept writes ({status}). Check the connection's address.")
)
REQUEST_REFUSED: Final = MessageType("connector.request_refused", N_("The channel refused the request with {status}."))
NEWER_IN_BATCH: Final = MessageType(
    "connector.newer_in_batch", N_("A newer value of the same field was in the same batch.")
)
SENT_WITH_FEWER: Final = MessageType(
    "connector.sent_with_fewer",
    N_("The channel refused the request that contained this value. It is sent again in a smaller request."),
)
ANSWER_UNREADABLE: Final = MessageType(
    "connector.answer_unreadable", N_("The connector could not read the answer ({error}).")
)
WRONG_RESULTS: Final = MessageType(
    "connector.wrong_results", N_("The connector returned {count} results for {number} values.")
)
WRONG_READINGS: Final = MessageType(
    "connector.wrong_readings", N_("The connector returned {count} readings for {number} values.")
)
LATER: Final = MessageType("connector.later", N_("The channel asked to be called later."))
SIMILAR_KEY: Final = MessageType(
    "connector.similar_key",
    N_(
        "{answer} The channel has {other}, which differs from {key} only in {difference}. Use the same "
        "spelling in both systems."
    ),
)
COMBINING_ACCENTS: Final = MessageType(
    "connector.combining_accents",
    N_("{answer} The SKU {key} is written with combining accents (Unicode NFD); check that this is meant."),
)
ODD_KEY: Final = MessageType(
    "connector.odd_key", N_("{answer} The SKU is {key}, with blanks at its ends or characters that cannot be seen.")
)
ACCENTS: Final = MessageType(
    "connector.difference.accents", N_("how accented letters are encoded (Unicode NFC and NFD)")
)
BLANK: Final = MessageType("connector.difference.blank", N_("a blank"))
CASE: Final = MessageType("connector.difference.case", N_("upper and lower case"))
LOOK_ALIKE: Final = MessageType("connector.difference.look_alike", N_("characters that look alike or cannot be seen"))
