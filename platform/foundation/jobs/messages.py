"""Messages of jobs that failed."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

NO_HANDLER: Final = MessageType("job.no_handler", N_("No handler for jobs of type {kind}"))
PAYLOAD_INVALID: Final = MessageType("job.payload_invalid", N_("The payload is not one of {kind}: {error}"))
PROCESS_ENDED: Final = MessageType(
    "job.process_ended",
    N_("This job crashed the process that ran it ({how}), and crashed it again when it ran alone."),
)
EVENT_UNKNOWN: Final = MessageType("job.event_unknown", N_("No room of this release declares the event {event}"))
