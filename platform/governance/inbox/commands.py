"""`fairlead inbox`: pending approvals and open exceptions of all clients of an MSP. Approvals are answered by members;
exceptions are closed and replayed by `fairlead exception`.
"""

from typing import Final

import click

from foundation.commands import NounGroup
from foundation.rooms import CliCommand
from governance.changes.commands import describe_key
from governance.inbox.lists import INBOX
from governance.inbox.schemas import InboxItem
from tenants.list_command import list_command


@click.group(cls=NounGroup)
def inbox() -> None:
    """Pending approvals and open exceptions of all clients of an MSP."""


def _line(item: InboxItem) -> str:
    about = describe_key(item.record_key, item.element, item.dimension)
    return "  ".join(
        part for part in (str(item.id), item.kind, item.client, str(item.severity), item.title, about) if part
    )


inbox.add_command(
    list_command(INBOX, _line, about="List pending approvals and open exceptions, those due first.", fleet=True)
)
COMMANDS: Final = (CliCommand(command=inbox),)
