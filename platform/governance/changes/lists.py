"""The lists of changes, and of a change's delivery attempts."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, Options, TextFilter
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey
from foundation.web.time_filter import TimeFilter
from governance.changes.queries import ANY, find_change, list_changes
from governance.changes.schemas import ChangeView
from governance.propagation.attempt_queries import NEWEST_FIRST, list_attempts
from governance.propagation.schemas import AttemptView
from governance.records.value_columns import value_columns

_STATES: Final[Options] = [
    ("", N_("Any")),
    ("released", N_("Released")),
    ("awaiting_approval", N_("Pending approval")),
    ("refused", N_("Refused")),
    ("declined", N_("Declined")),
    ("superseded", N_("Superseded")),
    ("expired", N_("Expired")),
]

CHANGES: Final = ListDefinition[ChangeView](
    name="changes",
    title=N_("Changes"),
    item=ChangeView,
    load=list_changes,
    on_page=25,
    filters=[
        TextFilter(
            name="search",
            label=N_("Product name or SKU"),
            about="Part of a record key or product name, in upper or lower case.",
        ),
        ChoiceFilter(name="status", label=N_("State"), options=_STATES),
        TextFilter(name="element", label=N_("Element"), about="An element, such as `price.list`."),
        TimeFilter(name="since", label=N_("Proposed from (UTC)")),
        TimeFilter(name="until", label=N_("Proposed before (UTC)")),
        TextFilter(name="key", label=N_("Record"), about="An exact record key.", hidden=True),
        TextFilter(
            name="record", label=N_("Record"), about="A record key, or a prefix with a trailing `*`.", hidden=True
        ),
        TextFilter(
            name="dimension",
            label=N_("Dimension"),
            about="A canonical dimension; empty for undivided values, `*` for all.",
            default=ANY,
            hidden=True,
        ),
        TextFilter(name="record_type", label=N_("Record type"), about="A record type, such as `product`.", hidden=True),
    ],
    sorts=[
        Sort(
            name="-proposed",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("c.id", "uuid", descending=True)],
        )
    ],
    columns=[
        "id",
        "record_key",
        "element",
        "dimension",
        "record_type",
        *value_columns("old", lambda change: change.old),
        *value_columns("new", lambda change: change.new),
        "origin",
        "author",
        "state",
        "outcome",
        "rule_id",
        "reason",
        "policy_version",
        "committed_at",
        "proposed_at",
        "decided_at",
        "approval_id",
        "correlation",
    ],
)


async def _load_attempts(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[AttemptView]:
    """Raises NotFound: no such change in this account."""
    await find_change(session, query.parents["change_id"], now=now)
    return await list_attempts(session, query, now)


ATTEMPTS: Final = ListDefinition[AttemptView](
    name="attempts",
    title=N_("Delivery attempts"),
    item=AttemptView,
    load=_load_attempts,
    sorts=[NEWEST_FIRST],
    columns=[
        "id",
        "connection_id",
        "channel",
        *value_columns("sent", lambda attempt: attempt.sent),
        "is_retry",
        "started_at",
        "answered_at",
        "outcome",
        "status_code",
        "detail",
        "retry_after",
        "duration_ms",
        "bytes",
        *value_columns("read", lambda attempt: attempt.read),
    ],
)
