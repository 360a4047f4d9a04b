"""Messages that explain another message: why a value was not read or not sent."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

NOT_A_SOURCE: Final = MessageType("translation.not_a_source", N_("This kind of connection does not report values."))
CONNECTOR_FAILED: Final = MessageType("translation.failed", N_("The connector could not read it ({error})."))
NEWER_DATA: Final = MessageType("approval.withdrawn.newer_data", N_("Newer data arrived from the source."))
NEWER_PROPOSAL: Final = MessageType("approval.withdrawn.newer_proposal", N_("A newer value was proposed."))
BASELINE_ACCEPTED: Final = MessageType("approval.withdrawn.baseline_accepted", N_("An accepted baseline replaced it."))
RIGHT_LOST: Final = MessageType(
    "approval.withdrawn.right_lost",
    N_("The person who proposed or approved this lost the permission or the role before it was published."),
)
MAY_NOT_PROPOSE: Final = MessageType(
    "change.may_not_propose", N_("The person who proposed this may no longer propose changes.")
)
SOURCE_CHANGED: Final = MessageType(
    "propagation.source_changed",
    N_("The source changed after this was approved. It was not sent; the newer value has its own decision."),
)
PAUSED: Final = MessageType("baseline.paused", N_("This connection is paused. Resume it, or discard this baseline."))
PAUSED_NOT_READ: Final = MessageType("baseline.paused_not_read", N_("This connection is paused, so it was not read."))
NOT_A_CHANNEL: Final = MessageType("propagation.not_a_channel", N_("This connection is not a channel."))
NEWER_ON_CHANNEL: Final = MessageType(
    "propagation.newer_on_channel", N_("The channel has a newer value than the one sent.")
)
NO_REASON: Final = MessageType("propagation.no_reason", N_("The channel gave no reason."))
NOT_TAKEN: Final = MessageType("propagation.not_taken", N_("The channel did not accept it after many attempts."))
NOT_VISIBLE: Final = MessageType("propagation.not_visible", N_("Accepted by the channel, not visible yet."))
SENT_AGAIN: Final = MessageType("propagation.sent_again", N_("Accepted by the channel, not visible: sent again."))
COST_CHANGED: Final = MessageType("propagation.cost_changed", N_("Held back: the cost has changed since the approval."))
NEVER_VISIBLE: Final = MessageType(
    "propagation.never_visible",
    N_(
        "Accepted by the channel, but not visible after repeated checks and retries. Replay it once the channel is "
        "fixed. Delivery time counts until the value is visible."
    ),
)
NEVER_ANSWERED: Final = MessageType(
    "propagation.never_answered",
    N_(
        "{error} Accepted by the channel, but not visible after repeated checks and retries. Replay it once the "
        "channel is fixed. Delivery time counts until the value is visible."
    ),
)
NEVER_EXACT: Final = MessageType(
    "propagation.never_exact",
    N_(
        "The channel's value is not exact, so it was neither verified nor rounded. Replay it once the channel is "
        "fixed. Delivery time counts until the value is visible. The channel shows: {shown}"
    ),
)
NOT_EXACT: Final = MessageType(
    "propagation.not_exact",
    N_("The channel's value is not exact, so it was neither verified nor rounded. The channel shows: {shown}"),
)
UNPROVEN: Final = MessageType(
    "propagation.unproven",
    N_("Accepted, then replaced by a newer value before it was read back. Not verified and not billed."),
)
UNANSWERED: Final = MessageType(
    "propagation.unanswered",
    N_(
        "Sent, and its answer was lost; then replaced by a newer value before it was read back. The channel may have "
        "shown it. Not verified and not billed."
    ),
)
SOURCE_REPORTS_REASON: Final = MessageType(
    "translation.source_report_reason", N_("The source reports {value}: {reason}")
)
VALUE_SHOWN: Final = MessageType("propagation.value_shown", N_("{text}. {reason}"))
NOT_ANSWERED: Final = MessageType(
    "baseline.not_answered", N_("Its response has nothing about this value, although it has other records.")
)
KEY_NOT_KEPT: Final = MessageType(
    "translation.key_not_kept", N_("A record key has 1 to {most} characters, without NUL or invalid characters.")
)
IDENTITY_NOT_KEPT: Final = MessageType(
    "translation.identity_not_kept",
    N_("{element} of {record_key} arrived with a source ID that cannot be stored."),
)
VALUE_NOT_KEPT: Final = MessageType(
    "translation.value_not_kept", N_("{element} of {record_key} cannot be stored: {reason}")
)
VERSION_TOO_LARGE: Final = MessageType(
    "translation.version_too_large", N_("{element} of {record_key} arrived with a version that is too large to store.")
)
TIME_IMPOSSIBLE: Final = MessageType(
    "translation.time_impossible", N_("{element} of {record_key} arrived with the time {time}, which is impossible.")
)
ELEMENT_NAME: Final = MessageType("trouble.element_name", N_("The name of the element is not allowed."))
RECORD_TYPE: Final = MessageType("trouble.record_type", N_("Records of type {type} do not have it."))
OTHER_CURRENCY: Final = MessageType(
    "trouble.other_currency", N_("It is in {currency} under the dimension of {dimension}.")
)
NOT_DIVIDED: Final = MessageType("trouble.not_divided", N_("It is not divided by {dimension}."))
OTHER_TYPE: Final = MessageType("trouble.other_type", N_("It is of type {wanted}, not {type}."))
UNKNOWN_CODE: Final = MessageType("trouble.unknown_code", N_("{code} is not one of its codes, {codes}."))
RULE_MINIMUM: Final = MessageType(
    "trouble.rule_minimum", N_("It is below {limit}, the minimum by version {version} of the contract.")
)
RULE_MAXIMUM: Final = MessageType(
    "trouble.rule_maximum", N_("It is above {limit}, the maximum by version {version} of the contract.")
)
RULE_REQUIRED: Final = MessageType(
    "trouble.rule_required", N_("It is empty, which version {version} of the contract does not allow.")
)
RULE_CODES: Final = MessageType(
    "trouble.rule_codes", N_("It is none of those that version {version} of the contract allows: {codes}.")
)
RULE_LENGTH: Final = MessageType(
    "trouble.rule_length", N_("It has {number} characters; version {version} of the contract allows {most}.")
)
RULE_PATTERN: Final = MessageType(
    "trouble.rule_pattern", N_("It is not of the form {pattern}, which version {version} of the contract requires.")
)
CHARACTERS_NOT_KEPT: Final = MessageType("trouble.characters", N_("It contains characters that cannot be stored."))
TEXTS_NOT_KEPT: Final = MessageType("trouble.texts", N_("It contains texts that cannot be stored."))
