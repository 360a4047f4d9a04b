"""Lists of playbooks, and of tasks of all clients that are stuck."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.playbooks.queries import list_playbooks, list_stuck_tasks
from governance.playbooks.schemas import PlaybookRow, StuckTaskRow

PLAYBOOKS: Final = ListDefinition[PlaybookRow](
    name="playbooks",
    title=N_("Playbooks"),
    item=PlaybookRow,
    load=list_playbooks,
    sorts=[
        Sort(
            name="name",
            label=N_("By name"),
            reverse_label=N_("By name, descending"),
            keys=[SortKey("p.name"), SortKey("p.id", "uuid")],
        )
    ],
    columns=["id", "name", "revision", "tasks", "changed_at", "changed_by"],
)
STUCK_TASKS: Final = ListDefinition[StuckTaskRow](
    name="onboarding-tasks",
    title=N_("Stuck tasks"),
    item=StuckTaskRow,
    load=list_stuck_tasks,
    filters=[
        ChoiceFilter(
            name="problem",
            label=N_("Problem"),
            options=[
                ("", N_("Stuck for any reason")),
                ("overdue", N_("Overdue")),
                ("blocked", N_("Blocked")),
                ("unowned", N_("Without an owner")),
                ("any", N_("All that are not done")),
            ],
        ),
        TextFilter(name="workstream", label=N_("Workstream"), about="The exact name of a workstream."),
        TextFilter(name="owner", label=N_("Owner")),
    ],
    sorts=[
        Sort(
            name="due_on",
            label=N_("Longest overdue first"),
            reverse_label=N_("Due last first"),
            keys=[SortKey("CAST(k.due_on AS varchar)"), SortKey("k.id", "uuid")],
        ),
        Sort(
            name="client",
            label=N_("By client"),
            reverse_label=N_("By client, descending"),
            keys=[SortKey("c.name"), SortKey("k.id", "uuid")],
        ),
    ],
    columns=[
        "client",
        "client_name",
        "phase",
        "workstream",
        "title",
        "role",
        "owner",
        "due_on",
        "state",
        "reason",
        "fact",
        "problems",
    ],
)
