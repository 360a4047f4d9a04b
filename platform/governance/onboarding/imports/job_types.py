"""Job types and lanes of this folder."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

IMPORT_LANE: Final = "client_import"
IMPORT_CLIENTS: Final = JobType(
    "governance.import_clients", N_("Create imported clients"), NoPayload, batch=1, seconds=120.0
)
JOB_TYPES: Final = (IMPORT_CLIENTS,)
