"""The list of scheduled proposals."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.proposals.queries import list_scheduled
from governance.proposals.schemas import ScheduledProposalView
from governance.proposals.states import ScheduleState
from governance.records.value_columns import value_columns

_ID: Final = SortKey("p.id", "uuid")

SCHEDULED: Final = ListDefinition[ScheduledProposalView](
    name="scheduled-proposals",
    title=N_("Scheduled values"),
    item=ScheduledProposalView,
    load=list_scheduled,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[
                (ScheduleState.SCHEDULED, N_("Scheduled")),
                (ScheduleState.PROPOSED, N_("Proposed")),
                (ScheduleState.NOT_PROPOSED, N_("Not proposed")),
                (ScheduleState.CANCELLED, N_("Cancelled")),
            ],
            default=ScheduleState.SCHEDULED,
        ),
        TextFilter(name="key", label=N_("Record"), about="An exact record key."),
    ],
    sorts=[
        Sort(
            name="effective",
            label=N_("Next first"),
            reverse_label=N_("Last first"),
            keys=[SortKey("p.effective_at", "timestamptz"), _ID],
        )
    ],
    columns=[
        "id", "record_key", "element", "dimension", "record_type",
        *value_columns("value", lambda one: one.value),
        "note", "effective_at", "state", "author_name", "scheduled_at", "change_id", "failure", "ended_at", "ended_by",
    ],
)  # fmt: skip
