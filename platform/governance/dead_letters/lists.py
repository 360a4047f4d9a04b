"""The list of dead letters."""

from typing import Final

from foundation.jobs.states import DeadLetterState
from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey
from governance.dead_letters.queries import list_letters
from governance.dead_letters.schemas import DeadLetterView

_ID: Final = SortKey("id", "uuid", descending=True)

DEAD_LETTERS: Final = ListDefinition[DeadLetterView](
    name="dead-letters",
    title=N_("Failed jobs"),
    item=DeadLetterView,
    load=list_letters,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[
                (DeadLetterState.OPEN, N_("Failed")),
                (DeadLetterState.REPLAYED, N_("Replayed")),
                (DeadLetterState.DISCARDED, N_("Discarded")),
            ],
            default=DeadLetterState.OPEN,
        )
    ],
    sorts=[
        Sort(
            name="-died",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("died_at", "timestamptz", descending=True), _ID],
        ),
        Sort(
            name="-attempts",
            label=N_("Most attempts first"),
            reverse_label=N_("Fewest attempts first"),
            keys=[SortKey("attempts", "bigint", descending=True), _ID],
        ),
    ],
    columns=[
        "id",
        "kind",
        "lane",
        "key",
        "attempts",
        "error",
        "state",
        "enqueued_at",
        "died_at",
        "closed_at",
        "closed_by",
        "correlation",
    ],
)
