"""`fairlead connection messages`: messages received from a client's systems."""

from typing import Final

from foundation.rooms import CliCommand
from governance.source_events.lists import SOURCE_EVENTS
from governance.source_events.schemas import SourceEventRow
from tenants.list_command import list_command


def _line(found: SourceEventRow) -> str:
    return f"{found.id}  {found.received_at.isoformat()}  {found.via}  {found.connection}  {found.size} bytes"


_MESSAGES: Final = list_command(
    SOURCE_EVENTS, _line, name="messages", about="List what was received from a client's systems, newest first."
)
COMMANDS: Final = (CliCommand(command=_MESSAGES, under="connection"),)
