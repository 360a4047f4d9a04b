"""Parts of the composition root itself: the export of audit heads, and the page of the API reference."""

from pathlib import Path
from typing import Final

from controlplane.audit_export import EXPORT, export_job, repair_export
from foundation.rooms import Room

ROOM: Final = Room(
    name="controlplane",
    folder=Path(__file__).parent,
    job_types=(EXPORT,),
    jobs=lambda services: (export_job(services),),
    repairs=(repair_export,),
)
