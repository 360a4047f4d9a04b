"""`fairlead audit list`: entries of an account's audit trail."""

from typing import Final

from foundation.clock import write_utc
from foundation.rooms import CliCommand
from governance.audit_trail.lists import build_audit_list
from governance.audit_trail.schemas import AuditEntryView
from tenants.list_command import list_command


def _line(entry: AuditEntryView) -> str:
    parts = (str(entry.seq), write_utc(entry.at), entry.actor, entry.action, entry.subject, entry.data_text)
    return "  ".join(part for part in parts if part)


_LIST: Final = list_command(
    build_audit_list({}),
    _line,
    about="List the entries of a client's audit trail, newest first; without --client, those of the MSP's own account.",
    of_msp=True,
    bind=lambda services: build_audit_list(services.rooms.audit_nouns),
)
COMMANDS: Final = (CliCommand(command=_LIST, under="audit"),)
