"""Parts of this room. Each slice describes its part; a new slice is an import and a line here.

The order of `slices` is that of imports: a slice may import those before it (import-linter, `pyproject.toml`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from connectors.runtime import ConnectorRuntime
from foundation.rooms import AppServices, Room
from governance.approvals.slice import SLICE as APPROVALS
from governance.assignments.slice import SLICE as ASSIGNMENTS
from governance.audit_actions import ExceptionAction, GovernanceAction
from governance.audit_trail.slice import SLICE as AUDIT_TRAIL
from governance.baseline.slice import SLICE as BASELINE
from governance.changes.slice import SLICE as CHANGES
from governance.connections.slice import SLICE as CONNECTIONS
from governance.control_reviews.slice import SLICE as CONTROL_REVIEWS
from governance.dashboards.slice import SLICE as DASHBOARDS
from governance.dead_letters.slice import SLICE as DEAD_LETTERS
from governance.drift.slice import SLICE as DRIFT
from governance.elements.slice import SLICE as ELEMENTS
from governance.endpoint_health.slice import SLICE as ENDPOINT_HEALTH
from governance.escalations.slice import SLICE as ESCALATIONS
from governance.exception_queue.slice import SLICE as EXCEPTION_QUEUE
from governance.exceptions.slice import SLICE as EXCEPTIONS
from governance.fleet.slice import SLICE as FLEET
from governance.held_values.slice import SLICE as HELD_VALUES
from governance.inbox.slice import SLICE as INBOX
from governance.job_types import JOB_TYPES
from governance.metrics import ClockMetrics
from governance.monthly_reports.slice import SLICE as MONTHLY_REPORTS
from governance.onboarding.slice import SLICE as ONBOARDING
from governance.orders.slice import SLICE as ORDERS
from governance.overview.slice import SLICE as OVERVIEW
from governance.partner_channel.slice import SLICE as PARTNER_CHANNEL
from governance.permissions import GovernancePermission
from governance.playbooks.slice import SLICE as PLAYBOOKS
from governance.policies.slice import SLICE as POLICIES
from governance.propagation.slice import SLICE as PROPAGATION
from governance.proposals.slice import SLICE as PROPOSALS
from governance.records.slice import SLICE as RECORDS
from governance.retention.slice import SLICE as RETENTION
from governance.search.slice import SLICE as SEARCH
from governance.services import GovernanceServices
from governance.slo.slice import SLICE as SLO
from governance.source_events.slice import SLICE as SOURCE_EVENTS
from governance.unclaimed_messages.slice import SLICE as UNCLAIMED_MESSAGES
from governance.webhook_events import WEBHOOK_EVENTS
from policy.cache import PolicyCache
from tenants.members.rights import MemberRights


def _services(services: AppServices) -> Sequence[object]:
    governance = GovernanceServices(
        services.get(ConnectorRuntime),
        services.get(PolicyCache),
        services.clock,
        services.new_id,
        rights=services.get(MemberRights),
        metrics=ClockMetrics(services.metrics),
        retained=services.rooms.retained,
        db=services.db,
    )
    return (governance,)


ROOM: Final = Room(
    name="governance",
    services=_services,
    folder=Path(__file__).parent,
    permissions=(GovernancePermission,),
    audit_actions=(ExceptionAction, GovernanceAction),
    job_types=JOB_TYPES,
    webhook_events=WEBHOOK_EVENTS,
    slices=(
        ELEMENTS,
        RECORDS,
        EXCEPTIONS,
        PROPAGATION,
        CHANGES,
        ESCALATIONS,
        ASSIGNMENTS,
        APPROVALS,
        PROPOSALS,
        SLO,
        DRIFT,
        HELD_VALUES,
        UNCLAIMED_MESSAGES,
        ENDPOINT_HEALTH,
        CONNECTIONS,
        EXCEPTION_QUEUE,
        DEAD_LETTERS,
        AUDIT_TRAIL,
        BASELINE,
        POLICIES,
        RETENTION,
        DASHBOARDS,
        OVERVIEW,
        PARTNER_CHANNEL,
        ORDERS,
        MONTHLY_REPORTS,
        FLEET,
        ONBOARDING,
        PLAYBOOKS,
        CONTROL_REVIEWS,
        INBOX,
        SEARCH,
        SOURCE_EVENTS,
    ),
)
