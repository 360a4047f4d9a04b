"""Names of this room's work and lanes. One lane per connection and direction, so a slow channel delays only itself."""

from typing import Final
from uuid import UUID

INGEST: Final = "governance.ingest"
PUSH: Final = "governance.push"
VERIFY: Final = "governance.verify"
CLOCKS: Final = "governance.clocks"
APPROVALS: Final = "governance.expire_approvals"

CLOCK_LANE: Final = "clocks"
METER_VERIFIED: Final = "sync.verified"


def ingest_lane(connection_id: UUID) -> str:
    return f"ingest/{connection_id}"


def push_lane(connection_id: UUID) -> str:
    return f"push/{connection_id}"


def verify_lane(connection_id: UUID) -> str:
    return f"verify/{connection_id}"
