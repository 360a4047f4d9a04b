"""The list of deletions by retention."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ListDefinition
from governance.retention.plan import PURGE_ORDER, list_purges
from governance.retention.schemas import PurgeView

PURGES: Final = ListDefinition[PurgeView](
    name="purges",
    title=N_("Deletions"),
    item=PurgeView,
    load=list_purges,
    sorts=[PURGE_ORDER],
    columns=["purged_at", "data_class", "table", "before", "removed", "kept", "partition"],
)
