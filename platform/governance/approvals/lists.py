"""The list of approvals."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey
from governance.approvals.queries import list_approvals
from governance.approvals.schemas import ApprovalItem
from governance.assignments.filter import ASSIGNED
from governance.impact import impact_sort
from governance.records.value_columns import value_columns

_ID: Final = SortKey("a.id", "uuid")
_STATES: Final = [
    ("pending", N_("Pending")),
    ("answered", N_("Answered")),
    ("granted", N_("Approved, publishing")),
    ("used", N_("Approved")),
    ("refused", N_("Declined")),
    ("expired", N_("Expired")),
    ("withdrawn", N_("Superseded")),
]

APPROVALS: Final = ListDefinition[ApprovalItem](
    name="approvals",
    title=N_("Approvals"),
    item=ApprovalItem,
    load=list_approvals,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=_STATES,
            default="pending",
            about="State of the approval; `answered` is every state but pending.",
            hidden=True,
        ),
        ASSIGNED,
    ],
    sorts=[
        Sort(
            name="created",
            label=N_("Oldest first"),
            reverse_label=N_("Newest first"),
            keys=[SortKey("a.created_at", "timestamptz"), _ID],
        ),
        Sort(
            name="due",
            label=N_("Due first"),
            reverse_label=N_("Due last"),
            keys=[SortKey("coalesce(a.due_at, a.expires_at)", "timestamptz"), _ID],
        ),
        Sort(
            name="-severity",
            label=N_("Worst first"),
            reverse_label=N_("Least severe first"),
            keys=[SortKey("a.severity", "bigint", descending=True), SortKey("a.created_at", "timestamptz"), _ID],
        ),
        impact_sort("a."),
    ],
    usual_order=lambda values: "created" if values["status"] == "pending" else "-created",
    columns=[
        "approval.id",
        "change.id",
        "change.record_key",
        "change.element",
        "change.dimension",
        "change.record_type",
        *value_columns("change_old", lambda item: item.change.old),
        *value_columns("change_new", lambda item: item.change.new),
        "change.reason",
        "approval.severity",
        *value_columns("approval_impact", lambda item: item.approval.impact)[:2],
        "approval.state",
        "approval.requested_by",
        "approval.author",
        "approval.created_at",
        "approval.due_at",
        "approval.expires_at",
        "approval.decided_by",
        "approval.decided_at",
        "approval.reason",
    ],
)
