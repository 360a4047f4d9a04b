"""Messages of connectors: why a write, a reading or a translation failed. Texts of the other system are parameters."""

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
ANSWER_CHANGED: Final = MessageType(
    "connector.answer_changed",
    N_("{system} sent an answer about {what} that no longer has the expected form: {error}"),
)
WRONG_COUNT: Final = MessageType("connector.wrong_count", N_("{system} returned {count} of {number} requested values."))
PAYLOAD_CHANGED: Final = MessageType(
    "connector.payload_changed", N_("{system} sent a payload that no longer has the expected form: {error}")
)
PAYLOAD_AMBIGUOUS: Final = MessageType(
    "connector.payload_ambiguous", N_("{system} sent an ambiguous payload: {error}.")
)
PAYLOAD_NOT_JSON: Final = MessageType(
    "connector.payload_not_json", N_("{system} sent a payload that is not JSON: {error}.")
)
VALUE_UNUSABLE: Final = MessageType(
    "connector.value_unusable", N_("{system} sent a value that cannot be used: {error}")
)
SHOWN_UNREADABLE: Final = MessageType("connector.shown_unreadable", N_("It shows “{text}”. {reason}"))
NOT_UNDERSTOOD: Final = MessageType(
    "connector.not_understood", N_("The response of {system} to a write could not be read.")
)
NOT_SHOWN: Final = MessageType("connector.not_shown", N_("{system} does not show {element} to anyone."))
SYSTEM_TEXT: Final = MessageType("connector.system_text", N_("{system} reports: “{text}”"))
SOURCE_REPORTS: Final = MessageType("translation.source_report", N_("The source reports {value}. {reason}"))
CURSOR_UNKNOWN: Final = MessageType(
    "connector.cursor_unknown",
    N_("The stored cursor is not one of {system}. Clear it to read everything."),
)
AND_OTHERS: Final = MessageType("connector.and_others", N_("{named} and others"))
POSITION_NOT_KEPT: Final = MessageType(
    "connector.position_not_kept", N_("The position to continue from is not a text that can be stored.")
)
LIST_STANDS_STILL: Final = MessageType(
    "connector.list_stands_still",
    N_("The next page of the list is always the page that was just read."),
)
LIST_LEADS_BACK: Final = MessageType(
    "connector.list_leads_back", N_("The list returns to an earlier page and never ends.")
)
LIST_REPEATS: Final = MessageType(
    "connector.list_repeats", N_("The list returned the same page again for another position.")
)
LIST_EMPTY_PAGES: Final = MessageType(
    "connector.list_empty_pages", N_("The list returned {count} empty pages in a row and reports further ones.")
)
LIST_KNOWN_PAGES: Final = MessageType(
    "connector.list_known_pages",
    N_("The list returned {count} pages in a row without new records and reports further ones."),
)
LIST_GREW: Final = MessageType(
    "connector.list_grew",
    N_("The list reported {total} records, returned {count} and reports further ones."),
)
LIST_ENDLESS: Final = MessageType("connector.list_endless", N_("The list has no end after {count} pages."))
MESSAGE_GONE: Final = MessageType(
    "connector.message_gone", N_("The message of this job is no longer stored, so the job had no effect.")
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
    "connector.odd_key", N_("{answer} The SKU is {key}, with spaces at its ends or characters that cannot be seen.")
)
NOTHING_TO_READ: Final = MessageType(
    "connector.nothing_to_read", N_("This connector reads nothing that could be tested.")
)
ACCENTS: Final = MessageType(
    "connector.difference.accents", N_("how accented letters are encoded (Unicode NFC and NFD)")
)
BLANK: Final = MessageType("connector.difference.blank", N_("a space"))
CASE: Final = MessageType("connector.difference.case", N_("upper and lower case"))
LOOK_ALIKE: Final = MessageType("connector.difference.look_alike", N_("characters that look alike or cannot be seen"))
TEST_UNANSWERED: Final = MessageType("connector.test_unanswered", N_("The system did not answer the test in time."))
