"""Job types and lanes of governance. One lane per connection and direction, so a slow channel delays only itself."""

from typing import Final
from uuid import UUID

INGEST: Final = "governance.ingest"
PUSH: Final = "governance.push"
VERIFY: Final = "governance.verify"
REDECIDE: Final = "governance.decide_anew"
ESCALATE_EXCEPTIONS: Final = "governance.corrections"
SCAN_DRIFT: Final = "governance.reread"
BREACH_SLOS: Final = "governance.clocks"
EXPIRE_APPROVALS: Final = "governance.expire_approvals"

WATCH_CONNECTION: Final = "governance.watch_connection"
CHECK_HEALTH: Final = "governance.judge_standing"
BACKFILL_CHANNEL: Final = "governance.catch_up"

BASELINE_READ: Final = "governance.read_baseline"
BASELINE_ACCEPT: Final = "governance.accept_baseline"
BASELINE_FORGET: Final = "governance.forget_baseline"

RELEASE_HELD: Final = "governance.release_held"

HELD_LANE: Final = "held"
BASELINE_LANE: Final = "baseline"
REDECIDE_LANE: Final = "anew"
TIMER_LANE: Final = "clocks"


def ingest_lane(connection_id: UUID) -> str:
    return f"ingest/{connection_id}"


def push_lane(connection_id: UUID) -> str:
    return f"push/{connection_id}"


def baseline_lane(connection_id: UUID) -> str:
    return f"baseline/{connection_id}"


def health_lane(connection_id: UUID) -> str:
    return f"standing/{connection_id}"


def verify_lane(connection_id: UUID) -> str:
    return f"verify/{connection_id}"
