"""Parts of foundation in the product: its tables, and the jobs and retention of their rows."""

from typing import Final

import foundation.audit.models
import foundation.database.models
import foundation.entitlements.models
import foundation.idempotency.models
import foundation.jobs.models
import foundation.usage.models
import foundation.vault.models
from foundation.audit.own_actions import DeadLetterAction, VaultAction
from foundation.events import DELIVER
from foundation.idempotency.jobs import idempotency_jobs
from foundation.idempotency.response_store import PRUNE, SEALED, repair_pruning
from foundation.jobs.repair import REPAIR
from foundation.retention import AUDIT, DEAD_LETTERS, WAITING_EVENTS
from foundation.rooms import Room

ROOM: Final = Room(
    name="foundation",
    audit_actions=(DeadLetterAction, VaultAction),
    models=(
        foundation.database.models,
        foundation.jobs.models,
        foundation.vault.models,
        foundation.idempotency.models,
        foundation.audit.models,
        foundation.usage.models,
        foundation.entitlements.models,
    ),
    job_types=(DELIVER, REPAIR, PRUNE),
    jobs=lambda services: idempotency_jobs(services.clock),
    repairs=(repair_pruning,),
    sealed_columns=(SEALED,),
    retained=(DEAD_LETTERS, AUDIT),
    pins=(WAITING_EVENTS,),
)
