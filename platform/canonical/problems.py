"""Reasons why data is no valid value, key or message: a code with parameters, rendered as a sentence when shown.

`canonical` imports no other package, so these are declared beside the messages of the foundation, in the same form.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from canonical.marks import N_

QUOTED: Final = 60
"""Characters of another system's text in a parameter."""


class Declared(Protocol):
    """The declaration of a problem: one of this module, or a message of a higher package."""

    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...


class ProblemType(msgspec.Struct, frozen=True):
    """A problem's code and its English sentence, with named placeholders."""

    code: str
    text: str


class Problem(msgspec.Struct, frozen=True):
    """One problem, or a name that is a parameter of one. A parameter may be a problem itself."""

    code: str
    text: str
    params: Mapping[str, object] = msgspec.field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format_map(self.params)


class CanonicalError(ValueError):
    """Base of this package's errors. `problem` is stored; the text is its English sentence, for logs."""

    def __init__(self, declared: Declared, **params: object) -> None:
        self.problem = Problem(declared.code, declared.text, params)
        super().__init__(str(self.problem))


def quote(text: object) -> str:
    """The beginning of another system's text, at most `QUOTED` characters."""
    said = str(text)
    return said if len(said) <= QUOTED else f"{said[:QUOTED]}…"


NO_MINOR_UNIT: Final = ProblemType("currency.no_minor_unit", N_("“{currency}” has no minor unit."))
NOT_A_CURRENCY: Final = ProblemType("currency.unknown", N_("“{currency}” is not a currency of ISO 4217."))
NOT_DECIMAL: Final = ProblemType("amount.not_decimal", N_("“{number}” is not a plain decimal number."))
NOT_A_NUMBER: Final = ProblemType("amount.not_a_number", N_("{number} is not a number."))
TOO_LARGE: Final = ProblemType("amount.too_large", N_("{number} is too large."))
TOO_FINE: Final = ProblemType("amount.too_fine", N_("{number} has more than {digits} digits after the decimal point."))
NOT_OF_CURRENCY: Final = ProblemType("amount.not_of_currency", N_("{reason} It is no exact amount of {currency}."))

UNKNOWN_SCHEME: Final = ProblemType(
    "identifier.unknown_scheme", N_("“{text}” is not a scheme of identifiers. There are: {named}.")
)
OTHER_FORM: Final = ProblemType("identifier.other_form", N_("“{text}” does not have the form of {scheme}."))
CHECK_DIGIT: Final = ProblemType("identifier.check_digit", N_("The check digit of GTIN {text} is wrong."))

DIMENSION_TOO_LONG: Final = ProblemType("dimension.too_long", N_("A dimension has at most {most} characters."))
NOT_A_DIMENSION: Final = ProblemType("dimension.invalid", N_("“{text}” is not a dimension."))
NOT_CANONICAL: Final = ProblemType(
    "dimension.not_canonical", N_("“{text}” is not in the canonical form of a dimension.")
)
UNKNOWN_DIMENSION: Final = ProblemType(
    "dimension.unknown", N_("“{text}” is not the name of a dimension. There are: {named}.")
)
NOT_OF_DIMENSION: Final = ProblemType(
    "dimension.other_value", N_("“{text}” cannot be a value of the dimension {name}.")
)

TEXT_TOO_LONG: Final = ProblemType("text.too_long", N_("A text has at most {most} characters; this one has {count}."))
LIST_TOO_LONG: Final = ProblemType("list.too_long", N_("A list has at most {most} items; this one has {count}."))
NO_OFFSET: Final = ProblemType("timestamp.no_offset", N_("A timestamp has an offset from UTC."))
BEYOND_YEARS: Final = ProblemType("timestamp.beyond", N_("A timestamp lies within the years 1 to 9999 of UTC."))
KEY_LENGTH: Final = ProblemType("reference.length", N_("A record's key has 1 to {most} characters."))
NOT_A_UNIT: Final = ProblemType("unit.unknown", N_("“{text}” is not a unit of UN/ECE Recommendation 20."))
NOT_A_CODE: Final = ProblemType("enumeration.not_a_code", N_("“{text}” is not a code."))
NOT_A_RECORD_TYPE: Final = ProblemType("reference.not_a_type", N_("“{text}” is not a type of records."))
NOT_AN_ADDRESS: Final = ProblemType("media.not_an_address", N_("“{text}” is not an address."))
NOT_A_MEDIA_TYPE: Final = ProblemType("media.not_a_type", N_("“{text}” is not a media type."))
NOT_A_HASH: Final = ProblemType("media.not_a_hash", N_("“{text}” is not a SHA-256 hash in hexadecimal."))
ORDER_LINES: Final = ProblemType("order.lines", N_("An order has 1 to {most} lines; this one has {count}."))

CANCELLED_CONTENT: Final = ProblemType("order.cancelled", N_("A cancelled order has no content."))

PARTY_ID: Final = Problem("field.party_id", N_("Party's ID"))
PARTY_NAME: Final = Problem("field.party_name", N_("Party's name"))
LINE_NUMBER: Final = Problem("field.line_number", N_("Line's number"))
SKU: Final = Problem("field.sku", N_("SKU"))
ORDER_REFERENCE: Final = Problem("field.order_reference", N_("Reference to an order"))
DOCUMENT_NUMBER: Final = Problem("field.document_number", N_("Document's number"))
CUSTOMER: Final = Problem("field.customer", N_("Customer's name or address"))
TRACKING: Final = Problem("field.tracking", N_("Tracking number"))
CASE_TITLE: Final = Problem("field.case_title", N_("Case's title"))
ASSIGNEE: Final = Problem("field.assignee", N_("Assignee"))
RECORD_KEY: Final = Problem("field.record_key", N_("Record key"))
CUSTOMER_GROUP: Final = Problem("field.customer_group", N_("Customer group"))
MILESTONE_TEXT: Final = Problem("field.milestone", N_("Text of a milestone"))
TEXT_LENGTH: Final = ProblemType(
    "message.text",
    N_("{field}: “{text}” does not have {least} to {most} characters, or one of them is NUL or lost."),
)
CODE_FORM: Final = ProblemType("message.code", N_("“{text}” is not a code, such as pickup.done."))
INSTANT_WITHOUT_OFFSET: Final = ProblemType("message.no_offset", N_("{name} has no offset from UTC."))
INSTANT_BEYOND: Final = ProblemType("message.beyond", N_("{name} lies outside the years 1 to 9999 of UTC."))
VERSION_RANGE: Final = ProblemType("message.version", N_("A version is an integer from 0 on, within 64 bits."))
ONE_CURRENCY: Final = ProblemType("message.one_currency", N_("The amounts of an invoice are in one currency."))
COUNTRY: Final = ProblemType("message.country", N_("A country has two letters."))
MILESTONE_CODE: Final = ProblemType("message.milestone_code", N_("A milestone has a code."))
MOST_LINES: Final = ProblemType("message.most_lines", N_("A document has at most {most} lines."))
LINE_REPEATED: Final = ProblemType("message.line_repeated", N_("Two lines of a document have one number."))
