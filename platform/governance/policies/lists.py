"""The lists of changes that a draft decides differently, and of the MSP's rules that clients replace or omit."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, Options, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.policies.queries import list_differences, list_overrides
from governance.policies.schemas import OverrideView, ReplayDifferenceView, RuleOverride
from governance.records.value_columns import value_columns

WAYS: Final[Options] = [
    ("", N_("Any")),
    ("auto>review", N_("Passes today, would need approval")),
    ("auto>refuse", N_("Passes today, would be refused")),
    ("review>auto", N_("Needs approval today, would pass")),
    ("review>refuse", N_("Needs approval today, would be refused")),
    ("refuse>auto", N_("Refused today, would pass")),
    ("refuse>review", N_("Refused today, would need approval")),
]

REPLAY_DIFFERENCES: Final = ListDefinition[ReplayDifferenceView](
    name="replay-differences",
    title=N_("Changes decided differently"),
    item=ReplayDifferenceView,
    load=list_differences,
    filters=[ChoiceFilter(name="way", label=N_("Decided differently"), options=WAYS)],
    sorts=[
        Sort(
            name="-proposed",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("d.change_id", "uuid", descending=True)],
        )
    ],
    columns=[
        "change_id", "record_key", "element", "dimension", "record_type",
        *value_columns("old", lambda one: one.old),
        *value_columns("new", lambda one: one.new),
        "proposed_at", "before", "after", "rule_id", "reason",
    ],
)  # fmt: skip

POLICY_OVERRIDES: Final = ListDefinition[OverrideView](
    name="policy-overrides",
    title=N_("Rules that clients replace or remove"),
    item=OverrideView,
    load=list_overrides,
    filters=[
        TextFilter(name="search", label=N_("Client"), about="A part of the client's name."),
        ChoiceFilter(
            name="override",
            label=N_("What the client does"),
            options=[("", N_("Any")), *((str(one), one.label) for one in RuleOverride)],
        ),
    ],
    sorts=[
        Sort(
            name="name",
            label=N_("By client"),
            reverse_label=N_("By client, descending"),
            keys=[SortKey("c.name"), SortKey("c.tenant_id", "uuid"), SortKey("r.id")],
        )
    ],
    columns=["client", "name", "rule_id", "element", "sentence", "override"],
)
