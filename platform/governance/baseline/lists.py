"""The lists of baselines, and of the values that one of them compared."""

from typing import Final

from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey
from governance.baseline.queries import LISTS, list_baselines, list_compared
from governance.baseline.rows import Comparison
from governance.baseline.schemas import BaselineView, ComparedValue
from governance.records.keys import KEY_TYPES
from governance.records.value_columns import value_columns

_COUNTS: Final = ("equal", "differs", "source_only", "channel_only", "below_cost")
WHICH: Final = {
    "differs": N_("Different"),
    "below_cost": N_("Below cost"),
    "source_only": N_("In the source only"),
    "channel_only": N_("On the channel only"),
    "equal": N_("Equal"),
}


def _total(name: str) -> CsvColumn:
    return CsvColumn(name, lambda baseline: baseline.total(name))


BASELINES: Final = ListDefinition[BaselineView](
    name="baselines",
    title=N_("Baselines"),
    item=BaselineView,
    load=list_baselines,
    sorts=[
        Sort(
            name="-started",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("b.id", "uuid", descending=True)],
        )
    ],
    columns=[
        "id",
        "state",
        "started_at",
        "started_by",
        "read_at",
        "decided_at",
        "decided_by",
        "finished_at",
        *map(_total, _COUNTS),
        "accepted",
        "proven",
        "automatic",
        "awaiting",
        "refused",
        "overtaken",
    ],
)
COMPARED_VALUES: Final = ListDefinition[ComparedValue](
    name="compared-values",
    title=N_("Compared values"),
    item=ComparedValue,
    load=list_compared,
    filters=[
        ChoiceFilter(
            name="which",
            label=N_("Result"),
            options=[(str(name), WHICH[name]) for name in LISTS],
            default=Comparison.DIFFERS.value,
            hidden=True,
        )
    ],
    sorts=[
        Sort(
            name="record",
            label=N_("By record"),
            reverse_label=N_("By record, descending"),
            keys=[*(SortKey(f"r.{name}") for name in KEY_TYPES), SortKey("r.connection_id", "uuid")],
        )
    ],
    columns=[
        *KEY_TYPES,
        "connection_id",
        "channel",
        *value_columns("source", lambda value: value.source),
        *value_columns("shown", lambda value: value.shown),
        *value_columns("cost", lambda value: value.cost),
        "comparison",
        "outcome",
        "below_cost",
        "seen_at",
        "change_id",
        "unreadable",
        "source_unreadable",
    ],
)
