"""Row structs of propagations."""

from datetime import datetime, timedelta
from uuid import UUID

from canonical.keys import Keyed
from canonical.values import Value
from governance.propagation.states import PropagationState


class PropagationRow(Keyed, gc=False):
    change_id: UUID
    connection_id: UUID
    partner_id: UUID | None
    id: UUID
    value: Value
    version: int
    state: PropagationState
    committed_at: datetime
    released_at: datetime
    slo_due_at: datetime
    correlation: str
    excluded: timedelta = timedelta(0)
    excluded_until: datetime | None = None
