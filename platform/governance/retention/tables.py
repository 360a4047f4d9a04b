"""Retention of governance's growing tables: periods, and needed rows of other packages."""

from typing import Final

from foundation.marks import N_
from foundation.relations import DEAD_LETTERS, JOBS
from foundation.retention import DataClass, Pin, RetainedTable
from governance.propagation.states import RUNNING
from policy.relations import APPROVALS

_OPEN: Final = "governance_exception WHERE tenant_id = :t AND state = 'open'"
_ENDED: Final = f"""
NOT EXISTS (SELECT 1 FROM governance_exception e
             WHERE e.tenant_id = :t AND e.id = escalation.subject_id AND e.state = 'open')
AND NOT EXISTS (SELECT 1 FROM {APPROVALS} a
                 WHERE a.tenant_id = :t AND a.wait_id = escalation.subject_id AND a.state = 'pending')
"""
"""A step of an open item is kept, or the ladder would reach it again."""
_GONE: Final = """
NOT EXISTS (SELECT 1 FROM governance_exception e WHERE e.tenant_id = :t AND e.id = {table}.subject_id)
AND NOT EXISTS (SELECT 1 FROM change c WHERE c.tenant_id = :t AND c.id = {table}.subject_id)
"""
"""Rows that people wrote about an item are kept as long as the item."""
_BASELINES: Final = """
baseline_id IN (SELECT b.id FROM baseline b WHERE b.tenant_id = :t AND b.state IN ('accepted', 'discarded')
                   AND coalesce(b.finished_at, b.decided_at, b.started_at) < :before_at)
"""

RETAINED: Final = (
    DataClass(
        "changes", N_("Changes and deliveries"), N_("Each change with its decision and its delivery to each channel."),
        (
            RetainedTable("propagation_attempt", "change_id", partitioned=True, element="element",
                          record="record_key"),
            RetainedTable("propagation", "change_id", partitioned=True, element="element", record="record_key"),
            RetainedTable("change", "id", partitioned=True, element="element", record="record_key"),
        ),
        default_days=731, least_days=90,
        pins=(
            # Changes behind current approved values, and changes not yet decided or delivered.
            "SELECT change_id FROM record_value WHERE tenant_id = :t AND change_id < :before",
            "SELECT change_id FROM channel_value WHERE tenant_id = :t AND change_id < :before",
            "SELECT id FROM change WHERE tenant_id = :t AND id < :before AND state = 'awaiting_approval'",
            f"SELECT change_id FROM propagation WHERE tenant_id = :t AND change_id < :before AND {RUNNING}",
            f"SELECT change_id FROM {_OPEN} AND change_id < :before",
            f"SELECT ref FROM {JOBS} j WHERE tenant_id = :t AND ref < :before",
            f"SELECT ref FROM {DEAD_LETTERS} d WHERE tenant_id = :t AND ref < :before AND state = 'open'",
        ),
    ),
    DataClass(
        "exceptions", N_("Closed exceptions"), N_("Exceptions that were resolved or discarded."),
        (RetainedTable("governance_exception", "closed_at", by_time=True, closed="state <> 'open'", element="element",
                       record="record_key"),),
        default_days=400, least_days=30,
    ),
    DataClass(
        "escalations", N_("Escalations"), N_("Steps of the escalation ladder that approvals and exceptions reached."),
        (RetainedTable("escalation", "reached_at", by_time=True, closed=_ENDED),),
        default_days=400, least_days=30,
    ),
    DataClass(
        "comments", N_("Comments and assignments"),
        N_(
            "Comments on exceptions and approvals, and their assignees. Kept at least as long as the exception or "
            "approval."
        ),
        (
            RetainedTable("item_comment", "written_at", by_time=True, closed=_GONE.format(table="item_comment")),
            RetainedTable("item_assignment", "assigned_at", by_time=True, closed=_GONE.format(table="item_assignment")),
        ),
        default_days=30, least_days=30,
    ),
    DataClass(
        "baselines", N_(
            "Baseline readings"
        ), N_("Values read from sources and channels for a baseline. Its totals are kept."),
        (
            RetainedTable("baseline_reading", "", closed=_BASELINES, record="record_key"),
            RetainedTable("baseline_item", "", closed=_BASELINES, record="record_key"),
        ),
        default_days=90, least_days=7,
    ),
)  # fmt: skip

PINS: Final = (
    Pin("source_events", f"SELECT source_event_id FROM {_OPEN} AND source_event_id < :before"),
    Pin("source_events", "SELECT source_event_id FROM change"
                         " WHERE tenant_id = :t AND source_event_id < :before AND state = 'awaiting_approval'"),
    Pin("source_events", "SELECT source_event_id FROM record_value"
                         " WHERE tenant_id = :t AND source_event_id < :before"),
    # A carried-out approval is shown with its change.
    Pin("approvals", "SELECT approval_id FROM change WHERE tenant_id = :t AND approval_id < :before"),
)  # fmt: skip
