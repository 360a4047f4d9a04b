"""Names of this room's work and lanes. One lane per connection and direction, so a slow channel delays only itself."""

from typing import Final
from uuid import UUID

INGEST: Final = "governance.ingest"
PUSH: Final = "governance.push"
VERIFY: Final = "governance.verify"
DECIDE_ANEW: Final = "governance.decide_anew"
CORRECTIONS: Final = "governance.corrections"
REREAD: Final = "governance.reread"
CLOCKS: Final = "governance.clocks"
APPROVALS: Final = "governance.expire_approvals"

WATCH: Final = "governance.watch_connection"
STANDING: Final = "governance.judge_standing"
CATCH_UP: Final = "governance.catch_up"

BASELINE_READ: Final = "governance.read_baseline"
BASELINE_ACCEPT: Final = "governance.accept_baseline"
BASELINE_FORGET: Final = "governance.forget_baseline"

RELEASE_HELD: Final = "governance.release_held"

HELD_LANE: Final = "held"
BASELINE_LANE: Final = "baseline"
ANEW_LANE: Final = "anew"
CLOCK_LANE: Final = "clocks"
METER_VERIFIED: Final = "sync.verified"


def ingest_lane(connection_id: UUID) -> str:
    return f"ingest/{connection_id}"


def push_lane(connection_id: UUID) -> str:
    return f"push/{connection_id}"


def baseline_lane(connection_id: UUID) -> str:
    return f"baseline/{connection_id}"


def standing_lane(connection_id: UUID) -> str:
    return f"standing/{connection_id}"


def verify_lane(connection_id: UUID) -> str:
    return f"verify/{connection_id}"
