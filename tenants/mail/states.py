"""States of mails."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class MailState(LabelledCode):
    """A failed mail can be sent again. A mail of state `kept` is only shown, because the installation has no mail
    server.
    """

    QUEUED = "queued", N_("Waiting")
    SENT = "sent", N_("Sent")
    KEPT = "kept", N_("Shown here")
    FAILED = "failed", N_("Not sent")


MAILS: Final = StateMachine(
    MailState,
    starts=[MailState.QUEUED],
    transitions={
        MailState.QUEUED: [MailState.SENT, MailState.KEPT, MailState.FAILED],
        MailState.FAILED: [MailState.QUEUED, MailState.SENT, MailState.KEPT],
        MailState.KEPT: [MailState.SENT, MailState.FAILED],
    },
)
