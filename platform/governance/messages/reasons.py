"""Messages that explain another message: why a value was not read or not sent."""

from typing import Final

from foundation.i18n.messages import N_, MessageType

NOT_A_SOURCE: Final = MessageType("translation.not_a_source", N_("This kind of connection does not report values."))
CONNECTOR_FAILED: Final = MessageType("translation.failed", N_("The connector could not read it ({error})."))
NEWER_DATA: Final = MessageType("approval.withdrawn.newer_data", N_("Newer data arrived from the source."))
NEWER_PROPOSAL: Final = MessageType("approval.withdrawn.newer_proposal", N_("A newer value was proposed."))
BASELINE_ACCEPTED: Final = MessageType(
    "approval.withdrawn.baseline_accepted", N_("A baseline was accepted in its place.")
)
RIGHT_LOST: Final = MessageType(
    "approval.withdrawn.right_lost",
    N_("Whoever proposed or approved this lost the right to before it was carried out."),
)
MAY_NOT_PROPOSE: Final = MessageType(
    "change.may_not_propose", N_("Whoever proposed this may not propose changes any more.")
)
SOURCE_CHANGED: Final = MessageType(
    "propagation.source_changed",
    N_("The source changed after this was approved. It was not sent; the newer value has its own decision."),
)
NOT_A_CHANNEL: Final = MessageType("propagation.not_a_channel", N_("This connection is not a channel."))
NEWER_ON_CHANNEL: Final = MessageType("propagation.newer_on_channel", N_("The channel holds a newer value than ours."))
NO_REASON: Final = MessageType("propagation.no_reason", N_("The channel gave no reason."))
NOT_TAKEN: Final = MessageType("propagation.not_taken", N_("The channel did not take it after many attempts."))
NOT_VISIBLE: Final = MessageType("propagation.not_visible", N_("Accepted by the channel, not visible yet."))
SENT_AGAIN: Final = MessageType("propagation.sent_again", N_("Accepted by the channel, not visible: sent again."))
COST_CHANGED: Final = MessageType("propagation.cost_changed", N_("Held back: the cost has changed since the approval."))
NEVER_VISIBLE: Final = MessageType(
    "propagation.never_visible",
    N_(
        "Accepted by the channel, but not visible after many looks, and sent again between them. Replay it once the "
        "channel is mended; the clock runs until it is seen."
    ),
)
NEVER_ANSWERED: Final = MessageType(
    "propagation.never_answered",
    N_(
        "{error} Accepted by the channel, but not visible after many looks, and sent again between them. Replay it "
        "once the channel is mended; the clock runs until it is seen."
    ),
)
NEVER_EXACT: Final = MessageType(
    "propagation.never_exact",
    N_(
        "The channel shows {shown}. This is no exact value, so nothing is proven and nothing was rounded. Replay it "
        "once the channel is mended; the clock runs until it is seen."
    ),
)
NOT_EXACT: Final = MessageType(
    "propagation.not_exact",
    N_("The channel shows {shown}. This is no exact value, so nothing is proven and nothing was rounded."),
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
